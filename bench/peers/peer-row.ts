import { median } from 'simple-statistics';
import type { RuleSet } from '../../src/grammar/rules.js';
import type { PairCounts } from '../../src/plan/pair-counts.js';
import { allowedPairs } from '../allowed-pairs.js';
import type { Workload } from '../attention-implementation.js';
import { executedFlops, usefulFlops, workloadFields } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';
import { medianOfRatios } from '../statistics.js';

/** What is known of a peer after its turns. */
export interface MeasuredPeer {
  peer: string;
  mask: boolean;
  adapter?: string;
  times: number[];
  coldMs?: number;
  planMs?: number;
  pairCounts?: PairCounts;
  bufferBytes?: number;
  maxError?: number;
  allowedError?: number;
  /** Why there is no time, or why it counts for nothing. */
  error?: string;
}

/** What all rows of a shape and pass share. */
export interface PeerCase {
  workload: Workload;
  rules: RuleSet;
  pass: Pass;
  seed: number;
}

/**
 * One peer at one shape and pass, with or without the mask. Named as the rows of `bench attention` where it says the same. A
 * peer that was wrong keeps its time, marked by `error`, but nothing is derived from it; one that failed has no time.
 */
export type PeerRow = ReturnType<typeof peerRow>;

/**
 * The row of a peer.
 *
 * @param parsimony Ours with the same mask, in the same turns.
 * @param dense The same peer without the mask.
 */
export function peerRow(
  measured: MeasuredPeer,
  parsimony: MeasuredPeer | undefined,
  dense: MeasuredPeer | undefined,
  { workload, rules, pass, seed }: PeerCase,
) {
  const { peer, mask, times, pairCounts, error } = measured;
  const { heads, headDim, lengths } = workload;
  const strategy: 'none' | 'hard' = mask ? 'hard' : 'none';
  const usefulPairs = allowedPairs(workload, rules, strategy);
  const densePairs = lengths.reduce((sum, length) => sum + length ** 2, 0);
  const executedPairs = pairCounts?.executed ?? densePairs;
  const medianMs = times.length > 0 ? median(times) : null;

  const isSound = (other: MeasuredPeer | undefined) =>
    other !== undefined && !other.error && other.times.length > 0;
  const over = (other: MeasuredPeer | undefined) =>
    isSound(measured) && isSound(other) ? medianOfRatios(times, other!.times, seed) : undefined;
  const toParsimony = over(parsimony);
  const toDense = over(dense);
  const gflops = (work: number) => (isSound(measured) ? (heads * work) / medianMs! / 1e6 : null);
  const idealSpeedup = densePairs / usefulPairs;
  // A peer multiplies each pair once a product.
  const flops = pairCounts
    ? executedFlops(pass, headDim, pairCounts)
    : usefulFlops(pass, headDim) * densePairs;
  return {
    peer,
    mask,
    strategy,
    rules: rules.name,
    text: 'document' as const,
    ...workloadFields(workload),
    pass,
    /** What it ran on, as far as it tells. */
    adapter: measured.adapter ?? null,
    repeats: times.length,
    medianMs,
    /** All times, turn by turn. */
    timesMs: times,
    /** The first run, which compiles. */
    coldMs: measured.coldMs ?? null,
    /** Its time over parsimony-webgpu's in the same turns, with the same mask. */
    ratioToParsimony: toParsimony?.ratio ?? null,
    ratioToParsimonyLow: toParsimony?.low ?? null,
    ratioToParsimonyHigh: toParsimony?.high ?? null,
    /** Its time over its own without the mask, in the same turns. */
    ratioToDense: toDense?.ratio ?? null,
    ratioLow: toDense?.low ?? null,
    ratioHigh: toDense?.high ?? null,
    usefulPairs,
    /** All pairs, but where a plan leaves some out. */
    executedPairs,
    densePairs,
    density: usefulPairs / densePairs,
    waste: executedPairs / usefulPairs,
    idealSpeedup,
    realisedSpeedup: toDense ? 1 / toDense.ratio : null,
    realisedFraction: toDense ? 1 / toDense.ratio / idealSpeedup : null,
    usefulGflops: gflops(usefulFlops(pass, headDim) * usefulPairs),
    executedGflops: gflops(flops),
    /** Building the mask tensor, or planning, on the CPU; not part of the times. */
    planMs: measured.planMs ?? null,
    bufferBytes: measured.bufferBytes ?? null,
    /**
     * Against float64; null where it never answered. JSON has no infinity: a peer whose results are NaN has an error beyond
     * every number.
     */
    maxError: measured.maxError === undefined ? null : Math.min(measured.maxError, Number.MAX_VALUE),
    /** What was allowed: the wider of our own bound and 1e-5; null for our own, which the gate holds to its bound. */
    allowedError: measured.allowedError ?? null,
    error,
  };
}
