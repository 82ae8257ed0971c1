import { median } from 'simple-statistics';
import type { Tag } from '../src/grammar/rules.js';
import { closureOf } from '../src/plan/closure.js';
import type { Layout } from '../src/plan/layout.js';
import type { PairCounts } from '../src/plan/pair-counts.js';
import { countTags } from './allowed-pairs.js';
import type { AttentionImplementation } from './attention-implementation.js';
import type { Pass } from './attention-settings.js';
import type { Workload } from './inputs.js';
import { medianOfRatios } from './statistics.js';
import type { Times } from './timing.js';

export interface Measured {
  implementation: AttentionImplementation;
  name: string;
  times: Times;
  bufferBytes: number;
}

function byName(counts: ReadonlyMap<Tag, number>): Record<string, number> {
  return Object.fromEntries([...counts].map(([tag, count]) => [String(tag), count]));
}

/** The fields of a row that describe the workload. */
export function workloadFields(workload: Workload) {
  const { lengths, heads, headDim } = workload;
  return {
    /** Tokens of a sequence, the rounded mean. */
    length: Math.round(lengths.reduce((a, b) => a + b, 0) / lengths.length),
    /** Tokens of each sequence. */
    lengths: [...lengths],
    heads,
    /** Channels of a head. */
    headDim,
    /** Sequences of the packed batch. */
    batch: lengths.length,
    /** Tokens of each tag, sequence by sequence. */
    tagCounts: countTags(workload).map(byName),
  };
}

/** FLOPs that our kernels execute in one head: the backward pass computes scores in both of its halves. */
export function executedFlops(pass: Pass, headDim: number, pairCounts: PairCounts): number {
  const forward = 4 * headDim * pairCounts.executed;
  if (pass === 'forward') return forward;
  const backward = 6 * headDim * pairCounts.executed + 8 * headDim * pairCounts.executedTransposed;
  return pass === 'backward' ? backward : forward + backward;
}

/** FLOPs of a useful pair in one head. */
export function usefulFlops(pass: Pass, headDim: number): number {
  return { forward: 4, backward: 10, 'forward+backward': 14 }[pass] * headDim;
}

/**
 * Bytes of the smallest possible traffic of a pass. Forward, queries, keys and values are read and outputs written once; backward, these
 * and the output's gradient are read, and three gradients written.
 */
export function leastBytes(pass: Pass, tokens: number, heads: number, headDim: number): number {
  const tensors = { forward: 4, backward: 8, 'forward+backward': 12 }[pass];
  return 4 * tensors * tokens * heads * headDim;
}

/**
 * One implementation at one shape and pass. Fields that depend on a speed-up are null where the correctness gate was red.
 * @useDeclaredType
 */
export type AttentionRow = ReturnType<typeof attentionRow>;

/** Layers through which pairs are joined: those of the models that `experiments/` train. */
const LAYERS = 3;

/** Tokens of a batch up to which pairs that depend on positions are followed, which takes their cube. */
const MOST_POSITIONAL = 1024;

/** The share of all pairs that some layers join, also through other tokens. Null where it takes too long to count. */
function closureWithin(layout: Layout): number | null {
  if (layout.positional && layout.tokens > MOST_POSITIONAL) return null;
  return closureOf(layout, LAYERS)[LAYERS - 1];
}

