import { mean } from 'simple-statistics';
import * as v from 'valibot';
import { checkArgument, options, string } from '../../base/argument-schemas.js';
import { confirmatoryTests, type Experiment, type Settings } from './experiment.js';
import type { CellResult, MarkedEvaluation } from './results.js';
import { asShare, type Estimate, meanOverSeeds } from './seed-statistics.js';
import { type StepsOverSeeds, stepsOverSeeds, stepsToThreshold } from './steps-to-threshold.js';
import { type ComparisonRow, comparisonRow, correctedRows, LEAST_SEEDS, type Measured } from './verdict.js';

/** A condition of an experiment, over its seeds. */
export interface ConditionRow {
  condition: string;
  /** Seeds that have a result. */
  seeds: number;
  /** The share of dev's pairs of tokens that existed, from 0 to 1, the mean over seeds. */
  density: number;
  /** Undefined where it is not stored with every result. */
  closure?: number;
  /** Accuracy of the best weights on test; undefined where test has no labels. */
  test?: Estimate;
  /** Accuracy of the best weights on dev. */
  best: Estimate;
  /** Accuracy of the last weights on dev. */
  final: Estimate;
  /** Undefined where the runs have no setting `until`. */
  steps?: StepsOverSeeds;
  /** Where its mean best accuracy is between floor (0) and ceiling (1); NaN where these two are not shown to differ. */
  place: number;
}

/** The results of an experiment at one point of its grid, over all seeds. */
export interface ExperimentTable {
  /** The point, without the seed. */
  point: Settings;
  /** Rows of dev that were counted. */
  rows: number;
  /** Rows of test; undefined where it has no labels, or only some rows of dev are counted. */
  testRows?: number;
  /** The dev accuracy up to which steps are counted; undefined where runs have none, or different ones. */
  until?: number;
  /** In the order of the file; those without a result are left out. */
  conditions: ConditionRow[];
  /** For each measure a row of each comparison, where some seed has both conditions. */
  comparisons: ComparisonRow[];
}

/** Rows of dev to be counted, all of them by default. */
export type RowFilter = (row: number) => boolean;

const everyRow: RowFilter = () => true;

/** A digit for each row that counts. */
function countedMarks({ marks }: Pick<MarkedEvaluation, 'marks'>, filter: RowFilter): string {
  return filter === everyRow ? marks : [...marks].filter((_, row) => filter(row)).join('');
}

