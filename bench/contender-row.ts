import { median } from 'simple-statistics';
import type { Strategy } from '../src/grammar/rules.js';
import { leastBytes, usefulFlops, workloadFields } from './attention-row.js';
import type { Pass } from './attention-settings.js';
import type { ContenderImplementation } from './contender-implementation.js';
import type { Workload } from './inputs.js';
import { medianOfRatios } from './statistics.js';

/** A contender at one shape, mask and pass. One that is wrong has neither times nor ratios, and an `error`. @useDeclaredType */
export type ContenderRow = ReturnType<typeof contenderRow>;

/** Its times and those of ours in the same turns: dense attention, and the same mask. */
export interface ContenderTimes {
  contender: readonly number[];
  dense: readonly number[];
  parsimony: readonly number[];
}

export function contenderRow(
  { contender, mask, gate, usefulPairs }: ContenderImplementation,
  workload: Workload,
  labels: { pass: Pass; text: 'document' | 'sentences' },
  times: ContenderTimes | undefined,
) {
  const { heads, headDim, lengths, tags, causal } = workload;
  const { pass, text } = labels;
  const strategy: Strategy = mask.strategy;
  const densePairs = lengths.reduce((sum, length) => sum + length ** 2, 0);
  // Our dense attention sees no later keys either where queries do not.
  const comparedPairs = causal ? (densePairs + tags.length) / 2 : densePairs;
  const medianMs = times ? median([...times.contender]) : null;
  const toDense = times && medianOfRatios(times.contender, times.dense);
  const toParsimony = times && medianOfRatios(times.contender, times.parsimony);
  const perSecond = (amount: number) => (medianMs === null ? null : amount / medianMs / 1e6);
  return {
    contender: contender.name,
    strategy,
    /** The name of the rule set. */
    rules: mask.rules.name,
    /** `sentences`: those of the data as they are; `document`: sequences of one length. */
    text,
    ...workloadFields(workload),
    pass,
    /** Turns, each with one time; 0 where it was not timed. */
    repeats: times?.contender.length ?? 0,
    /** Wall time from recording to the end of the GPU's work; null where it was not timed. */
    medianMs,
    /** All wall times, turn by turn. */
    timesMs: [...(times?.contender ?? [])],
    /** Pairs of one head that exist, all sequences together. */
    usefulPairs,
    /** N² for each sequence. */
    densePairs,
    /** Useful over dense pairs, from 0 to 1. */
    density: usefulPairs / densePairs,
    /** Useful pairs of dense attention over its own. */
    idealSpeedup: comparedPairs / usefulPairs,
    /** Its time over that of our dense attention. */
    ratioToDense: toDense?.ratio ?? null,
    /** The lower end of the 99 % interval of `ratioToDense`. */
    ratioLow: toDense?.low ?? null,
    /** The upper end of the 99 % interval of `ratioToDense`. */
    ratioHigh: toDense?.high ?? null,
    /** 1 / `ratioToDense`. */
    realisedSpeedup: toDense ? 1 / toDense.ratio : null,
    /** Its time over that of ours with the same mask. */
    ratioToParsimony: toParsimony?.ratio ?? null,
    /** The lower end of the 99 % interval of `ratioToParsimony`. */
    ratioToParsimonyLow: toParsimony?.low ?? null,
    /** The upper end of the 99 % interval of `ratioToParsimony`. */
    ratioToParsimonyHigh: toParsimony?.high ?? null,
    /** Useful work a second, from the wall: 4·D FLOPs a pair and head forward, 10·D backward. */
    usefulGflops: perSecond(usefulFlops(pass, headDim) * heads * usefulPairs),
    /** The smallest possible traffic a second (`leastBytes`), in 10⁹ bytes. */
    leastGBs: perSecond(leastBytes(pass, tags.length, heads, headDim)),
    /** Against float64. JSON has no infinity, so the error of NaN is the largest number. */
    maxError: Math.min(gate.maxError, Number.MAX_VALUE),
    /** What is wrong with it; null where nothing is. */
    error: gate.passed ? null : gate.complaints.join('; '),
  };
}
