import { mean, sampleVariance } from 'simple-statistics';
import { hostRandom } from '../../base/random.js';

/** A number with its 95 % confidence interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

const CONFIDENCE = 0.95;
const RESAMPLES = 10_000;

/** ∫ cos^(ν - 1) from 0 to an angle (Simpson's rule): with t = √ν · tan θ, Student's density is this integrand. */
function cosinePower(angle: number, freedom: number): number {
  const intervals = 512;
  const width = angle / intervals;
  let sum = 0;
  for (let index = 0; index <= intervals; index++) {
    const weight = index === 0 || index === intervals ? 1 : index % 2 === 1 ? 4 : 2;
    sum += weight * Math.cos(index * width) ** (freedom - 1);
  }
  return (sum * width) / 3;
}

const quantiles = new Map<number, number>();

/** The t that Student's distribution with these degrees of freedom stays within with 95 % probability, on both sides of 0. */
export function studentQuantile(freedom: number): number {
  const cached = quantiles.get(freedom);
  if (cached !== undefined) return cached;
  const whole = cosinePower(Math.PI / 2, freedom);
  let [low, high] = [0, Math.PI / 2];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (cosinePower(middle, freedom) < CONFIDENCE * whole) low = middle;
    else high = middle;
  }
  const quantile = Math.sqrt(freedom) * Math.tan(low);
  quantiles.set(freedom, quantile);
  return quantile;
}

/** The mean over seeds, with Student's interval, which is NaN for one seed. */
export function meanOverSeeds(values: readonly number[]): Estimate {
  if (values.length < 2) return { value: values[0] ?? Number.NaN, low: Number.NaN, high: Number.NaN };
  const value = mean([...values]);
  const reach = studentQuantile(values.length - 1) * Math.sqrt(sampleVariance([...values]) / values.length);
  return { value, low: value - reach, high: value + reach };
}

/** Limits the interval of a share to 0 and 1. */
export function asShare({ value, low, high }: Estimate): Estimate {
  return { value, low: Math.max(0, low), high: Math.min(1, high) };
}

/** Up to this number of seeds, all patterns of signs are counted. */
const MOST_COUNTED = 16;

/** What sums may lose to rounding. */
const ROUNDING = 1e-12;

/**
 * The probability of a difference at least this large if the two conditions are equal: Fisher's randomisation test, which turns
 * the signs of the differences of seeds. It counts all patterns of signs of up to 16 seeds, and draws 10,000 for more.
 * @param differences The difference of the two conditions for each seed.
 */
export function seedTest(differences: readonly number[], seed = 1): number {
  const observed = Math.abs(differences.reduce((a, b) => a + b, 0)) - ROUNDING;
  const isAsLarge = (turned: (at: number) => boolean) => {
    const total = differences.reduce((sum, one, at) => sum + (turned(at) ? -one : one), 0);
    return Math.abs(total) >= observed;
  };
  let asLarge = 0;
  if (differences.length <= MOST_COUNTED) {
    const patterns = 2 ** differences.length;
    for (let pattern = 0; pattern < patterns; pattern++)
      if (isAsLarge((at) => ((pattern >> at) & 1) === 1)) asLarge++;
    return asLarge / patterns;
  }
  const random = hostRandom(seed);
  for (let draw = 0; draw < RESAMPLES; draw++) if (isAsLarge(() => random() < 0.5)) asLarge++;
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

/** Below this, a corrected probability is called a difference. */
const SIGNIFICANT = 0.05;

/** Fewer seeds than these give no verdict. */
export const LEAST_SEEDS = 10;

/** The tested difference of two conditions. */
export interface TestedDifference {
  /** Seeds that both conditions have: the unit of the test. */
  seeds: number;
  difference: Estimate;
  /** The probability of the test over seeds, corrected for all comparisons that were made; NaN with too few seeds. */
  corrected: number;
}

/** Whether a difference is shown: by enough seeds, by the corrected test, and by the interval. */
export function isShown({ seeds, difference: { low, high }, corrected }: TestedDifference): boolean {
  return seeds >= LEAST_SEEDS && corrected < SIGNIFICANT && (low > 0 || high < 0);
}

/** The verdict on a difference, in words. */
export function verdictOf(tested: TestedDifference): string {
  if (isShown(tested)) return tested.difference.value > 0 ? 'better' : 'worse';
  const { seeds } = tested;
  if (seeds >= LEAST_SEEDS) return 'no difference is shown';
  return `no difference is shown: ${seeds} ${seeds === 1 ? 'seed' : 'seeds'}, at least ${LEAST_SEEDS} are needed`;
}
