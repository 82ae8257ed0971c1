import { median } from 'simple-statistics';
import type { KernelChoices } from '../../src/attention/kernel-choices.js';
import type { Precision } from '../../src/base/precision.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { allowedPairs } from '../allowed-pairs.js';
import { executedFlops, usefulFlops, workloadFields } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';
import type { Workload } from '../inputs.js';
import { medianOfRatios } from '../statistics.js';
import type { Preparation } from './peer.js';

/** A peer after its turns. */
export interface MeasuredPeer extends Partial<Preparation> {
  peer: string;
  precision: Precision;
  mask: boolean;
  adapter?: string;
  times: number[];
  gpuTimes: number[];
  coldMs?: number;
  maxError?: number;
  allowedError?: number;
  /** Why the time is missing or does not count. */
  error?: string;
}

/** The shape and pass that rows share. */
export interface PeerCase {
  workload: Workload;
  rules: RuleSet;
  pass: Pass;
  seed: number;
  /** Tuned variants of our kernels. */
  kernels?: readonly KernelChoices[];
}

/**
 * One peer at one shape and pass, with or without the mask. Its fields have the names of `bench attention`. A wrong peer has a
 * time and an `error`, but no ratios. A peer that failed has no time.
 */
export type PeerRow = ReturnType<typeof peerRow>;

/**
 * The row of a peer.
 *
 * @param parsimony Ours of the same precision with the same mask, in the same turns.
 * @param dense The same peer without the mask.
 */
export function peerRow(
  measured: MeasuredPeer,
  parsimony: MeasuredPeer | undefined,
  dense: MeasuredPeer | undefined,
  { workload, rules, pass }: PeerCase,
) {
  const { peer, precision, mask, times, gpuTimes, pairCounts, error } = measured;
  const { heads, headDim, lengths } = workload;
  const strategy: 'none' | 'hard' = mask ? 'hard' : 'none';
  const usefulPairs = allowedPairs(workload, rules, strategy);
  const densePairs = lengths.reduce((sum, length) => sum + length ** 2, 0);
  const executedPairs = pairCounts?.executed ?? densePairs;
  const medianMs = times.length > 0 ? median(times) : null;

  const isSound = (other: MeasuredPeer | undefined) =>
    other !== undefined && !other.error && other.times.length > 0;
  const over = (other: MeasuredPeer | undefined) =>
    isSound(measured) && isSound(other) ? medianOfRatios(times, other!.times) : undefined;
  const toParsimony = over(parsimony);
  const toDense = over(dense);
  const gflops = (work: number) => (isSound(measured) ? (heads * work) / medianMs! / 1e6 : null);
  const idealSpeedup = densePairs / usefulPairs;
  // Other peers multiply each pair once a product.
  const flops = pairCounts
    ? executedFlops(pass, headDim, pairCounts)
    : usefulFlops(pass, headDim) * densePairs;
  return {
    peer,
    precision,
    mask,
    strategy,
    rules: rules.name,
    text: 'document' as const,
    ...workloadFields(workload),
    pass,
    /** Its adapter, where it reports one. */
    adapter: measured.adapter ?? null,
    repeats: times.length,
    medianMs,
    /** The kernels alone by the GPU's clock, in runs of their own; null where the peer has no such clock. */
    gpuMedianMs: gpuTimes.length > 0 ? median(gpuTimes) : null,
    /** All times, turn by turn. */
    timesMs: times,
    /** The first run, which compiles. */
    coldMs: measured.coldMs ?? null,
    /** Its time over ours in the same turns, of the same precision, with the same mask. */
    ratioToParsimony: toParsimony?.ratio ?? null,
    ratioToParsimonyLow: toParsimony?.low ?? null,
    ratioToParsimonyHigh: toParsimony?.high ?? null,
    /** Its time over its own without the mask, in the same turns. */
    ratioToDense: toDense?.ratio ?? null,
    ratioLow: toDense?.low ?? null,
    ratioHigh: toDense?.high ?? null,
    usefulPairs,
    /** All pairs, or those of the plan. */
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
     * Against float64; null where it never answered. JSON has no infinity, so the error of NaN is the largest number.
     */
    maxError: measured.maxError === undefined ? null : Math.min(measured.maxError, Number.MAX_VALUE),
    /** The larger of our bound and 1e-5; null for our own, which the gate checks. */
    allowedError: measured.allowedError ?? null,
    error,
  };
}
