import { hostRandom } from '../src/gpu/random.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import type { Plan } from '../src/plan/plan.js';
import { planWords, TILE_WORDS } from '../src/plan/plan-words.js';
import type { TileShape } from '../src/plan/tiles.js';
import { allowedPairs, type PackedText } from './allowed-pairs.js';
import { errorBound, largest, largestError } from './error-bound.js';
import { type ReferenceInput, type ReferenceResult, referenceAttention } from './reference-attention.js';

/** Whether a run computed what it says: outputs and gradients against float64, and its pairs recounted. */
export interface GateResult {
  passed: boolean;
  /** The largest absolute error of any tensor. */
  maxError: number;
  /** The largest error of any tensor, as a share of what its bound allows. */
  shareOfBound: number;
  /** What was found wrong, in words; empty where it passed. */
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

/** A tensor to be checked: what the GPU left, the two references, the size of its terms before they cancel. */
interface Checked {
  name: string;
  actual: ArrayLike<number>;
  exact: ArrayLike<number>;
  plain: ArrayLike<number>;
  scale: number;
}

function check(tensors: readonly Checked[]): GateResult {
  return tensors
    .map(({ name, actual, exact, plain, scale }): GateResult => {
      const maxError = largestError(actual, exact);
      const bound = errorBound(exact, plain, scale);
      const passed = maxError <= bound;
      const complaint = `${name} is off by ${maxError.toExponential(1)}, allowed are ${bound.toExponential(1)}`;
      return { passed, maxError, shareOfBound: maxError / bound, complaints: passed ? [] : [complaint] };
    })
    .reduce(both, GREEN);
}

/** Rows in a group, of which one is checked: no tile of any kernel has fewer rows, but at the end of a run. */
const GROUP = 8;

/** About so many pairs are evaluated in float64 for one check, over all heads. */
const PAIR_BUDGET = 1_500_000;

/**
 * Chooses the rows that are checked in each head, so that every tile is met in some head, and every key sees some of
 * them: from each group of eight rows in the plan's order one at random, in every head where the text is short, in one of
 * several where it is long; and the first row of every run in every head.
 *
 * @returns For row i of the caller's order and head h, whether it is checked: at [i * heads + h].
 */
export function sampledRows(plan: Plan, heads: number, seed: number): Uint8Array {
  const longest = Math.max(...plan.lengths);
  const groups = Math.ceil(plan.tokens / GROUP);
  const stride = Math.min(heads, Math.max(1, Math.ceil((groups * heads * longest) / PAIR_BUDGET)));
  const random = hostRandom(seed);
  const sampled = new Uint8Array(plan.tokens * heads);
  for (let group = 0; group < groups; group++) {
    const size = Math.min(GROUP, plan.tokens - group * GROUP);
    for (let head = group % stride; head < heads; head += stride) {
      const row = group * GROUP + Math.floor(random() * size);
      sampled[plan.order[row] * heads + head] = 1;
    }
  }
  const isShort = plan.sequences.every(({ runs }) => runs.length <= plan.tokens / GROUP);
  for (const { start } of isShort ? plan.sequences.flatMap(({ runs }) => runs) : []) {
    sampled.fill(1, plan.order[start] * heads, (plan.order[start] + 1) * heads);
  }
  return sampled;
}

/** [tokens, heads, headDim] numbers that are 0 outside the sampled rows: with such an output gradient the reference needs no others. */
export function onlySampled(rows: Float32Array, sampled: Uint8Array, headDim: number): Float32Array {
  return rows.map((value, at) => (sampled[Math.floor(at / headDim)] === 1 ? value : 0));
}

/** What the GPU computed, in the caller's order; gradients only after a backward pass. */
export interface Computed {
  output: Float32Array;
  queryGradient?: Float32Array;
  keyGradient?: Float32Array;
  valueGradient?: Float32Array;
}

/** Compares the sampled rows of the output and the query gradient, and every row of the other gradients, with float64. */
export function checkNumbers(input: ReferenceInput, sampled: Uint8Array, computed: Computed): GateResult {
  const includes = (row: number, head: number) => sampled[row * input.heads + head] === 1;
  const exact = referenceAttention({ ...input, includes });
  const plain = referenceAttention({ ...input, includes }, 'float32');
  const atSampled = (values: ArrayLike<number>) => {
    const kept: number[] = [];
    for (let at = 0; at < values.length; at++) {
      if (sampled[Math.floor(at / input.headDim)] === 1) kept.push(values[at]);
    }
    return kept;
  };
  const tensor = (
    name: string,
    actual: ArrayLike<number>,
    key: 'output' | 'dq' | 'dk' | 'dv',
    scale: number,
  ) => {
    const pick = (result: ReferenceResult) =>
      key === 'output' || key === 'dq' ? atSampled(result[key]) : result[key];
    const own = key === 'output' || key === 'dq' ? atSampled(actual) : actual;
    return { name, actual: own, exact: pick(exact), plain: pick(plain), scale };
  };
  const tensors = [tensor('output', computed.output, 'output', largest(input.v))];
  const { queryGradient, keyGradient, valueGradient } = computed;
  if (queryGradient && keyGradient && valueGradient) {
    tensors.push(
      tensor('query gradient', queryGradient, 'dq', exact.dqScale),
      tensor('key gradient', keyGradient, 'dk', exact.dkScale),
      tensor('value gradient', valueGradient, 'dv', largest(exact.dv)),
    );
  }
  return check(tensors);
}

/** The pairs that a pass of the kernels will multiply, from the words of its tiles, which begin at `at`. */
function pairsOfTiles(words: Uint32Array, at: number, tiles: number, { strip, steps }: TileShape): number {
  let pairs = 0;
  for (let tile = 0; tile < tiles; tile++) {
    const from = at + tile * TILE_WORDS;
    const [, rows, , , slots] = words.subarray(from, from + TILE_WORDS);
    const strips = Math.ceil(rows / strip);
    for (let left = slots; left > 0; ) {
      const step = Math.min(...steps.filter((candidate) => candidate >= Math.min(left, steps[0])));
      pairs += strips * strip * step;
      left -= step;
    }
  }
  return pairs;
}

/** Recounts a plan's ledger: useful and dense pairs from the text, executed pairs from what the kernels read. */
export function checkLedger(plan: Plan, text: PackedText, rules: RuleSet, strategy: Strategy): GateResult {
  const { words, heads } = planWords(plan);
  const [{ queryTilesAt, keyTilesAt }] = heads;
  const [{ queryTiles, keyTiles }] = plan.heads;
  const recounted = {
    useful: allowedPairs(text, rules, strategy),
    dense: text.lengths.reduce((sum, length) => sum + length ** 2, 0),
    executed: pairsOfTiles(words, queryTilesAt, queryTiles.length, plan.shape),
    executedTransposed: pairsOfTiles(words, keyTilesAt, keyTiles.length, plan.shape),
  };
  const complaints = (Object.keys(recounted) as (keyof typeof recounted)[])
    .filter((name) => recounted[name] !== plan.ledger[name])
    .map((name) => `${plan.ledger[name]} ${name} pairs were counted, there are ${recounted[name]}`);
  if (plan.ledger.executed < plan.ledger.useful) complaints.push('fewer pairs are executed than are useful');
  return { ...GREEN, passed: complaints.length === 0, complaints };
}
