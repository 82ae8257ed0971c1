import { mean } from 'simple-statistics';
import type { Experiment, Settings } from './experiment.js';
import type { CellResult, MarkedEvaluation } from './results.js';
import {
  asShare,
  type Estimate,
  holm,
  isShown,
  LEAST_SEEDS,
  meanOverSeeds,
  seedTest,
  type TestedDifference,
} from './seed-statistics.js';

/** The checkpoint of each run: the best weights, or the final ones. */
type CheckpointName = 'best' | 'final';

export interface ConditionRow {
  condition: string;
  seeds: number;
  density: number;
  best: Estimate;
  final: Estimate;
  /** Where its mean best accuracy is between floor (0) and ceiling (1); NaN where these two are not shown to differ. */
  place: number;
}

/** The difference of two conditions over the seeds that both have, with Student's interval over these seeds. */
export interface ComparisonRow extends TestedDifference {
  treatment: string;
  baseline: string;
  checkpoint: CheckpointName;
  /** The probability without correction; NaN with too few seeds for a verdict. `corrected` accounts for all tests of the table. */
  probability: number;
}

/** The results of an experiment at one point of its grid, over all seeds. */
export interface ExperimentTable {
  /** The point, without the seed. */
  point: Settings;
  /** Rows of dev that were counted. */
  rows: number;
  conditions: ConditionRow[];
  comparisons: ComparisonRow[];
}

/** Rows of dev to be counted, all of them where left out. */
export type RowFilter = (row: number) => boolean;

function marksOf({ marks }: MarkedEvaluation, filter: RowFilter): number[] {
  return [...marks].filter((_, row) => filter(row)).map(Number);
}

function accuracyOf(reading: MarkedEvaluation, filter: RowFilter): number {
  const marks = marksOf(reading, filter);
  return marks.length > 0 ? mean(marks) : Number.NaN;
}

function pointWithoutSeed({ point }: CellResult): Settings {
  const { seed: _, ...others } = point;
  return others;
}

/** The results of one condition, by seed. */
type BySeed = Map<string, CellResult>;

class PointTable {
  private readonly conditions = new Map<string, BySeed>();
  private readonly isRangeShown: boolean;

  constructor(
    private readonly experiment: Experiment,
    private readonly point: Settings,
    results: readonly CellResult[],
    private readonly filter: RowFilter,
  ) {
    for (const name of Object.keys(experiment.conditions)) {
      const ofCondition = results
        .filter(({ condition }) => condition === name)
        .sort((a, b) => Number(a.point.seed) - Number(b.point.seed));
      if (ofCondition.length > 0)
        this.conditions.set(name, new Map(ofCondition.map((result) => [`${result.point.seed}`, result])));
    }
    this.isRangeShown = this.rangeIsShown();
  }

  make(): ExperimentTable {
    const names = [...this.conditions.keys()];
    const [first] = this.conditions.get(names[0])!.values();
    return {
      point: this.point,
      rows: marksOf(first.best, this.filter).length,
      conditions: names.map((name) => this.conditionRow(name)),
      comparisons: this.comparisons(),
    };
  }

  private accuracies(name: string, checkpoint: CheckpointName): number[] {
    return [...this.conditions.get(name)!.values()].map((result) =>
      accuracyOf(result[checkpoint], this.filter),
    );
  }

  private conditionRow(condition: string): ConditionRow {
    const results = [...this.conditions.get(condition)!.values()];
    return {
      condition,
      seeds: results.length,
      density: mean(results.map(({ density }) => density)),
      best: asShare(meanOverSeeds(this.accuracies(condition, 'best'))),
      final: asShare(meanOverSeeds(this.accuracies(condition, 'final'))),
      place: this.place(condition),
    };
  }

  private place(condition: string): number {
    if (!this.isRangeShown) return Number.NaN;
    const [floor, ceiling, value] = [...this.experiment.range!, condition].map(
      (name) => meanOverSeeds(this.accuracies(name, 'best')).value,
    );
    return (value - floor) / (ceiling - floor);
  }

  /** Whether floor and ceiling are shown to differ, so that others have a place between them. */
  private rangeIsShown(): boolean {
    const { range } = this.experiment;
    if (!range?.every((name) => this.conditions.has(name))) return false;
    const [floor, ceiling] = range;
    const row = this.comparison(ceiling, floor, 'best');
    return isShown({ ...row, corrected: row.probability }) && row.difference.low > 0;
  }

  private comparisons(): ComparisonRow[] {
    const rows = (['best', 'final'] as const).flatMap((checkpoint) =>
      this.experiment.comparisons
        .map(([treatment, baseline]) => this.comparison(treatment, baseline, checkpoint))
        .filter(({ seeds }) => seeds > 0),
    );
    const tested = rows.filter(({ probability }) => !Number.isNaN(probability));
    const corrected = holm(tested.map(({ probability }) => probability));
    return rows.map((row) => ({ ...row, corrected: corrected[tested.indexOf(row)] ?? Number.NaN }));
  }

  private comparison(treatment: string, baseline: string, checkpoint: CheckpointName): ComparisonRow {
    const seeds = this.commonSeeds(treatment, baseline);
    const [treated, base] = [treatment, baseline].map((name) =>
      seeds.map((seed) => accuracyOf(this.conditions.get(name)!.get(seed)![checkpoint], this.filter)),
    );
    const differences = treated.map((accuracy, at) => accuracy - base[at]);
    return {
      treatment,
      baseline,
      checkpoint,
      seeds: seeds.length,
      difference: meanOverSeeds(differences),
      probability: seeds.length < LEAST_SEEDS ? Number.NaN : seedTest(differences),
      corrected: Number.NaN,
    };
  }

  private commonSeeds(one: string, other: string): string[] {
    const seeds = [...(this.conditions.get(one)?.keys() ?? [])];
    return seeds.filter((seed) => this.conditions.get(other)?.has(seed));
  }
}

/**
 * The tables of an experiment, one for each point of its grid that has results; each mean is over seeds, each difference over
 * the seeds that both conditions have.
 * @param filter Which rows of dev count.
 */
export function experimentTables(
  experiment: Experiment,
  results: readonly CellResult[],
  filter: RowFilter = () => true,
): ExperimentTable[] {
  const points = new Map(results.map((result) => [JSON.stringify(pointWithoutSeed(result)), result]));
  return [...points].map(([key, any]) => {
    const here = results.filter((result) => JSON.stringify(pointWithoutSeed(result)) === key);
    return new PointTable(experiment, pointWithoutSeed(any), here, filter).make();
  });
}
