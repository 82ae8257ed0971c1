/** Attention in float64, pair by pair, written to be read. It shares no code with what it tests. */

export interface ReferenceInput {
  q: ArrayLike<number>;
  k: ArrayLike<number>;
  v: ArrayLike<number>;
  heads: number;
  headDim: number;
  lengths: number[];
  scale: number;
  /** The bias of the score of a pair of tokens; undefined where the pair does not exist. */
  bias: (query: number, key: number, head: number) => number | undefined;
  /** The factor of a pair's probability under dropout: 0 or 1 / (1 - p). */
  keep?: (query: number, key: number, head: number) => number;
  outputGradient?: ArrayLike<number>;
  /** Whether a row is evaluated; all are by default. The outputs of other rows are 0, and their output gradients count as 0. */
  includes?: (query: number, head: number) => boolean;
  /** Called with dL/dS of every pair that exists, and the size of its terms before they cancel. */
  onScoreGradient?: (query: number, key: number, head: number, value: number, size: number) => void;
}

export interface ReferenceResult {
  output: Float64Array;
  logSumExp: Float64Array;
  dq: Float64Array;
  dk: Float64Array;
  dv: Float64Array;
  /** Scales of the terms before they cancel, for the error bound: one for each of dq and dk. */
  dqScale: number;
  dkScale: number;
}

type Numbers = ArrayLike<number>;

/** The two costly loops, once for each precision, so that neither has a branch. */
const IN_FLOAT64 = {
  dot(count: number, a: Numbers, at: number, b: Numbers, bt: number): number {
    let sum = 0;
    for (let d = 0; d < count; d++) sum += a[at + d] * b[bt + d];
    return sum;
  },
  addScaled(count: number, to: Float64Array, at: number, factor: number, x: Numbers, from: number): void {
    for (let d = 0; d < count; d++) to[at + d] += factor * x[from + d];
  },
};

function productsSize(count: number, a: Numbers, at: number, b: Numbers, bt: number): number {
  let size = 0;
  for (let d = 0; d < count; d++) size += Math.abs(a[at + d] * b[bt + d]);
  return size;
}

const { fround } = Math;

