import type { Comparison } from './experiment.js';
import {
  type Estimate,
  equivalenceTest,
  holm,
  meanOverSeeds,
  type Probabilities,
  pairedTests,
} from './seed-statistics.js';

/** Fewer seeds than these give no verdict. */
export const LEAST_SEEDS = 10;

/** A corrected probability below this shows a difference, or an equality. */
const SIGNIFICANT = 0.05;

/** What two conditions are compared by: accuracy of the best weights on test or dev, of the final ones on dev, or steps to a threshold. */
export type Measured = 'test' | 'best' | 'final' | 'steps';

/** What was compared, in words. */
export function measureText({ measured }: Pick<ComparisonRow, 'measured'>, until?: number): string {
  return {
    test: 'test accuracy',
    best: 'best dev accuracy',
    final: 'dev accuracy at the end',
    steps: `steps to ${until ?? 'the threshold'}, ratio`,
  }[measured];
}

/** The difference of two conditions over the seeds that both have, with Student's interval over these seeds. */
export interface ComparisonRow extends Probabilities {
  treatment: string;
  baseline: string;
  measured: Measured;
  /** Whether the experiment's file marks it as confirmatory: no other comparison gets a verdict. */
  isConfirmatory: boolean;
  /** Seeds that both conditions have: the unit of the tests. */
  seeds: number;
  /** Seeds that a verdict needs: those that the experiment states, ten at least. */
  seedsNeeded: number;
  /** The difference of accuracies, or of the natural logarithms of steps. */
  difference: Estimate;
  /** The larger probability of both tests, corrected for all confirmatory comparisons; NaN without a verdict. */
  corrected: number;
  /** The largest difference of accuracies that counts as equally good. */
  margin?: number;
  /** The corrected probability of the test of equality within the margin; NaN without one. */
  equivalence: number;
}

/**
 * A comparison, not yet corrected for others.
 * @param differences One for each seed that both conditions have. The probabilities are NaN with too few of them.
 * @param leastSeeds The seeds that a verdict on a confirmatory comparison needs.
 */
export function comparisonRow(
  { treatment, baseline, confirmatory, margin }: Comparison,
  measured: Measured,
  differences: readonly number[],
  leastSeeds: number,
): ComparisonRow {
  const seeds = differences.length;
  const isConfirmatory =
    confirmatory.includes(measured === 'steps' ? 'steps' : 'accuracy') && measured !== 'final';
  const seedsNeeded = isConfirmatory ? Math.max(LEAST_SEEDS, leastSeeds) : LEAST_SEEDS;
  const isTested = seeds >= seedsNeeded;
  const hasMargin = isConfirmatory && measured !== 'steps' && margin !== undefined;
  return {
    ...{ treatment, baseline, measured, isConfirmatory, seeds, seedsNeeded },
    difference: meanOverSeeds(differences),
    ...(isTested ? pairedTests(differences) : { student: Number.NaN, signFlip: Number.NaN }),
    corrected: Number.NaN,
    ...(hasMargin && { margin }),
    equivalence: isTested && hasMargin ? equivalenceTest(differences, margin) : Number.NaN,
  };
}

/**
 * Corrects the confirmatory rows of an experiment for each other. Tests that cannot be made yet count as tests, so that what is
 * shown does not depend on the order of the runs.
 * @param tests Tests of the experiment: of a difference, and of equality where there is a margin.
 */
export function correctedRows(rows: readonly ComparisonRow[], tests: number): ComparisonRow[] {
  const isTested = (row: ComparisonRow) => row.isConfirmatory && !Number.isNaN(row.student);
  const made = rows.filter(isTested).flatMap((row) => [Math.max(row.student, row.signFlip), row.equivalence]);
  const valid = made.filter((probability) => !Number.isNaN(probability));
  const untested = new Array<number>(Math.max(0, tests - valid.length)).fill(1);
  const corrected = holm([...valid, ...untested]);
  const next = (probability: number) => (Number.isNaN(probability) ? Number.NaN : corrected.shift()!);
  return rows.map((row) =>
    isTested(row) ? { ...row, corrected: next(row.student), equivalence: next(row.equivalence) } : row,
  );
}

/** Whether a difference is shown: by both tests over enough seeds, corrected for all confirmatory comparisons. */
export function isShown({ corrected }: ComparisonRow): boolean {
  return corrected < SIGNIFICANT;
}

/** Whether two conditions are shown to be equally good: within the margin of the experiment's file. */
export function isEquivalent({ equivalence }: ComparisonRow): boolean {
  return equivalence < SIGNIFICANT;
}

/** "better" or "worse", "faster" or "slower" of the treatment. */
function directionOf({ measured, difference: { value } }: ComparisonRow): string {
  if (measured === 'steps') return value < 0 ? 'faster' : 'slower';
  return value > 0 ? 'better' : 'worse';
}

/** The verdict on a comparison, in words. */
export function verdictOf(row: ComparisonRow): string {
  const { seeds, seedsNeeded, isConfirmatory, margin } = row;
  const kind = isConfirmatory ? '' : 'exploratory';
  if (seeds < seedsNeeded) {
    const few = `too few seeds: ${seeds} of ${seedsNeeded}`;
    return kind ? `${kind}; ${few}` : few;
  }
  if (kind) return kind;
  const equal = isEquivalent(row) ? `as good as, ± ${margin}` : '';
  if (isShown(row)) return equal ? `${directionOf(row)}, but ${equal}` : directionOf(row);
  return equal || 'no difference is shown';
}
