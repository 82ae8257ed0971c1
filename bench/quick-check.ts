import { attend } from '../src/attention/attend.js';
import { EngineError } from '../src/base/errors.js';
import type { Precision } from '../src/base/precision.js';
import { hostRandom } from '../src/base/random.js';
import { readFloats, upload, Workspace } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { Recorder } from '../src/gpu/recorder.js';
import { PAPER_RULES } from '../src/grammar/presets.js';
import { recordLinear, recordLinearBackward } from '../src/nn/linear.js';
import type { Layout } from '../src/plan/layout.js';
import { AttentionMask } from '../src/plan/mask.js';
import { errorBound, largest, largestError } from './error-bound.js';
import { checkNumbers, type GateResult } from './gate.js';
import { half } from './reference-attention.js';
import { referenceTokenBias } from './reference-pairs.js';

const SEED = 1;
const HEADS = 2;
/** A sequence that is longer than a tile of any kernel, and one that starts within a tile. */
const LENGTHS = [37, 11];
const LINEAR = { rows: 37, inputs: 36, outputs: 20 };

/** Attention forward and backward on a few random tokens, against float64. */
async function checkAttention(
  device: Device,
  kind: Layout['kind'],
  headDim: number,
  precision: Precision,
): Promise<GateResult> {
  const random = hostRandom(SEED);
  const tokens = LENGTHS.reduce((sum, length) => sum + length, 0);
  const draw = () => Float32Array.from({ length: tokens * HEADS * headDim }, () => 2 * random() - 1);
  const [q, k, v, outputGradient] = [draw(), draw(), draw(), draw()];
  const { tags: allTags } = PAPER_RULES;
  const tags = Array.from({ length: tokens }, () => allTags[Math.floor(random() * allTags.length)]);
  const strategy = kind === 'dense' ? 'none' : 'hard';
  const shape = { heads: HEADS, headDim, lengths: LENGTHS };
  const result = await attend(device, {
    q,
    k,
    v,
    outputGradient,
    tags,
    mask: AttentionMask.fromRules(PAPER_RULES, strategy),
    precision,
    ...shape,
  });
  const scale = 1 / Math.sqrt(headDim);
  const bias = referenceTokenBias(PAPER_RULES, strategy, tags, {});
  return checkNumbers(
    { q, k, v, outputGradient, ...shape, scale, bias },
    new Uint8Array(tokens * HEADS).fill(1),
    { output: result.output, queryGradient: result.dq, keyGradient: result.dk, valueGradient: result.dv },
    undefined,
    precision,
  );
}

interface LinearNumbers {
  input: Float32Array;
  weight: Float32Array;
  bias: Float32Array;
  gradient: Float32Array;
}

/** A linear layer and its gradients, product by product. */
function referenceLinear({ input, weight, bias, gradient }: LinearNumbers, round: (x: number) => number) {
  const { rows, inputs, outputs } = LINEAR;
  const dot = (count: number, term: (n: number) => number) => {
    let sum = 0;
    for (let n = 0; n < count; n++) sum = round(sum + round(term(n)));
    return sum;
  };
  const matrix = (height: number, width: number, entry: (row: number, column: number) => number) =>
    Float64Array.from({ length: height * width }, (_, at) => entry(Math.floor(at / width), at % width));
  return {
    output: matrix(rows, outputs, (r, o) =>
      round(dot(inputs, (i) => input[r * inputs + i] * weight[o * inputs + i]) + bias[o]),
    ),
    inputGradient: matrix(rows, inputs, (r, i) =>
      dot(outputs, (o) => gradient[r * outputs + o] * weight[o * inputs + i]),
    ),
    weightGradient: matrix(outputs, inputs, (o, i) =>
      dot(rows, (r) => gradient[r * outputs + o] * input[r * inputs + i]),
    ),
    biasGradient: matrix(1, outputs, (_, o) => dot(rows, (r) => gradient[r * outputs + o])),
  };
}

/** The operands of products rounded to f16; a bias is not. */
function inHalves({ input, weight, bias, gradient }: LinearNumbers): LinearNumbers {
  return { input: input.map(half), weight: weight.map(half), bias, gradient: gradient.map(half) };
}

/** Compares a linear layer with float64, forward and backward. Results start as NaN, so that a number that no kernel wrote is found. @returns What is wrong. */
async function checkLinear(device: Device, precision: Precision): Promise<string[]> {
  const random = hostRandom(SEED, 1);
  const { rows, inputs, outputs } = LINEAR;
  const draw = (length: number) => Float32Array.from({ length }, () => 2 * random() - 1);
  const numbers = {
    input: draw(rows * inputs),
    weight: draw(outputs * inputs),
    bias: draw(outputs),
    gradient: draw(rows * outputs),
  };
  const exact = referenceLinear(numbers, (x) => x);
  const plain = referenceLinear(precision === 'f16' ? inHalves(numbers) : numbers, Math.fround);
  const shape = { ...LINEAR, precision };
  const results = Object.entries(exact) as [keyof typeof exact, Float64Array][];
  const workspace = new Workspace(device, 'quick check');
  const operands = Object.entries(numbers).map(
    ([name, values]) => [name, upload(device, values, name)] as const,
  );
  const made = results.map(
    ([name, { length }]) => [name, upload(device, new Float32Array(length).fill(Number.NaN), name)] as const,
  );
  const { input, weight, bias, gradient } = Object.fromEntries(operands) as Record<
    keyof LinearNumbers,
    GPUBuffer
  >;
  const { output, ...gradients } = Object.fromEntries(made) as Record<keyof typeof exact, GPUBuffer>;
  try {
    const recorder = new Recorder(device);
    recordLinear(recorder, workspace, shape, { input, weight, bias, output });
    recordLinearBackward(recorder, workspace, shape, {
      input,
      weight,
      outputGradient: gradient,
      ...gradients,
    });
    recorder.submit();
    const complaints: string[] = [];
    for (const [index, [name, expected]] of results.entries()) {
      const actual = await readFloats(device, made[index][1], expected.length);
      const error = largestError(actual, expected);
      const terms = Math.max(inputs, outputs, rows) * largest(numbers.input) * largest(numbers.gradient);
      const bound = errorBound(expected, plain[name], terms);
      if (!(error <= bound))
        complaints.push(`${name} is off by ${error.toExponential(1)}, allowed are ${bound.toExponential(1)}`);
    }
    return complaints;
  } finally {
    workspace.release();
    for (const [, buffer] of [...operands, ...made]) device.release(buffer);
  }
}

/**
 * Runs the kernels that are expected to be fastest once, on small inputs, forward and backward, and compares them with float64. Runs
 * that tune their kernels compare them while they tune, and skip this.
 * @throws EngineError where they are wrong, or the GPU fails.
 */
export async function quickCheck(
  device: Device,
  kinds: readonly Layout['kind'][],
  headDim: number,
  precision: Precision = 'f32',
): Promise<void> {
  const wrong: string[] = [];
  for (const kind of kinds) {
    const { complaints } = await checkAttention(device, kind, headDim, precision);
    wrong.push(...complaints.map((complaint) => `attention (${kind}): ${complaint}`));
  }
  const complaints = await checkLinear(device, precision);
  wrong.push(...complaints.map((complaint) => `linear layer (${precision}): ${complaint}`));
  if (wrong.length === 0) return;
  throw new EngineError({
    what: `the kernels${precision === 'f16' ? ' of precision f16' : ''} are wrong on "${device.adapter.description}": ${wrong[0]}`,
    remedy:
      'choose another adapter with --adapter, and please report this one with the output of `parsimony doctor`',
  });
}
