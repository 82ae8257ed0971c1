import { median } from 'simple-statistics';
import type { CellResult } from './results.js';

/** How long a run took to reach the dev accuracy of its setting `until`. */
export interface StepsToThreshold {
  /** Steps at the first evaluation with this accuracy; those of the whole run where none had it. */
  steps: number;
  /** False where the number is censored: the run ended first. */
  isReached: boolean;
}

/** The steps of a run to an accuracy. @param evaluations Those of the run, one at least, in their order. */
export function stepsTo(
  until: number,
  evaluations: readonly { step: number; accuracy: number }[],
): StepsToThreshold {
  const reaching = evaluations.find(({ accuracy }) => accuracy >= until);
  return { steps: (reaching ?? evaluations[evaluations.length - 1]).step, isReached: reaching !== undefined };
}

/** The steps of a cell's run to its setting `until`; undefined where it has none. */
export function stepsToThreshold({ settings, evaluations }: CellResult): StepsToThreshold | undefined {
  return typeof settings.until === 'number' ? stepsTo(settings.until, evaluations) : undefined;
}

/** The steps of some runs to a threshold. */
export interface StepsOverSeeds {
  /** The median; Infinity where half of the runs or more did not reach it. */
  median: number;
  /** Runs that reached it. */
  reached: number;
  /** The steps of the longest run. */
  limit: number;
}

/** The steps of a condition's runs; undefined where any has no threshold. */
export function stepsOverSeeds(results: readonly CellResult[]): StepsOverSeeds | undefined {
  const all = results.map(stepsToThreshold);
  const counts = all.filter((one) => one !== undefined);
  if (counts.length < all.length) return undefined;
  return {
    median: median(counts.map(({ steps, isReached }) => (isReached ? steps : Number.POSITIVE_INFINITY))),
    reached: counts.filter(({ isReached }) => isReached).length,
    limit: Math.max(...counts.map(({ steps }) => steps)),
  };
}
