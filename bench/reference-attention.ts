/** Attention in float64, pair by pair, written to be read. It shares no code with what it tests. */

export interface ReferenceInput {
  q: ArrayLike<number>;
  k: ArrayLike<number>;
  v: ArrayLike<number>;
  heads: number;
  headDim: number;
  lengths: number[];
  scale: number;
  /** What is added to the score of a pair of tokens, or undefined where the pair does not exist. */
  bias: (query: number, key: number, head: number) => number | undefined;
  /** What the probability of a pair is multiplied by: 0 or 1 / (1 - p) under dropout. */
  keep?: (query: number, key: number, head: number) => number;
  outputGradient?: ArrayLike<number>;
}

export interface ReferenceResult {
  output: Float64Array;
  logSumExp: Float64Array;
  dq: Float64Array;
  dk: Float64Array;
  dv: Float64Array;
  /** dL/dS of every pair that exists, and the size of its terms before they cancel. */
  scoreGradients: { query: number; key: number; head: number; value: number; size: number }[];
  /** Scales of the terms before they cancel, for the error bound: one for each of dq and dk. */
  dqScale: number;
  dkScale: number;
}

type Round = (x: number) => number;

/** `round` is the identity for float64, Math.fround for a plain float32 evaluation of the same formula. */
export function referenceAttention(input: ReferenceInput, round: Round = (x) => x): ReferenceResult {
  const { q, k, v, heads, headDim, lengths, scale, bias, keep = () => 1, outputGradient } = input;
  const tokens = lengths.reduce((a, b) => a + b, 0);
  const width = heads * headDim;
  const result: ReferenceResult = {
    output: new Float64Array(tokens * width),
    logSumExp: new Float64Array(tokens * heads).fill(-1e30),
    dq: new Float64Array(tokens * width),
    dk: new Float64Array(tokens * width),
    dv: new Float64Array(tokens * width),
    scoreGradients: [],
    dqScale: 0,
    dkScale: 0,
  };
  const dot = (a: ArrayLike<number>, at: number, b: ArrayLike<number>, bt: number) => {
    let sum = 0;
    for (let d = 0; d < headDim; d++) sum = round(sum + round(a[at + d] * b[bt + d]));
    return sum;
  };
  const dkTerms = new Float64Array(tokens * heads);

  let start = 0;
  for (const length of lengths) {
    for (let i = start; i < start + length; i++) {
      for (let h = 0; h < heads; h++) {
        const row = i * width + h * headDim;
        const keys: number[] = [];
        const scores: number[] = [];
        for (let j = start; j < start + length; j++) {
          const b = bias(i, j, h);
          if (b === undefined) continue;
          keys.push(j);
          scores.push(round(round(dot(q, row, k, j * width + h * headDim) * round(scale)) + b));
        }
        if (keys.length === 0) continue;
        const largest = Math.max(...scores);
        const exps = scores.map((s) => round(Math.exp(round(s - largest))));
        const sum = exps.reduce((a, b) => round(a + b), 0);
        result.logSumExp[i * heads + h] = round(largest + round(Math.log(sum)));
        const p = exps.map((e) => round(e / sum));
        const kept = keys.map((j) => keep(i, j, h));
        keys.forEach((j, n) => {
          for (let d = 0; d < headDim; d++) {
            const term = round(round(p[n] * kept[n]) * v[j * width + h * headDim + d]);
            result.output[row + d] = round(result.output[row + d] + term);
          }
        });
        if (!outputGradient) continue;
        const dp = keys.map((j, n) => round(dot(outputGradient, row, v, j * width + h * headDim) * kept[n]));
        const delta = p.reduce((a, x, n) => round(a + round(x * dp[n])), 0);
        let dqTerms = 0;
        keys.forEach((j, n) => {
          const other = j * width + h * headDim;
          const ds = round(p[n] * round(dp[n] - delta));
          const size = p[n] * (Math.abs(dp[n]) + Math.abs(delta));
          result.scoreGradients.push({ query: i, key: j, head: h, value: ds, size });
          let largestK = 0;
          let largestQ = 0;
          for (let d = 0; d < headDim; d++) {
            const g = round(ds * round(scale));
            result.dq[row + d] = round(result.dq[row + d] + round(g * k[other + d]));
            result.dk[other + d] = round(result.dk[other + d] + round(g * q[row + d]));
            const dropped = round(round(p[n] * kept[n]) * outputGradient[row + d]);
            result.dv[other + d] = round(result.dv[other + d] + dropped);
            largestK = Math.max(largestK, Math.abs(k[other + d]));
            largestQ = Math.max(largestQ, Math.abs(q[row + d]));
          }
          dqTerms += size * scale * largestK;
          dkTerms[j * heads + h] += size * scale * largestQ;
        });
        result.dqScale = Math.max(result.dqScale, dqTerms);
      }
    }
    start += length;
  }
  result.dkScale = Math.max(0, ...dkTerms);
  return result;
}
