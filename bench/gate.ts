import { type PassWords, planWords } from '../src/attention/device-plan.js';
import type { Precision } from '../src/base/precision.js';
import { hostRandom } from '../src/base/random.js';
import { planWordNames as W } from '../src/gpu/kernel-sources.generated.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import type { Layout } from '../src/plan/layout.js';
import type { PairCounts } from '../src/plan/pair-counts.js';
import type { TileConfig } from '../src/plan/tiles.js';
import { allowedPairs, type PackedText } from './allowed-pairs.js';
import type { CountedPairs } from './counted-pairs.js';
import { errorBound, largest, largestError } from './error-bound.js';
import type { Inputs, Workload } from './inputs.js';
import { BiasSums, type BiasTags } from './learned-biases.js';
import { type ReferenceInput, referenceAttention } from './reference-attention.js';

/** The result of the correctness gate: outputs and gradients against float64, and recounted pairs. */
export interface GateResult {
  passed: boolean;
  /** The largest absolute error of any tensor. */
  maxError: number;
  /** The largest error of any tensor, as a share of what its bound allows. */
  shareOfBound: number;
  /** What is wrong, in words; empty where it passed. */
  complaints: string[];
}

export const GREEN: GateResult = { passed: true, maxError: 0, shareOfBound: 0, complaints: [] };

/** Both results as one. */
export function both(a: GateResult, b: GateResult): GateResult {
  return {
    passed: a.passed && b.passed,
    maxError: Math.max(a.maxError, b.maxError),
    shareOfBound: Math.max(a.shareOfBound, b.shareOfBound),
    complaints: [...a.complaints, ...b.complaints],
  };
}

/** Rows in a group, of which one is checked. Only tiles at the end of a tag run have fewer rows. */
const GROUP = 8;

/** The approximate number of pairs that a check evaluates in float64, over all heads: two or three seconds of a core, with gradients. */
const PAIR_BUDGET = 500_000;

/**
 * Chooses the rows that are checked in each head, so that every key has some of them: one random row of each group of eight in the
 * plan's order. Longer texts check a group only in some heads, and the longest check only some groups. The first row of every tag
 * run is checked in every head.
 *
 * @returns For row i of the caller's order and head h, whether it is checked: at [i * heads + h].
 */
export function sampledRows(layout: Layout, heads: number, seed: number): Uint8Array {
  const longest = Math.max(...layout.lengths);
  const groups = Math.ceil(layout.tokens / GROUP);
  const excess = Math.max(1, Math.ceil((groups * heads * longest) / PAIR_BUDGET));
  const headsApart = Math.min(heads, excess);
  const groupsApart = Math.ceil(excess / heads);
  const random = hostRandom(seed);
  const sampled = new Uint8Array(layout.tokens * heads);
  for (let group = 0; group < groups; group += groupsApart) {
    const size = Math.min(GROUP, layout.tokens - group * GROUP);
    for (let head = (group / groupsApart) % headsApart; head < heads; head += headsApart) {
      const row = group * GROUP + Math.floor(random() * size);
      sampled[layout.order[row] * heads + head] = 1;
    }
  }
  const isShort = layout.sequences.every(({ runs }) => runs.length <= layout.tokens / GROUP);
  for (const { start } of isShort ? layout.sequences.flatMap(({ runs }) => runs) : []) {
    sampled.fill(1, layout.order[start] * heads, (layout.order[start] + 1) * heads);
  }
  return sampled;
}

/** [tokens, heads, headDim] numbers, set to 0 outside the sampled rows. With this output gradient, the reference needs no other rows. */
export function onlySampled(rows: Float32Array, sampled: Uint8Array, headDim: number): Float32Array {
  const result = new Float32Array(rows.length);
  sampled.forEach((isSampled, row) => {
    const at = row * headDim;
    if (isSampled === 1) result.set(rows.subarray(at, at + headDim), at);
  });
  return result;
}

/** The results of the GPU, in the caller's order; gradients only after a backward pass. */
export interface Computed {
  output: Float32Array;
  queryGradient?: Float32Array;
  keyGradient?: Float32Array;
  valueGradient?: Float32Array;
}

/** Results with the gradient of learned biases, [heads, tags, tags]. */
export interface ComputedWithBiases extends Computed {
  biasGradient?: Float32Array;
}

