import { hostRandom } from '../../gpu/random.js';

/** A number with the interval that it lies in with 95 % confidence. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

const CONFIDENCE = 0.95;
const RESAMPLES = 10_000;

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < values.length; index++) sum += values[index];
  return sum / values.length;
}

/** ∫ cos^(ν - 1) from 0 to an angle (Simpson's rule): with t = √ν · tan θ, Student's density is this integrand. */
function cosinePower(angle: number, freedom: number): number {
  const pieces = 512;
  const width = angle / pieces;
  let sum = 0;
  for (let index = 0; index <= pieces; index++) {
    const weight = index === 0 || index === pieces ? 1 : index % 2 === 1 ? 4 : 2;
    sum += weight * Math.cos(index * width) ** (freedom - 1);
  }
  return (sum * width) / 3;
}

/** The t that Student's distribution of so many degrees of freedom stays within with 95 % probability, on both sides of 0. */
export function studentQuantile(freedom: number): number {
  const whole = cosinePower(Math.PI / 2, freedom);
  let [low, high] = [0, Math.PI / 2];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (cosinePower(middle, freedom) < CONFIDENCE * whole) low = middle;
    else high = middle;
  }
  return Math.sqrt(freedom) * Math.tan(low);
}

/** The mean of what several seeds gave, with Student's interval; one seed alone has none (NaN). */
export function meanOverSeeds(values: readonly number[]): Estimate {
  const value = mean(values);
  if (values.length < 2) return { value, low: Number.NaN, high: Number.NaN };
  const variance = values.reduce((sum, one) => sum + (one - value) ** 2, 0) / (values.length - 1);
  const reach = studentQuantile(values.length - 1) * Math.sqrt(variance / values.length);
  return { value, low: value - reach, high: value + reach };
}

/** The interval of a share lies between 0 and 1, wherever Student's would end. */
export function asShare({ value, low, high }: Estimate): Estimate {
  return { value, low: Math.max(0, low), high: Math.min(1, high) };
}

/** Which rows two contenders got right, seed by seed: [seeds][rows], 1 or 0. */
export type Marks = readonly ArrayLike<number>[];

/** For each seed and row, what one contender has over another: 1, 0 or -1. */
function differences(one: Marks, other: Marks): Int8Array[] {
  return one.map((marks, seed) => Int8Array.from(marks, (mark, row) => mark - other[seed][row]));
}

/**
 * The difference of two accuracies over the same seeds and rows, with the percentile interval of a bootstrap that draws
 * seeds and rows anew (Efron and Tibshirani, An Introduction to the Bootstrap, chapter 13): both were samples.
 */
export function pairedDifference(one: Marks, other: Marks, seed = 1): Estimate {
  const all = differences(one, other);
  const rows = all[0].length;
  const random = hostRandom(seed);
  // A row on which no seed tells the two apart adds nothing, however often it is drawn: most rows are so.
  const telling = Array.from({ length: rows }, (_, row) => row).filter((row) =>
    all.some((marks) => marks[row] !== 0),
  );
  const placeOf = new Int32Array(rows).fill(-1);
  telling.forEach((row, place) => {
    placeOf[row] = place;
  });
  const tellingMarks = all.map((marks) => Int8Array.from(telling, (row) => marks[row]));
  const times = new Uint32Array(telling.length);
  const means: number[] = [];
  for (let resample = 0; resample < RESAMPLES; resample++) {
    times.fill(0);
    for (let draw = 0; draw < rows; draw++) {
      const place = placeOf[Math.floor(random() * rows)];
      if (place >= 0) times[place]++;
    }
    let sum = 0;
    for (let draw = 0; draw < all.length; draw++) {
      const marks = tellingMarks[Math.floor(random() * all.length)];
      for (let place = 0; place < times.length; place++) sum += times[place] * marks[place];
    }
    means.push(sum / (rows * all.length));
  }
  means.sort((a, b) => a - b);
  const tail = (1 - CONFIDENCE) / 2;
  const at = (share: number) => means[Math.min(RESAMPLES - 1, Math.floor(share * RESAMPLES))];
  return { value: mean(all.map(mean)), low: at(tail), high: at(1 - tail) };
}

/**
 * How probable a difference at least this large is if it made no difference which of two contenders reads a row: rows
 * keep their difference, summed over the seeds, and change its sign at random (Fisher's randomisation test, paired by row).
 * It speaks of these trained models: that other seeds might differ is what the interval says.
 */
export function pairedTest(one: Marks, other: Marks, seed = 1): number {
  const all = differences(one, other);
  const sums = Array.from(all[0], (_, row) => all.reduce((sum, marks) => sum + marks[row], 0)).filter(
    (sum) => sum !== 0,
  );
  const observed = Math.abs(sums.reduce((a, b) => a + b, 0));
  const random = hostRandom(seed);
  let asLarge = 0;
  for (let resample = 0; resample < RESAMPLES; resample++) {
    let total = 0;
    for (const sum of sums) total += random() < 0.5 ? sum : -sum;
    if (Math.abs(total) >= observed) asLarge++;
  }
  return (asLarge + 1) / (RESAMPLES + 1);
}

/** Probabilities corrected for how many tests were made (Holm 1979): none of them lower than before, in the same order. */
export function holm(probabilities: readonly number[]): number[] {
  const order = probabilities.map((_, index) => index).sort((a, b) => probabilities[a] - probabilities[b]);
  const corrected = new Array<number>(probabilities.length);
  let largest = 0;
  order.forEach((index, rank) => {
    largest = Math.max(largest, Math.min(1, (probabilities.length - rank) * probabilities[index]));
    corrected[index] = largest;
  });
  return corrected;
}
