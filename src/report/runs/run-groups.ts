import type { Experiment, Settings } from '../../train/experiment/experiment.js';
import { machinesOf, mixtureNote } from '../../train/experiment/grid-state.js';
import { experimentTables } from '../../train/experiment/result-table.js';
import type { CellResult } from '../../train/experiment/results.js';
import { stepsToThreshold } from '../../train/experiment/steps-to-threshold.js';
import type { ComparisonRow } from '../../train/experiment/verdict.js';
import type { EvaluationResult } from '../../train/metrics-log.js';
import { bestAccuracy } from './curves.js';
import { BASELINE, type Condition, conditionsOf, type Run } from './run.js';

/** Runs that were trained on the same data, and may be compared. */
export interface RunGroup {
  title: string;
  /** The question, in a sentence; empty where the experiment has none. */
  description: string;
  conditions: readonly Condition[];
  /** With the runs of all training-set sizes, of the first of the groups that differ by it alone. */
  overSizes?: readonly Condition[];
  /** Differences over the same seeds; empty for training folders. */
  comparisons: readonly ComparisonRow[];
  /** The dev accuracy up to which steps are counted. */
  until?: number;
  /** The rows of dev; undefined where they are not stored. */
  rows?: number;
  /** How far the grid is, of an experiment that was named by its file. */
  progress?: string;
  /** What the machines of its cells differ in; empty where they are of one kind. */
  mixture?: string;
}

/** JSON has no NaN: the loss of a run that has diverged is null there. */
function readingOf({ step, accuracy, loss }: EvaluationResult) {
  return { step, accuracy, loss: loss ?? Number.NaN };
}

function runOfCell(result: CellResult, command: string | undefined): Run {
  const { condition, point, settings, density, closure, evaluations, best, adapter, data } = result;
  return {
    name: `${condition}, seed ${point.seed}`,
    condition,
    seed: `${point.seed}`,
    evaluations: evaluations.map(readingOf),
    trainingLosses: [],
    best: readingOf(best),
    test: result.test?.accuracy,
    toThreshold: stepsToThreshold(result),
    density,
    closure,
    isFinished: true,
    settings,
    adapter,
    data,
    command,
  };
}

/**
 * The experiment of results without an experiment file: every condition is compared with the dense one, where there is one,
 * without verdicts.
 */
export function experimentOf(results: readonly CellResult[]): Experiment {
  const all = [...new Set(results.map(({ condition }) => condition))];
  const others = all.filter((name) => name !== BASELINE);
  const hasBaseline = all.includes(BASELINE);
  const names = hasBaseline ? [BASELINE, ...others] : all;
  return {
    name: results[0].experiment,
    description: '',
    settings: {},
    conditions: Object.fromEntries(names.map((name) => [name, {}])),
    grid: { seed: [...new Set(results.map(({ point }) => point.seed))] },
    comparisons: hasBaseline
      ? others.map((treatment) => ({ treatment, baseline: BASELINE, confirmatory: [] }))
      : [],
  };
}

/**
 * The results of an experiment as groups, one for each point of its grid.
 * @param command The command that repeats the experiment.
 * @param progress How far its grid is.
 */
export function experimentGroups(
  experiment: Experiment,
  results: readonly CellResult[],
  command?: string,
  progress?: string,
): RunGroup[] {
  const mixture = mixtureNote(machinesOf(results));
  const conditionsIn = (some: readonly CellResult[]) => {
    const inOrder = Object.keys(experiment.conditions).flatMap((name) => {
      return some.filter(({ condition }) => condition === name);
    });
    return conditionsOf(inOrder.map((result) => runOfCell(result, command)));
  };
  const tables = experimentTables(experiment, results);
  const isOverSizes =
    tables.length > 1 && tables.every(({ point }) => `${Object.keys(point)}` === 'trainExamples');
  return tables.map(({ point, rows, until, comparisons }, at) => {
    const conditions = conditionsIn(results.filter((result) => isAt(result.point, point)));
    const axes = Object.entries(point).map(([axis, value]) => `${axis} ${value}`);
    return {
      title: [`Experiment ${experiment.name}`, ...axes].join(', '),
      description: experiment.description,
      conditions,
      ...(isOverSizes && at === 0 && { overSizes: conditionsIn(results) }),
      comparisons,
      rows,
      until,
      progress,
      mixture,
    };
  });
}

/** The condition with the highest mean of best dev accuracies; undefined where nothing was evaluated. */
export function bestCondition(conditions: readonly Condition[]): Condition | undefined {
  const evaluated = conditions.filter(({ runs }) => Number.isFinite(bestAccuracy(runs).value));
  return evaluated.sort((one, other) => bestAccuracy(other.runs).value - bestAccuracy(one.runs).value)[0];
}

function isAt(settings: Settings, point: Settings): boolean {
  return Object.entries(point).every(([axis, value]) => settings[axis] === value);
}

/** Groups training folders by their data. Runs that differ by more than their seed are different conditions, named by the difference. */
export function folderGroups(runs: readonly Run[]): RunGroup[] {
  const byData = [...new Set(runs.map(({ data }) => data))];
  return byData.map((data) => {
    const ofData = distinguished(runs.filter((run) => run.data === data));
    const count = `${ofData.length} training ${ofData.length === 1 ? 'run' : 'runs'}`;
    const names = [...new Set(ofData.map(({ settings }) => settings.data ?? 'unnamed data'))];
    return {
      title: `${count} on ${names.join(', ')}`,
      description: '',
      conditions: conditionsOf(ofData),
      comparisons: [],
    };
  });
}

function keyOf({ seed: _, ...settings }: Settings): string {
  return JSON.stringify(Object.entries(settings).sort(([one], [other]) => (one < other ? -1 : 1)));
}

/** A few settings that distinguish some runs, chosen greedily. A table has all settings in which they differ. */
function tellingNames(runs: readonly Run[]): string[] {
  const variants = (names: readonly string[]) =>
    new Set(runs.map(({ settings }) => JSON.stringify(names.map((name) => settings[name] ?? null)))).size;
  const names = [...new Set(runs.flatMap(({ settings }) => Object.keys(settings)))].filter(
    (name) => name !== 'seed',
  );
  const chosen: string[] = [];
  while (variants(chosen) < variants(names)) {
    const gains = names.map((name) => variants([...chosen, name]));
    chosen.push(names[gains.indexOf(Math.max(...gains))]);
  }
  return chosen;
}

/** Runs with different names where they differ in more than the seed. */
function distinguished(runs: readonly Run[]): Run[] {
  return runs.map((run) => {
    const namesakes = runs.filter(({ condition }) => condition === run.condition);
    const differences = tellingNames(namesakes).map((name) => `${name} ${run.settings[name] ?? 'left out'}`);
    const isTwice = namesakes.some((other) => {
      return other !== run && other.seed === run.seed && keyOf(other.settings) === keyOf(run.settings);
    });
    return { ...run, condition: [run.condition, ...differences, ...(isTwice ? [run.name] : [])].join(', ') };
  });
}