function accuracyOf(evaluation: Pick<MarkedEvaluation, 'marks'>, filter: RowFilter): number {
  const marks = countedMarks(evaluation, filter);
  return marks.replaceAll('0', '').length / marks.length;
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
  /** Whether every run has a result on test. */
  private readonly hasTest: boolean;
  private readonly hasSteps: boolean;

  constructor(
    private readonly experiment: Experiment,
    private readonly point: Settings,
    private readonly results: readonly CellResult[],
    private readonly filter: RowFilter,
  ) {
    for (const name of Object.keys(experiment.conditions)) {
      const ofCondition = results
        .filter(({ condition }) => condition === name)
        .sort((a, b) => Number(a.point.seed) - Number(b.point.seed));
      if (ofCondition.length > 0)
        this.conditions.set(name, new Map(ofCondition.map((result) => [`${result.point.seed}`, result])));
    }
    this.hasTest = filter === everyRow && results.every(({ test }) => test !== undefined);
    this.hasSteps = stepsOverSeeds(results) !== undefined;
    this.isRangeShown = this.rangeIsShown();
  }

  /** The table, whose comparisons are not yet corrected. */
  make(): ExperimentTable {
    const names = [...this.conditions.keys()];
    const [first] = this.conditions.get(names[0])!.values();
    const thresholds = [...new Set(this.results.map(({ settings }) => settings.until))];
    return {
      point: this.point,
      rows: countedMarks(first.best, this.filter).length,
      ...(this.hasTest && { testRows: first.test!.marks.length }),
      ...(this.hasSteps && thresholds.length === 1 && { until: Number(thresholds[0]) }),
      conditions: names.map((name) => this.conditionRow(name)),
      comparisons: this.comparisons(),
    };
  }

  private valueOf(result: CellResult, measured: Measured): number {
    if (measured === 'steps') return Math.log(stepsToThreshold(result)!.steps);
    return accuracyOf(result[measured]!, this.filter);
  }

  private meanOf(name: string, measured: Measured): Estimate {
    const results = [...this.conditions.get(name)!.values()];
    return asShare(meanOverSeeds(results.map((result) => this.valueOf(result, measured))));
  }

  private conditionRow(condition: string): ConditionRow {
    const results = [...this.conditions.get(condition)!.values()];
    const closures = results.flatMap(({ closure }) => closure ?? []);
    return {
      condition,
      seeds: results.length,
      density: mean(results.map(({ density }) => density)),
      ...(closures.length === results.length && { closure: mean(closures) }),
      ...(this.hasTest && { test: this.meanOf(condition, 'test') }),
      best: this.meanOf(condition, 'best'),
      final: this.meanOf(condition, 'final'),
      ...(this.hasSteps && { steps: stepsOverSeeds(results) }),
      place: this.place(condition),
    };
  }

  private place(condition: string): number {
    if (!this.isRangeShown) return Number.NaN;
    const [floor, ceiling, value] = [...this.experiment.range!, condition].map(
      (name) => this.meanOf(name, 'best').value,
    );
    return (value - floor) / (ceiling - floor);
  }

  /** Whether enough seeds have the ceiling above the floor, so that others have a place between them. */
  private rangeIsShown(): boolean {
    const { range } = this.experiment;
    if (!range?.every((name) => this.conditions.has(name))) return false;
    const [floor, ceiling] = range;
    const differences = this.differences(ceiling, floor, 'best');
    return differences.length >= LEAST_SEEDS && meanOverSeeds(differences).low > 0;
  }

  private comparisons(): ComparisonRow[] {
    const accuracies = [this.hasTest ? 'test' : 'best', 'final'] as const;
    const measures: readonly Measured[] = this.hasSteps ? [...accuracies, 'steps'] : accuracies;
    const { grid, leastSeeds = grid.seed.length } = this.experiment;
    return measures.flatMap((measured) =>
      this.experiment.comparisons
        .map((comparison) => {
          const differences = this.differences(comparison.treatment, comparison.baseline, measured);
          return comparisonRow(comparison, measured, differences, leastSeeds);
        })
        .filter((row) => row.seeds > 0),
    );
  }

  /** The differences of two conditions for the seeds that both have. */
  private differences(treatment: string, baseline: string, measured: Measured): number[] {
    const [treated, base] = [treatment, baseline].map((name) => this.conditions.get(name));
    return [...(treated ?? [])].flatMap(([seed, result]) => {
      const other = base?.get(seed);
      return other ? [this.valueOf(result, measured) - this.valueOf(other, measured)] : [];
    });
  }
}

const EXPERIMENT = options(
  { conditions: options({}), grid: options({}) },
  'an experiment of parseExperiment',
);
const RESULTS = v.array(options({ condition: string, settings: options({}) }), 'a list of results of cells');

/**
 * The tables of an experiment, one for each point of its grid that has results; each mean is over seeds, each difference over
 * the seeds that both conditions have. Confirmatory comparisons are corrected for those of all tables.
 * @param filter Which rows of dev count; test is left out then.
 */
export function experimentTables(
  experiment: Experiment,
  results: readonly CellResult[],
  filter: RowFilter = everyRow,
): ExperimentTable[] {
  checkArgument(EXPERIMENT, experiment, 'experiment');
  checkArgument(RESULTS, results, 'results');
  const points = new Map(results.map((result) => [JSON.stringify(pointWithoutSeed(result)), result]));
  const tables = [...points].map(([key, any]) => {
    const here = results.filter((result) => JSON.stringify(pointWithoutSeed(result)) === key);
    return new PointTable(experiment, pointWithoutSeed(any), here, filter).make();
  });
  const rows = correctedRows(
    tables.flatMap(({ comparisons }) => comparisons),
    confirmatoryTests(experiment),
  );
  return tables.map((table) => ({ ...table, comparisons: rows.splice(0, table.comparisons.length) }));
}