/** The nearest number of f16, of two the even one. Numbers beyond its range are not rounded. */
export function half(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  const steps = x / unit;
  const rounded = Math.round(steps);
  return unit * (Math.abs(steps % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded);
}

const IN_FLOAT32: typeof IN_FLOAT64 = {
  dot(count, a, at, b, bt) {
    let sum = 0;
    for (let d = 0; d < count; d++) sum = fround(sum + fround(a[at + d] * b[bt + d]));
    return sum;
  },
  addScaled(count, to, at, factor, x, from) {
    for (let d = 0; d < count; d++) to[at + d] = fround(to[at + d] + fround(factor * x[from + d]));
  },
};

/**
 * Float64, or a plain float32 evaluation of the same formula: every result of an operation rounded; or that with all operands of matrix
 * products rounded to float16.
 */
export type ReferencePrecision = 'float64' | 'float32' | 'float16';

export function referenceAttention(
  input: ReferenceInput,
  precision: ReferencePrecision = 'float64',
): ReferenceResult {
  const single = precision !== 'float64';
  const round = (x: number) => (single ? fround(x) : x);
  const operand = precision === 'float16' ? half : (x: number) => x;
  const operands = (x: Numbers) => (precision === 'float16' ? Float64Array.from(x, half) : x);
  const { heads, headDim, lengths, scale, bias } = input;
  const [q, k, v] = [input.q, input.k, input.v].map(operands);
  const outputGradient = input.outputGradient && operands(input.outputGradient);
  const { keep = () => 1, includes = () => true } = input;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const width = heads * headDim;
  const result: ReferenceResult = {
    output: new Float64Array(tokens * width),
    logSumExp: new Float64Array(tokens * heads).fill(-1e30),
    dq: new Float64Array(tokens * width),
    dk: new Float64Array(tokens * width),
    dv: new Float64Array(tokens * width),
    dqScale: 0,
    dkScale: 0,
  };
  const { output, logSumExp, dq, dk, dv } = result;
  const largestOf = (x: ArrayLike<number>, at: number) => {
    let largest = 0;
    for (let d = 0; d < headDim; d++) largest = Math.max(largest, Math.abs(x[at + d]));
    return largest;
  };
  const { dot, addScaled } = single ? IN_FLOAT32 : IN_FLOAT64;
  const dkTerms = new Float64Array(tokens * heads);
  const largestKeys = Float64Array.from(dkTerms, (_, at) =>
    outputGradient ? largestOf(k, at * headDim) : 0,
  );

  const attendRow = (i: number, h: number, start: number, end: number) => {
    const row = i * width + h * headDim;
    const keys: number[] = [];
    const scores: number[] = [];
    for (let j = start; j < end; j++) {
      const b = bias(i, j, h);
      if (b === undefined) continue;
      keys.push(j);
      scores.push(round(round(dot(headDim, q, row, k, j * width + h * headDim) * round(scale)) + b));
    }
    if (keys.length === 0) return;
    const largest = scores.reduce((a, b) => Math.max(a, b));
    const exps = scores.map((s) => round(Math.exp(round(s - largest))));
    const sum = exps.reduce((a, b) => round(a + b), 0);
    logSumExp[i * heads + h] = round(largest + round(Math.log(sum)));
    const p = exps.map((e) => round(e / sum));
    const kept = keys.map((j) => keep(i, j, h));
    keys.forEach((j, n) => {
      // In float16 weights are rounded before they are divided by their sum, as FlashAttention does.
      const weight = precision === 'float16' ? (half(exps[n]) / sum) * kept[n] : round(p[n] * kept[n]);
      addScaled(headDim, output, row, weight, v, j * width + h * headDim);
    });
    if (!outputGradient) return;

    const dp = keys.map((j, n) =>
      round(dot(headDim, outputGradient, row, v, j * width + h * headDim) * kept[n]),
    );
    // With operands in float16 the two forms of Δ differ. A plain evaluation takes FlashAttention's, from the output.
    const delta =
      precision === 'float16'
        ? dot(headDim, outputGradient, row, output, row)
        : p.reduce((a, x, n) => round(a + round(x * dp[n])), 0);
    const largestQuery = largestOf(q, row);
    let dqTerms = 0;
    // Sizes of the terms of dp and delta: either may be nearly 0 while its rounding error is not.
    const dpSizes = input.onScoreGradient
      ? keys.map((j, n) => productsSize(headDim, outputGradient, row, v, j * width + h * headDim) * kept[n])
      : [];
    const deltaSize = dpSizes.reduce((a, x, n) => a + p[n] * x, 0);
    keys.forEach((j, n) => {
      const other = j * width + h * headDim;
      const ds = round(p[n] * round(dp[n] - delta));
      const size = p[n] * (Math.abs(dp[n]) + Math.abs(delta));
      input.onScoreGradient?.(i, j, h, ds, p[n] * (dpSizes[n] + deltaSize));
      const scaled = round(operand(ds) * round(scale));
      addScaled(headDim, dq, row, scaled, k, other);
      addScaled(headDim, dk, other, scaled, q, row);
      addScaled(headDim, dv, other, operand(round(p[n] * kept[n])), outputGradient, row);
      dqTerms += size * scale * largestKeys[j * heads + h];
      dkTerms[j * heads + h] += size * scale * largestQuery;
    });
    result.dqScale = Math.max(result.dqScale, dqTerms);
  };

  let start = 0;
  for (const length of lengths) {
    for (let i = start; i < start + length; i++) {
      for (let h = 0; h < heads; h++) if (includes(i, h)) attendRow(i, h, start, start + length);
    }
    start += length;
  }
  result.dkScale = largestOfAll(dkTerms);
  return result;
}

function largestOfAll(values: Float64Array): number {
  return values.reduce((a, b) => Math.max(a, b), 0);
}
