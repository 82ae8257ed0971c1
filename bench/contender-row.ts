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
  const { heads, headDim, lengths, tags } = workload;
  const { pass, text } = labels;
  const strategy: Strategy = mask.strategy;
  const densePairs = lengths.reduce((sum, length) => sum + length ** 2, 0);
  const idealSpeedup = densePairs / usefulPairs;
  const medianMs = times ? median([...times.contender]) : null;
  const toDense = times && medianOfRatios(times.contender, times.dense);
  const toParsimony = times && medianOfRatios(times.contender, times.parsimony);
  const perSecond = (amount: number) => (medianMs === null ? null : amount / medianMs / 1e6);
  return {
    contender: contender.name,
    strategy,
    rules: mask.rules.name,
    text,
    ...workloadFields(workload),
    pass,
    repeats: times?.contender.length ?? 0,
    medianMs,
    timesMs: [...(times?.contender ?? [])],
    usefulPairs,
    densePairs,
    density: usefulPairs / densePairs,
    idealSpeedup,
    /** Its time over that of our dense attention. */
    ratioToDense: toDense?.ratio ?? null,
    ratioLow: toDense?.low ?? null,
    ratioHigh: toDense?.high ?? null,
    realisedSpeedup: toDense ? 1 / toDense.ratio : null,
    /** Its time over that of ours with the same mask. */
    ratioToParsimony: toParsimony?.ratio ?? null,
    ratioToParsimonyLow: toParsimony?.low ?? null,
    ratioToParsimonyHigh: toParsimony?.high ?? null,
    usefulGflops: perSecond(usefulFlops(pass, headDim) * heads * usefulPairs),
    leastGBs: perSecond(leastBytes(pass, tags.length, heads, headDim)),
    /** Against float64. JSON has no infinity, so the error of NaN is the largest number. */
    maxError: Math.min(gate.maxError, Number.MAX_VALUE),
    /** What is wrong with it; null where nothing is. */
    error: gate.passed ? null : gate.complaints.join('; '),
  };
}
