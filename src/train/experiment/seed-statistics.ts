import { mean, sampleVariance } from 'simple-statistics';
import { hostRandom } from '../../base/random.js';

/** A number with its 95 % confidence interval. */
export interface Estimate {
  /** The mean over seeds. */
  value: number;
  /** The lower end of the interval; NaN for one seed. */
  low: number;
  /** The upper end of the interval; NaN for one seed. */
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

/** The probability that Student's t with these degrees of freedom is at least this large. */
export function studentTail(t: number, freedom: number): number {
  const inside = cosinePower(Math.atan(Math.abs(t) / Math.sqrt(freedom)), freedom);
  const half = (0.5 * inside) / cosinePower(Math.PI / 2, freedom);
  // Both integrals are rounded: the difference may be below 0.
  const tail = Math.max(0, 0.5 - half);
  return t < 0 ? 1 - tail : tail;
}

const quantiles = new Map<string, number>();

/** The quantile of Student's t with these degrees of freedom: |t| is at most this with a probability of `confidence`. */
export function studentQuantile(freedom: number, confidence = CONFIDENCE): number {
  const key = `${freedom} ${confidence}`;
  const cached = quantiles.get(key);
  if (cached !== undefined) return cached;
  const whole = cosinePower(Math.PI / 2, freedom);
  let [low, high] = [0, Math.PI / 2];
  for (let halving = 0; halving < 60; halving++) {
    const middle = (low + high) / 2;
    if (cosinePower(middle, freedom) < confidence * whole) low = middle;
    else high = middle;
  }
  const quantile = Math.sqrt(freedom) * Math.tan(low);
  quantiles.set(key, quantile);
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
const MOST_COUNTED = 40;

/** Sums closer than this are equal but for rounding. */
const ROUNDING = 1e-12;

/** The sums of some numbers under every pattern of signs, in ascending order. */
function signedSums(values: readonly number[]): Float64Array {
  let sums = Float64Array.of(0);
  for (const value of values) {
    const longer = new Float64Array(2 * sums.length);
    longer.set(sums.map((sum) => sum - value));
    longer.set(
      sums.map((sum) => sum + value),
      sums.length,
    );
    sums = longer;
  }
  return sums.sort();
}

/**
 * The share of the patterns of signs whose sum is at least that of the differences: Fisher's randomisation test, one-sided. It
 * counts all patterns of up to 40 seeds (the sums of two halves, sorted, are matched), and draws 10,000 for more.
 */
export function signFlipTail(differences: readonly number[]): number {
  const least = differences.reduce((a, b) => a + b, 0) - ROUNDING;
  if (differences.length > MOST_COUNTED) {
    const random = hostRandom(1);
    const draw = () => differences.reduce((sum, one) => sum + (random() < 0.5 ? -one : one), 0);
    const large = Array.from({ length: RESAMPLES }, draw).filter((sum) => sum >= least).length;
    return (large + 1) / (RESAMPLES + 1);
  }
  const middle = differences.length >> 1;
  const ascending = signedSums(differences.slice(0, middle));
  const others = signedSums(differences.slice(middle));
  let large = 0;
  let first = others.length;
  for (const sum of ascending) {
    while (first > 0 && sum + others[first - 1] >= least) first--;
    large += others.length - first;
  }
  return large / 2 ** differences.length;
}

/** The probabilities of a difference at least as large if there were none, by two tests whose unit is the seed. */
export interface Probabilities {
  /** The probability of the paired t test. */
  student: number;
  /** The probability of the sign-flip test. */
  signFlip: number;
}

/** Tests whether the mean of the differences is above 0. Differences without variance have a t of 0 or an infinite one. */
function testAbove(differences: readonly number[]): Probabilities {
  const error = Math.sqrt(sampleVariance([...differences]) / differences.length);
  const average = mean([...differences]);
  const t = Math.abs(average) < ROUNDING ? 0 : average / (error < ROUNDING ? 0 : error);
  return { student: studentTail(t, differences.length - 1), signFlip: signFlipTail(differences) };
}

/**
 * The two-sided paired t test and sign-flip test over seeds.
 * @param differences The difference of two conditions for each seed, two at least.
 */
export function pairedTests(differences: readonly number[]): Probabilities {
  const sign = Math.sign(differences.reduce((a, b) => a + b, 0));
  const { student, signFlip } = testAbove(differences.map((one) => (sign < 0 ? -one : one)));
  return { student: Math.min(1, 2 * student), signFlip: Math.min(1, 2 * signFlip) };
}

/**
 * The probability of differences that are this close to 0 if their mean were as large as the margin: two one-sided tests
 * (Schuirmann 1987), each the larger of the t test and the sign-flip test.
 */
export function equivalenceTest(differences: readonly number[], margin: number): number {
  const sides = [differences.map((one) => margin + one), differences.map((one) => margin - one)];
  return Math.max(...sides.map(testAbove).flatMap(({ student, signFlip }) => [student, signFlip]));
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
