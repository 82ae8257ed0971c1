import { median } from 'simple-statistics';
import * as v from 'valibot';
import { checkArgument, number } from '../src/base/argument-schemas.js';
import { hostRandom } from '../src/base/random.js';

/** A ratio of two implementations' times with its interval. */
export interface Ratio {
  ratio: number;
  low: number;
  high: number;
}

const TIMES = v.pipe(v.array(number, 'a list of times'), v.minLength(1, 'a list of times'));

const RESAMPLES = 2_000;

/** Wider than the usual 95 %, so that two runs of a benchmark rarely disagree. */
export const CONFIDENCE = 0.99;

/**
 * Compares two implementations that were timed in turns: the median of the ratios within each turn, with a percentile bootstrap
 * interval over the turns (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13). Load that slows a whole turn does not
 * change the ratio within it, but it may change one of two separate medians.
 *
 * @param times Milliseconds of one implementation, turn by turn.
 * @param reference Those of the other in the same turns.
 */
export function medianOfRatios(times: readonly number[], reference: readonly number[], seed: number): Ratio {
  checkArgument(TIMES, times, 'times');
  checkArgument(TIMES, reference, 'reference');
  checkArgument(number, seed, 'seed');
  const turns = Math.min(times.length, reference.length);
  const ofTurns = Array.from({ length: turns }, (_, turn) => times[turn] / reference[turn]);
  const random = hostRandom(seed);
  const medians: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    medians.push(median(ofTurns.map(() => ofTurns[Math.floor(random() * turns)])));
  }
  medians.sort((a, b) => a - b);
  const at = (share: number) => medians[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))];
  const tail = (1 - CONFIDENCE) / 2;
  return { ratio: median(ofTurns), low: at(tail), high: at(1 - tail) };
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
export function untilNarrow(seconds: number, seed: number): (times: readonly number[][]) => boolean {
  const end = performance.now() + 1000 * seconds;
  return ([reference, ...others]) =>
    performance.now() < end && others.some((times) => isTooWide(medianOfRatios(times, reference, seed)));
}