/** The expected results of a run, with their error bounds. */
export interface Expected {
  tensors: {
    name: keyof ComputedWithBiases;
    exact: ArrayLike<number>;
    bound: number;
    /** Whether only sampled rows are compared: those of queries. */
    isSampled: boolean;
  }[];
  /** At [row * heads + head]. */
  sampled: Uint8Array;
  headDim: number;
}

const NAMES: Readonly<Record<keyof ComputedWithBiases, string>> = {
  output: 'output',
  queryGradient: 'query gradient',
  keyGradient: 'key gradient',
  valueGradient: 'value gradient',
  biasGradient: 'bias gradient',
};

/** What the reference computes of a workload in the caller's order. @param backward Whether gradients are computed, too. */
export function referenceInput(
  { heads, headDim, lengths }: Workload,
  { query, key, value, outputGradient }: Inputs,
  backward: boolean,
  bias: ReferenceInput['bias'],
): ReferenceInput {
  return {
    q: query,
    k: key,
    v: value,
    outputGradient: backward ? outputGradient : undefined,
    heads,
    headDim,
    lengths: [...lengths],
    scale: 1 / Math.sqrt(headDim),
    bias,
  };
}

/**
 * Evaluates the sampled rows in float64, and plainly in the precision for the bounds; gradients where there is an output gradient.
 */
export function expectedNumbers(
  input: ReferenceInput,
  sampled: Uint8Array,
  biasTags: BiasTags = { count: 0, indexes: new Uint8Array(0) },
  precision: Precision = 'f32',
): Expected {
  const includes = (row: number, head: number) => sampled[row * input.heads + head] === 1;
  const sampledInput = { ...input, includes };
  const [exactBias, plainBias] = [new BiasSums(input.heads, biasTags), new BiasSums(input.heads, biasTags)];
  const exact = referenceAttention({ ...sampledInput, onScoreGradient: exactBias.adder((x) => x) });
  const plain = referenceAttention(
    { ...sampledInput, onScoreGradient: plainBias.adder(Math.fround) },
    precision === 'f16' ? 'float16' : 'float32',
  );
  const tensor = (name: keyof Computed, key: 'output' | 'dq' | 'dk' | 'dv', scale: number) => {
    const isSampled = key === 'output' || key === 'dq';
    const values = isSampled ? atSampled(exact[key], sampled, input.headDim) : exact[key];
    // Rows that were not evaluated are 0 in both, so they add nothing to the bound.
    return { name, exact: values, bound: errorBound(exact[key], plain[key], scale), isSampled };
  };
  const tensors: Expected['tensors'] = [tensor('output', 'output', largest(input.v))];
  if (input.outputGradient) {
    tensors.push(
      tensor('queryGradient', 'dq', exact.dqScale),
      tensor('keyGradient', 'dk', exact.dkScale),
      tensor('valueGradient', 'dv', largest(exact.dv)),
    );
    if (biasTags.count > 0) {
      const bound = errorBound(exactBias.sums, plainBias.sums, largest(exactBias.sizes));
      tensors.push({ name: 'biasGradient', exact: exactBias.sums, bound, isSampled: false });
    }
  }
  return { tensors, sampled, headDim: input.headDim };
}

function atSampled(values: ArrayLike<number>, sampled: Uint8Array, headDim: number): number[] {
  if (values.length !== sampled.length * headDim) return [];
  const result: number[] = [];
  sampled.forEach((isSampled, row) => {
    if (isSampled !== 1) return;
    for (let at = row * headDim; at < (row + 1) * headDim; at++) result.push(values[at]);
  });
  return result;
}

/** The error of a tensor; infinite for a missing one, or one of another length. */
export interface TensorCheck {
  maxError: number;
  allowed: number;
  /** What is wrong, in words; undefined where nothing is. */
  complaint: string | undefined;
}

/** Compares results with the expected ones. @param leastBound Replaces bounds that are stricter. */
export function checkTensors(
  { tensors, sampled, headDim }: Expected,
  computed: ComputedWithBiases,
  leastBound = 0,
): TensorCheck[] {
  return tensors.map(({ name, exact, bound, isSampled }) => {
    const actual = computed[name] ?? [];
    // Rows that are not sampled must have been written.
    const isWritten = !Number.isNaN(largest(actual));
    const compared = isSampled ? atSampled(actual, sampled, headDim) : actual;
    const maxError = isWritten ? largestError(compared, exact) : Number.POSITIVE_INFINITY;
    const allowed = Math.max(leastBound, bound);
    const complaint = `${NAMES[name]} is off by ${maxError.toExponential(1)}, allowed are ${allowed.toExponential(1)}`;
    return { maxError, allowed, complaint: maxError <= allowed ? undefined : complaint };
  });
}