/** The row of an implementation, compared with dense attention in the same turns. */
export function attentionRow(
  measured: Measured,
  dense: Measured,
  workload: Workload,
  context: {
    pass: Pass;
    text: 'document' | 'sentences';
    /** Runs of which each time is the mean. */
    runsPerTurn: number;
    gatePassed: boolean;
    /** The largest speed-up that the plan allows on this adapter, by the model of its schedule. */
    boundSpeedup: number;
  },
) {
  const { implementation, name, times, bufferBytes } = measured;
  const { heads, headDim } = workload;
  const { pass, text, gatePassed, boundSpeedup } = context;
  const { pairCounts } = implementation.layout;
  const baseline = dense.implementation.layout.pairCounts;
  const idealSpeedup = baseline.useful / pairCounts.useful;
  const medianMs = median(times.wall);
  const { ratio, low, high } = medianOfRatios(times.wall, dense.times.wall);
  const executed = executedFlops(pass, headDim, pairCounts);
  const shown = (value: number): number | null => (gatePassed ? value : null);
  return {
    /** `none`, `hard`, `soft`, `guided`, `learned`, or the name of a control, such as `hard-unsorted`. */
    strategy: name,
    /** The name of the rule set. */
    rules: implementation.variant.rules.name,
    order: implementation.variant.order,
    precision: implementation.variant.precision ?? 'f32',
    /** `sentences`: those of the data as they are; `document`: sequences of one length. */
    text,
    ...workloadFields(workload),
    pass,
    /** Turns, each with one time. */
    repeats: times.wall.length,
    /** Runs of a turn, whose time is their mean. */
    runsPerRepeat: context.runsPerTurn,
    /** Wall time from recording to the end of the GPU's work. */
    medianMs,
    /** The time of the kernels by the GPU's clock; null where the adapter has none. */
    gpuMedianMs: times.gpu.length > 0 ? median(times.gpu) : null,
    /** All wall times, turn by turn. */
    timesMs: times.wall,
    /** Its wall time over that of dense attention, the median over turns: below 1 it is faster. */
    ratioToDense: shown(ratio),
    /** The lower end of the 99 % interval of `ratioToDense`. */
    ratioLow: shown(low),
    /** The upper end of the 99 % interval of `ratioToDense`. */
    ratioHigh: shown(high),
    /** Pairs of one head that exist, all sequences together. */
    usefulPairs: pairCounts.useful,
    /** Pairs of one head that the forward and query-gradient kernels multiply, padding included. */
    executedPairs: pairCounts.executed,
    /** Pairs that the key and value gradients' kernel multiplies. */
    executedPairsTransposed: pairCounts.executedTransposed,
    /** What the kernels counted on the device. */
    countedPairs: implementation.countedPairs,
    /** N² for each sequence. */
    densePairs: pairCounts.dense,
    /** Useful over dense pairs, from 0 to 1. */
    density: pairCounts.useful / pairCounts.dense,
    /** The share of dense pairs that three layers join, also through other tokens; null where it takes too long to count. */
    closure: closureWithin(implementation.layout),
    /** Executed over useful pairs, 1 or more. */
    waste: pairCounts.executed / pairCounts.useful,
    /** Useful pairs of dense attention over its own. */
    idealSpeedup,
    /** 1 / `ratioToDense`. */
    realisedSpeedup: shown(1 / ratio),
    /** `realisedSpeedup` over `idealSpeedup`. */
    realisedFraction: shown(1 / ratio / idealSpeedup),
    /** What the plan's padding, steps and waves allow on this adapter, where dense attention takes its measured time. */
    boundSpeedup,
    /** Milliseconds: the median of dense attention over `boundSpeedup`. */
    boundMs: median(dense.times.wall) / boundSpeedup,
    /** `realisedSpeedup` over `boundSpeedup`; clearly above 1 it is not to be trusted. */
    boundFraction: shown(1 / ratio / boundSpeedup),
    /** Time of an executed pair over that of dense attention; forward and backward, of an executed operation. */
    executedCostRatio: shown((ratio * executedFlops(pass, headDim, baseline)) / executed),
    /** Nanoseconds of a useful pair in one head. */
    nsPerUsefulPair: shown((1e6 * medianMs) / pairCounts.useful / heads),
    /** Microseconds of a token, all heads together. */
    usPerToken: shown((1000 * medianMs) / workload.tags.length),
    /** Useful work a second, from the wall: 4·D FLOPs a pair and head forward, 10·D backward. */
    usefulGflops: shown((usefulFlops(pass, headDim) * heads * pairCounts.useful) / medianMs / 1e6),
    /** Executed work a second: 4·D forward, and backward 14·D, for scores are computed in both of its passes. */
    executedGflops: shown((heads * executed) / medianMs / 1e6),
    /** The smallest possible traffic a second (`leastBytes`), in 10⁹ bytes. */
    leastGBs: shown(leastBytes(pass, workload.tags.length, heads, headDim) / medianMs / 1e6),
    /** Sorting and planning, on the CPU; not part of the times above. */
    planMs: implementation.planMs,
    /** Bytes of GPU buffers that this implementation holds. */
    bufferBytes,
  };
}
