import { median } from 'simple-statistics';
import { hostRandom } from '../src/base/random.js';
import { Workspace, write } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { BoundKernels, Recorder } from '../src/gpu/recorder.js';
import { PAPER_RULES } from '../src/grammar/presets.js';
import { recordLinear } from '../src/nn/linear.js';
import type { LinearShape } from '../src/nn/linear-family.js';
import { AttentionImplementation } from './attention-implementation.js';
import { usefulFlops } from './attention-row.js';
import { both, type GateResult, GREEN } from './gate.js';
import { randomInputs } from './inputs.js';
import { medianOfRatios } from './statistics.js';
import { type Implementation, runsForTurn, timeInTurns } from './timing.js';

/** A matrix product, [rows, inputs] by [inputs, outputs]. */
interface ProductRate extends LinearShape {
  gflops: number;
}

/** Dense attention, forward, compared with the best product in the same turns. */
interface DenseRate {
  length: number;
  heads: number;
  headDim: number;
  gflops: number;
  /** The share of the best product's rate: the median of the ratios within each turn. Null where its results were wrong. */
  shareOfPeak: number | null;
}

export interface PeakShares {
  products: ProductRate[];
  dense: DenseRate[];
  /** Whether dense attention was right. */
  gate: GateResult;
}

export interface PeakOptions {
  /** Tokens of the dense attentions. */
  lengths: readonly number[];
  /** The products whose best is compared with; those that fill the adapter by default. */
  products?: readonly LinearShape[];
  repeats: number;
}

/** The products whose best rate is the peak: the best size depends on the adapter. */
const PRODUCTS: readonly LinearShape[] = [
  { rows: 512, inputs: 512, outputs: 512 },
  { rows: 768, inputs: 768, outputs: 768 },
  { rows: 1024, inputs: 1024, outputs: 1024 },
  { rows: 2048, inputs: 512, outputs: 2048 },
];

/** A product that fills a real GPU, and would take half a minute on a software adapter. */
const LARGE_PRODUCT: LinearShape = { rows: 4096, inputs: 4096, outputs: 4096 };

function shapesFor({ isSoftware, matrices }: Device): readonly LinearShape[] {
  if (isSoftware) return PRODUCTS;
  const inHalves = { ...LARGE_PRODUCT, precision: 'f16' } as const;
  return [...PRODUCTS, LARGE_PRODUCT, ...(matrices ? [inHalves] : [])];
}

const HEADS = 8;
const HEAD_DIM = 64;
const SEED = 1;

/** Times products and dense attention in turns, with operands and results in buffers. */
export async function measurePeakShares(
  device: Device,
  { lengths, products: ownShapes, repeats }: PeakOptions,
): Promise<PeakShares> {
  const workspace = new Workspace(device, 'product');
  const attentions = lengths.map((length) => denseAttention(device, length));
  try {
    let gate = GREEN;
    for (const attention of attentions) gate = both(gate, await attention.gate(false, SEED));
    const shapes = ownShapes ?? shapesFor(device);
    const products = shapes.map((shape) => productImplementation(device, workspace, shape));
    const implementations = [...products, ...attentions.map((attention) => attention.timed('forward'))];
    for (const { run } of implementations) await run(1);
    const runsPerTurn: number[] = [];
    for (const implementation of implementations) runsPerTurn.push(await runsForTurn(implementation));
    const times = await timeInTurns(implementations, { repeats, seed: SEED, device, runsPerTurn });
    const rate = (flops: number, at: number) => flops / median(times[at].wall) / 1e6;
    const productRates = shapes.map((shape, at) => ({ ...shape, gflops: rate(flopsOf(shape), at) }));
    const best = productRates.findIndex(({ gflops }) => gflops === bestProduct(productRates));
    const dense = lengths.map((length, index): DenseRate => {
      const at = products.length + index;
      const flops = HEADS * usefulFlops('forward', HEAD_DIM) * length ** 2;
      const { ratio } = medianOfRatios(times[best].wall, times[at].wall);
      const shareOfPeak = gate.passed ? (ratio * flops) / flopsOf(shapes[best]) : null;
      return { length, heads: HEADS, headDim: HEAD_DIM, gflops: rate(flops, at), shareOfPeak };
    });
    return { products: productRates, dense, gate };
  } finally {
    for (const attention of attentions) attention.release();
    workspace.release();
  }
}

function flopsOf({ rows, inputs, outputs }: LinearShape): number {
  return 2 * rows * inputs * outputs;
}

/** The rate that attention is compared with: the best in f32. */
export function bestProduct(products: readonly ProductRate[]): number {
  return Math.max(...products.map(({ gflops, precision }) => (precision === 'f16' ? 0 : gflops)));
}

function denseAttention(device: Device, length: number): AttentionImplementation {
  const tags = Array<string>(length).fill('NOUN');
  const workload = { tags, lengths: [length], heads: HEADS, headDim: HEAD_DIM };
  const variant = { strategy: 'none', rules: PAPER_RULES, order: 'tags' } as const;
  return new AttentionImplementation(device, workload, variant, randomInputs(workload, SEED));
}

function productImplementation(device: Device, workspace: Workspace, shape: LinearShape): Implementation {
  const { rows, inputs, outputs } = shape;
  const name = `${rows} x ${inputs} x ${outputs}, ${shape.precision ?? 'f32'}`;
  const random = hostRandom(SEED);
  const matrix = (count: number) => Float32Array.from({ length: count }, () => 2 * random() - 1);
  const filled = (role: string, count: number) => {
    const buffer = workspace.floats(`${role} of ${name}`, count);
    write(device, buffer, matrix(count));
    return buffer;
  };
  const buffers = {
    input: filled('input', rows * inputs),
    weight: filled('weight', outputs * inputs),
    bias: filled('bias', outputs),
    output: workspace.floats(`output of ${name}`, rows * outputs),
  };
  const bound = new BoundKernels();
  return {
    name,
    run: async (times) => {
      const recorder = new Recorder(device, bound);
      for (let time = 0; time < times; time++) recordLinear(recorder, workspace, shape, buffers);
      recorder.submit();
      await device.finish();
    },
  };
}
