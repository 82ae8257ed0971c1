import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { KernelChoices } from '../../attention/kernel-choices.js';
import { CallerError, ParsimonyError } from '../../base/errors.js';
import { relocatedData } from '../../data/data-location.js';
import type { DataSource, Example } from '../../data/dataset.js';
import { writeAtomically } from '../../data/files.js';
import type { Device } from '../../gpu/device.js';
import { formatRules } from '../../grammar/rules-file.js';
import { TASKS, type Task } from '../../nn/model-config.js';
import { paperDensity } from '../control-rules.js';
import type { Evaluation } from '../evaluation.js';
import { evaluationResultOf } from '../metrics-log.js';
import { prepareRun } from '../prepare-run.js';
import { splitOf } from '../run-data.js';
import { LAST_FILE } from '../run-folder.js';
import { FolderInUse } from '../run-lock.js';
import { dataHash, machineOf, RECORD_FILE, readRecord, readWrittenRecord } from '../run-record.js';
import { SentenceClassifier } from '../sentence-classifier.js';
import { type RunSettings, SETTING_DEFAULTS } from '../settings.js';
import type { EvaluationMetrics } from '../trainer.js';
import {
  runTraining,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from '../training-run.js';
import { runSettingsOf } from './data-hashes.js';
import {
  type Cell,
  cellsOf,
  conflictInCell,
  type Experiment,
  learnedCell,
  withoutLocations,
} from './experiment.js';
import type { CellResult, MarkedEvaluation, TestEvaluation } from './results.js';

/** How the cells of an experiment are trained. */
export interface CellOptions {
  /** Holds a folder for each run, in which an interrupted run resumes. */
  runs: string;
  /** The data, instead of those of the settings. */
  data?: string;
  /** Kept in every run's `training.json`. */
  notes?: Record<string, unknown>;
  /** Kept in every result, beside the hash of the kernels and the driver. */
  versions?: Readonly<Record<string, string>>;
  /**
   * Whether a cell may be taken over from another process: a run that started on another adapter or with other kernels starts
   * again, and one whose folder another process holds is repeated in a folder of its own. By default both are refused.
   */
  takesOver?: boolean;
  /** The variants of the kernels for a run; by default, those that are expected to be the fastest. */
  kernelsFor?(device: Device, run: TrainingRun, tune: boolean): Promise<KernelChoices | undefined>;
  /** Called with each note to the user, a line of text. */
  onNote?(note: string): void;
  /** The hooks of a cell's run in its folder. */
  hooksOf?(cell: Cell, folder: string): TrainingRunHooks;
}

/** A digit for each row: 1 where the prediction is right. Predictions of a task about tokens are such digits. */
function marksOf(predicted: readonly number[], examples: readonly Example[], task?: Task): string {
  if (task === 'mlm') return predicted.join('');
  return predicted.map((label, row) => (label === examples[row].label ? '1' : '0')).join('');
}

function marked(metrics: EvaluationMetrics, { data, task }: TrainingRun): MarkedEvaluation {
  const { devPredicted, devLossByTag: lossByTag } = metrics;
  const marks = marksOf(devPredicted, data.dev, task);
  return { ...evaluationResultOf(metrics), marks, ...(lossByTag && { lossByTag }) };
}

function testEvaluation(
  { accuracy, loss, f1, matthews, predicted, lossByTag }: Evaluation,
  examples: readonly Example[],
  task?: Task,
): TestEvaluation {
  const marks = marksOf(predicted, examples, task);
  return { accuracy, loss, f1, matthews, marks, ...(lossByTag && { lossByTag }) };
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** A finished run in its folder, and its data. */
interface TrainedCell {
  run: TrainingRun;
  source: DataSource;
  folder: string;
  outcome: TrainingOutcome;
}

/** Whether cells that have different data would have the same at another location. */
function mergesData({ settings, conditions, grid }: Experiment, location: string): boolean {
  const named = grid.data ?? Object.values(conditions).map((each) => each.data ?? settings.data);
  const moved = named.map((data) => relocatedData(data, location));
  return new Set(moved).size < new Set(named.map((data) => JSON.stringify(data))).size;
}

/**
 * Checks the settings of a cell, before the first of many hours.
 * @throws CallerError where they contradict each other, or name no data.
 */
export function checkCell(cell: Cell, experiment: Experiment, data?: string): void {
  const where = `${experiment.file ?? experiment.name}, ${cell.id}`;
  const conflict = conflictInCell(cell, experiment);
  if (conflict) throw new CallerError({ ...conflict, where });
  if (data !== undefined && mergesData(experiment, data))
    throw new CallerError({
      what: `--data ${data}`,
      where,
      expected: 'no --data: its grid, or its condition, names the data of each cell',
    });
  if (runSettingsOf(cell, data).data !== undefined) return;
  throw new CallerError({ what: 'no data', where, expected: '"data" among the settings, or --data' });
}

/** Runs the cells of one experiment on one device. */
export class CellRunner {
  private readonly cells: readonly Cell[];
  private readonly runs: string;
  private isTestNoted = false;

  constructor(
    private readonly device: Device,
    private readonly experiment: Experiment,
    private readonly options: CellOptions,
  ) {
    this.cells = cellsOf(experiment);
    this.runs = join(options.runs, experiment.name);
  }

  /**
   * The result of a cell: its run is trained to its end, or resumed where it was interrupted.
   * @param signal Once it is aborted, the run ends with a checkpoint, and `RunInterrupted` is thrown.
   * @throws As `prepareRun` and `runTraining`.
   */
  async resultOf(cell: Cell, signal?: AbortSignal): Promise<CellResult> {
    const trained = await this.train(cell, signal);
    const result = await this.measure(cell, trained);
    if (trained.folder !== this.folderOf(cell)) await rm(trained.folder, { recursive: true, force: true });
    return result;
  }

  private folderOf({ id }: Cell): string {
    return join(this.runs, id);
  }

  /** Trains a cell to its end in its folder, or reads the result of a finished run there. */
  private async train(cell: Cell, signal?: AbortSignal): Promise<TrainedCell> {
    const { kernelsFor, notes, hooksOf, onNote, data, takesOver } = this.options;
    const settings = { ...runSettingsOf(cell, data), ...(await this.prunedRules(cell, signal)) };
    const { run, source } = await prepareRun(settings, onNote);
    run.notes = { ...notes, ...run.notes };
    run.kernels = await kernelsFor?.(this.device, run, settings.tune ?? SETTING_DEFAULTS.tune);
    const trainIn = async (folder: string) => {
      const hooks = { onNote, ...hooksOf?.(cell, folder), signal };
      return { run, source, folder, outcome: await runTraining(this.device, run, folder, hooks) };
    };
    const folder = this.folderOf(cell);
    if (!takesOver) return trainIn(folder);
    run.startOver = await this.isOfAnotherMachine(folder);
    try {
      return await trainIn(folder);
    } catch (error) {
      if (!(error instanceof FolderInUse)) throw error;
      onNote?.(`${error.message}; this process repeats the run in a folder of its own.`);
      return trainIn(`${folder}~${randomBytes(4).toString('hex')}`);
    }
  }

  /** Whether a folder holds an unfinished run whose bits this machine cannot continue. */
  private async isOfAnotherMachine(folder: string): Promise<boolean> {
    if (!existsSync(join(folder, RECORD_FILE)) || existsSync(join(folder, LAST_FILE))) return false;
    const record = await readRecord(folder).catch(() => undefined);
    const { adapter, kernels } = machineOf(this.device);
    const isOther =
      record && (record.fingerprints.adapter !== adapter || record.fingerprints.kernels !== kernels);
    if (isOther)
      this.options.onNote?.(`${folder}: begun on another adapter or by other kernels; starts again.`);
    return isOther === true;
  }

  /** The rules of a cell that are pruned from the run of another: prunes them, and writes them to a file next to the runs. */
  private async prunedRules(cell: Cell, signal?: AbortSignal): Promise<RunSettings> {
    const learned = learnedCell(cell, this.cells);
    if (!learned) return {};
    const { run, folder } = await this.train(learned, signal);
    const { train } = run.data;
    const density = paperDensity(train, run.vocabulary, run.maxLength);
    return this.withModel(folder, async (model) => {
      const { rules } = await model.prune(train, density);
      const file = join(this.runs, `${cell.id}.rules.json`);
      await writeAtomically(file, formatRules(rules));
      return { rules: file };
    });
  }

  private async withModel<T>(
    folder: string,
    action: (model: SentenceClassifier) => Promise<T> | T,
  ): Promise<T> {
    const model = await SentenceClassifier.load(this.device, folder, TASKS);
    try {
      return await action(model);
    } finally {
      model.release();
    }
  }

  /** The rows of test; undefined where they have no labels, or cannot be read. */
  private async testOf(source: DataSource, task?: Task): Promise<Example[] | undefined> {
    try {
      return await splitOf(source, 'test', task);
    } catch (error) {
      if (!(error instanceof ParsimonyError)) throw error;
      if (!this.isTestNoted) this.options.onNote?.(`Only dev is evaluated, not test: ${error.message}`);
      this.isTestNoted = true;
      return undefined;
    }
  }

  private async measure(cell: Cell, { run, source, folder, outcome }: TrainedCell): Promise<CellResult> {
    const { data, task } = run;
    const { evaluations, epochs, best, final } = outcome;
    const seconds = sum(epochs.map((epoch) => epoch.seconds));
    const examples = await this.testOf(source, task);
    const { density, closure, test } = await this.withModel(folder, async (model) => ({
      density: model.density(data.dev),
      closure: model.closure(data.dev),
      test: examples && testEvaluation(await model.evaluate(examples), examples, task),
    }));
    // A run that was taken over after its last step is of the machine that trained it.
    const { fingerprints, adapter } = await readWrittenRecord(folder);
    return {
      experiment: this.experiment.name,
      condition: cell.condition,
      point: cell.point,
      settings: withoutLocations(cell.settings),
      data: dataHash(data),
      adapter: fingerprints.adapter,
      versions: {
        ...this.options.versions,
        kernels: fingerprints.kernels,
        driver: adapter?.description ?? '',
      },
      density,
      closure,
      evaluations: evaluations.map(evaluationResultOf),
      best: marked(best, run),
      final: marked(final, run),
      ...(test && { test }),
      tokensPerSecond: sum(epochs.map((epoch) => epoch.tokensPerSecond * epoch.seconds)) / seconds,
      seconds,
    };
  }
}