/** Compares the sampled rows of the output and the query gradient, and every row of the other gradients, with float64. */
export function checkNumbers(
  input: ReferenceInput,
  sampled: Uint8Array,
  computed: ComputedWithBiases,
  biasTags?: BiasTags,
  precision?: Precision,
): GateResult {
  return checkExpected(expectedNumbers(input, sampled, biasTags, precision), computed);
}

/** Compares results with the expected ones, all tensors as one. */
export function checkExpected(expected: Expected, computed: ComputedWithBiases): GateResult {
  return checkTensors(expected, computed)
    .map(({ maxError, allowed, complaint }): GateResult => {
      const complaints = complaint === undefined ? [] : [complaint];
      return { passed: complaints.length === 0, maxError, shareOfBound: maxError / allowed, complaints };
    })
    .reduce(both, GREEN);
}

/** The pairs that a pass of the kernels multiplies, from the words of its items and ranges. */
function pairsOfItems(words: Uint32Array, pass: PassWords, tileConfig: TileConfig): number {
  const { rowBlock, steps, page } = tileConfig;
  let pairs = 0;
  for (let index = 0; index < pass.items; index++) {
    const item = words.subarray(pass.itemsAt + index * W.ITEM_WORDS);
    const ranges = item[W.RANGE_COUNT];
    const rowBlocks = Math.ceil(item[W.ROW_COUNT] / rowBlock);
    const slotAt = (range: number) => {
      if (range === 0) return item[W.FIRST_SLOT];
      return range < ranges
        ? words[pass.rangesAt + (item[W.FIRST_RANGE] + range) * W.RANGE_WORDS + W.RANGE_SLOT]
        : item[W.END_SLOT];
    };
    const together = page ?? Math.max(1, ranges);
    for (let first = 0; first < ranges; first += together) {
      for (let left = slotAt(first + together) - slotAt(first); left > 0; ) {
        const step = Math.min(...steps.filter((candidate) => candidate >= Math.min(left, steps[0])));
        pairs += rowBlocks * rowBlock * step;
        left -= step;
      }
    }
  }
  return pairs;
}

/** Recounts the pairs of a plan: useful and dense pairs from the text, executed pairs from what the kernels read. */
export function checkPairCounts(
  layout: Layout,
  text: PackedText,
  rules: RuleSet,
  strategy: Strategy,
): GateResult {
  const { words, heads } = planWords(layout);
  const [{ query, key }] = heads;
  const recounted = {
    useful: allowedPairs(text, rules, strategy),
    dense: text.lengths.reduce((sum, length) => sum + length ** 2, 0),
    executed: pairsOfItems(words, query, layout.tileConfig),
    executedTransposed: pairsOfItems(words, key, layout.tileConfig),
  };
  const complaints = (Object.keys(recounted) as (keyof typeof recounted)[])
    .filter((name) => recounted[name] !== layout.pairCounts[name])
    .map((name) => `${layout.pairCounts[name]} ${name} pairs were counted, there are ${recounted[name]}`);
  if (layout.pairCounts.executed < layout.pairCounts.useful)
    complaints.push('fewer pairs are executed than are useful');
  return { ...GREEN, passed: complaints.length === 0, complaints };
}

/** Compares the pairs that the kernels counted on the device with the plan's pairCounts. */
export function checkCounts(
  { pairCounts }: { pairCounts: Pick<PairCounts, 'executed' | 'executedTransposed'> },
  counted: CountedPairs,
): GateResult {
  const passes = [
    ['forward', counted.forward, pairCounts.executed],
    ['for the gradients of queries', counted.queryGradient, pairCounts.executed],
    ['for the gradients of keys and values', counted.keyValueGradient, pairCounts.executedTransposed],
  ] as const;
  const complaints = passes
    .filter(([, onDevice, planned]) => onDevice !== null && onDevice !== planned)
    .map(
      ([pass, onDevice, planned]) => `${planned} pairs were planned ${pass}, the device counted ${onDevice}`,
    );
  return { ...GREEN, passed: complaints.length === 0, complaints };
}
