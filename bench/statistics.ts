import { mean, median, sampleStandardDeviation } from 'simple-statistics';
import * as v from 'valibot';
import { checkArgument, number } from '../src/base/argument-schemas.js';
import { studentQuantile } from '../src/train/experiment/seed-statistics.js';

/** A ratio of two implementations' times with its interval. */
export interface Ratio {
  /** The median over turns. */
  ratio: number;
  /** The lower end of the 99 % interval; 0 after a single turn. */
  low: number;
  /** The upper end of the 99 % interval; `Number.MAX_VALUE` after a single turn. */
  high: number;
}

const TIMES = v.pipe(v.array(number, 'a list of times'), v.minLength(1, 'a list of times'));

/** Wider than the usual 95 %, so that two runs of a benchmark rarely disagree. */
export const CONFIDENCE = 0.99;

/** The interval of a few ratios: Student's t of their logarithms. One turn tells nothing. */
function fewTurns(ordered: readonly number[]): Pick<Ratio, 'low' | 'high'> {
  if (ordered.length === 1) return { low: 0, high: Number.MAX_VALUE };
  const logarithms = ordered.map(Math.log);
  const quantile = studentQuantile(ordered.length - 1, CONFIDENCE);
  const reach = (quantile * sampleStandardDeviation(logarithms)) / Math.sqrt(ordered.length);
  const [low, high] = [mean(logarithms) - reach, mean(logarithms) + reach].map(Math.exp);
  return {
    low: Math.min(low, ordered[0]),
    high: Math.min(Number.MAX_VALUE, Math.max(high, ordered.at(-1)!)),
  };
}

/**
 * The rank of the lower end from below, and of the upper end from above, by the binomial distribution of ½. 0 where even the smallest and
 * the largest ratio are too near each other.
 */
function rankOfEnds(turns: number): number {
  let logarithm = -turns * Math.LN2;
  let [below, rank] = [0, 0];
  for (;;) {
    below += Math.exp(logarithm);
    if (below > (1 - CONFIDENCE) / 2) return rank;
    logarithm += Math.log((turns - rank) / (rank + 1));
    rank++;
  }
}

/**
 * Compares two implementations that were timed in turns: the median of the ratios within each turn, and two of these ratios between which
 * the true median is with that confidence, whatever the distribution (Conover, Practical Nonparametric Statistics, section 3.2). Load
 * that slows a whole turn does not change the ratio within it, but it may change one of two separate medians.
 *
 * @param times Milliseconds of one implementation, turn by turn.
 * @param reference Those of the other in the same turns.
 */
export function medianOfRatios(times: readonly number[], reference: readonly number[]): Ratio {
  checkArgument(TIMES, times, 'times');
  checkArgument(TIMES, reference, 'reference');
  const turns = Math.min(times.length, reference.length);
  const ordered = Array.from({ length: turns }, (_, turn) => times[turn] / reference[turn]).sort(
    (a, b) => a - b,
  );
  const ratio = median(ordered);
  const rank = rankOfEnds(turns);
  if (rank === 0) return { ratio, ...fewTurns(ordered) };
  return { ratio, low: ordered[rank - 1], high: ordered[turns - rank] };
}

/** The widest interval of a reliable ratio, as a share of the ratio. */
export const WIDEST_INTERVAL = 0.1;

/** Whether an interval is wider than that: the machine was too noisy. */
export function isTooWide({ ratio, low, high }: Ratio): boolean {
  return high - low > WIDEST_INTERVAL * ratio;
}

/**
 * Asks for more turns while the interval of any ratio to the first implementation's times is too wide.
 * @param seconds The time limit from now on: after it, no more turns are asked for.
 */
export function untilNarrow(seconds: number): (times: readonly number[][]) => boolean {
  const end = performance.now() + 1000 * seconds;
  return ([reference, ...others]) =>
    performance.now() < end && others.some((times) => isTooWide(medianOfRatios(times, reference)));
}
