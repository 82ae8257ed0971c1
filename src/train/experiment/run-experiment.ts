import { join } from 'node:path';
import { adapterKey, type KernelChoices } from '../../attention/kernel-choices.js';
import { CallerError, ParsimonyError } from '../../base/errors.js';
import type { DataSource, Example } from '../../data/dataset.js';
import { createFolder, writeAtomically } from '../../data/files.js';
import type { Device } from '../../gpu/device.js';
import { formatRules } from '../../grammar/rules-file.js';
import { paperDensity } from '../control-rules.js';
import type { Evaluation } from '../evaluation.js';
import { evaluationResultOf } from '../metrics-log.js';
import { dataOf, examplesOf, prepareRun } from '../prepare-run.js';
import { dataHash } from '../run-record.js';
import { SentenceClassifier } from '../sentence-classifier.js';
import { type RunSettings, SETTING_DEFAULTS } from '../settings.js';
import type { EvaluationMetrics } from '../trainer.js';
import {
  runTraining,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from '../training-run.js';
import {
  type Cell,
  cellsOf,
  conflictInCell,
  type Experiment,
  learnedCell,
  withoutLocations,
} from './experiment.js';
import {
  type CellResult,
  type MarkedEvaluation,
  readResult,
  resultFile,
  type TestEvaluation,
  writeResult,
} from './results.js';

export interface ExperimentOptions {
  /** Holds a folder for each run, in which an interrupted run resumes. */
  runs: string;
  /** Holds a file for each finished run, which is not run again. */
  results: string;
  /** The data, instead of those of the settings. */
  data?: string;
  /** The conditions that are run; all where left out. */
  only?: readonly string[];
  /** Once it is aborted, the run under way ends with a checkpoint, and `RunInterrupted` is thrown. */
  signal?: AbortSignal;
  /** Kept in every run's `training.json`. */
  notes?: Record<string, unknown>;
  /** The variants of the kernels for a run; those that are expected to be fastest where left out. */
  kernelsFor?(device: Device, run: TrainingRun, tune: boolean): Promise<KernelChoices | undefined>;
  onNote?(note: string): void;
  /** The hooks of a cell's run in its folder. */
  hooksOf?(cell: Cell, folder: string): TrainingRunHooks;
  /** Called when a cell is finished, or its result is there already. */
  onResult?(cell: Cell, result: CellResult): void;
}

/** A digit for each row: 1 where the prediction is right. */
function marksOf(predicted: readonly number[], examples: readonly Example[]): string {
  return predicted.map((label, row) => (label === examples[row].label ? '1' : '0')).join('');
}

function marked(metrics: EvaluationMetrics, { dev }: TrainingRun['data']): MarkedEvaluation {
  return { ...evaluationResultOf(metrics), marks: marksOf(metrics.devPredicted, dev) };
}

function testEvaluation(
  { accuracy, loss, f1, matthews, predicted }: Evaluation,
  examples: readonly Example[],
): TestEvaluation {
  return { accuracy, loss, f1, matthews, marks: marksOf(predicted, examples) };
}

/** A finished run, and its data. */
interface TrainedCell {
  run: TrainingRun;
  source: DataSource;
  outcome: TrainingOutcome;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

/** The runs of one experiment on one device. */
class ExperimentRunner {
  private readonly cells: readonly Cell[];
  private readonly runs: string;
  /** What names the data that were read already, by the settings that name them. */
  private readonly dataHashes = new Map<string, string>();
  private isTestNoted = false;

  constructor(
    private readonly device: Device,
    private readonly experiment: Experiment,
    private readonly options: ExperimentOptions,
  ) {
    this.cells = cellsOf(experiment);
    this.runs = join(options.runs, experiment.name);
  }

  async run(): Promise<CellResult[]> {
    const { only, onResult } = this.options;
    const cells = this.cells.filter(({ condition }) => only?.includes(condition) ?? true);
    for (const cell of cells) this.check(cell);
    const results: CellResult[] = [];
    for (const cell of cells) {
      const result = await this.finish(cell);
      onResult?.(cell, result);
      results.push(result);
    }
    return results;
  }

  /** @throws CallerError where a cell's settings are not those of a run, before the first of many hours. */
  private check(cell: Cell): void {
    const { file, name } = this.experiment;
    const where = `${file ?? name}, ${cell.id}`;
    const trouble = conflictInCell(cell, this.experiment);
    if (trouble) throw new CallerError({ ...trouble, where });
    if (this.settingsOf(cell).data !== undefined) return;
    throw new CallerError({ what: 'no data', where, expected: '"data" among the settings, or --data' });
  }

  private settingsOf(cell: Cell): RunSettings {
    const { data } = this.options;
    return { ...cell.settings, ...(data !== undefined && { data }) };
  }

  /** The result of a cell: the stored one, or that of its run, which is resumed where it was interrupted. */
  private async finish(cell: Cell): Promise<CellResult> {
    const { results } = this.options;
    const file = resultFile(results, this.experiment.name, cell);
    const stored = await readResult(file, cell);
    if (stored && stored.data === (await this.dataHashOf(cell))) return stored;
    const result = await this.resultOf(cell, await this.train(cell));
    await createFolder(join(results, this.experiment.name));
    await writeResult(file, result);
    return result;
  }

  /** What names the data of a cell: cells mostly have the same, which need not be read for each. */
  private async dataHashOf(cell: Cell): Promise<string> {
    const settings = this.settingsOf(cell);
    const { data, dev, textColumn, labelColumn, tagsColumn, labels, trainExamples, devShare, seed } =
      settings;
    const isDrawn = trainExamples !== undefined || devShare !== undefined;
    const drawn = isDrawn ? [trainExamples, devShare, seed] : [];
    const key = JSON.stringify([data, dev, textColumn, labelColumn, tagsColumn, labels, ...drawn]);
    const hash = this.dataHashes.get(key) ?? dataHash(await examplesOf(dataOf(settings), settings));
    this.dataHashes.set(key, hash);
    return hash;
  }

  /** Trains a cell to its end in its folder, or reads the result of a finished run there. */
  private async train(cell: Cell): Promise<TrainedCell> {
    const { kernelsFor, notes, hooksOf, signal, onNote } = this.options;
    const settings = { ...this.settingsOf(cell), ...(await this.prunedRules(cell)) };
    const { run, source } = await prepareRun(settings, onNote);
    run.notes = { ...notes, ...run.notes };
    run.kernels = await kernelsFor?.(this.device, run, settings.tune ?? SETTING_DEFAULTS.tune);
    const folder = join(this.runs, cell.id);
    const hooks = { onNote, ...hooksOf?.(cell, folder), signal };
    return { run, source, outcome: await runTraining(this.device, run, folder, hooks) };
  }

  /** The rules of a cell that are pruned from the run of another: prunes them, and writes them to a file next to the runs. */
  private async prunedRules(cell: Cell): Promise<RunSettings> {
    const learned = learnedCell(cell, this.cells);
    if (!learned) return {};
    const { run } = await this.train(learned);
    const { train } = run.data;
    const density = paperDensity(train, run.vocabulary, run.maxLength);
    return this.withModel(learned, async (model) => {
      const { rules } = await model.prune(train, density);
      const file = join(this.runs, `${cell.id}.rules.json`);
      await writeAtomically(file, formatRules(rules));
      return { rules: file };
    });
  }

  private async withModel<T>(cell: Cell, action: (model: SentenceClassifier) => Promise<T> | T): Promise<T> {
    const model = await SentenceClassifier.load(this.device, join(this.runs, cell.id));
    try {
      return await action(model);
    } finally {
      model.release();
    }
  }

  /** The rows of test; undefined where they have no labels, or cannot be read. */
  private async testOf(source: DataSource): Promise<Example[] | undefined> {
    try {
      return await source.examples('test');
    } catch (error) {
      if (!(error instanceof ParsimonyError)) throw error;
      if (!this.isTestNoted) this.options.onNote?.(`Only dev is evaluated, not test: ${error.message}`);
      this.isTestNoted = true;
      return undefined;
    }
  }

  private async resultOf(cell: Cell, { run: { data }, source, outcome }: TrainedCell): Promise<CellResult> {
    const { evaluations, epochs, best, final } = outcome;
    const seconds = sum(epochs.map((epoch) => epoch.seconds));
    const examples = await this.testOf(source);
    const { density, test } = await this.withModel(cell, async (model) => ({
      density: model.density(data.dev),
      test: examples && testEvaluation(await model.evaluate(examples), examples),
    }));
    return {
      experiment: this.experiment.name,
      condition: cell.condition,
      point: cell.point,
      settings: withoutLocations(cell.settings),
      data: dataHash(data),
      adapter: adapterKey(this.device),
      density,
      evaluations: evaluations.map(evaluationResultOf),
      best: marked(best, data),
      final: marked(final, data),
      ...(test && { test }),
      tokensPerSecond: sum(epochs.map((epoch) => epoch.tokensPerSecond * epoch.seconds)) / seconds,
      seconds,
    };
  }
}

/**
 * Runs the unfinished cells of an experiment, one by one.
 * @returns The results of all its cells, or of those of `only`.
 * @throws CallerError where a setting makes no sense; RunInterrupted where the signal is aborted; else as `runTraining`.
 */
export async function runExperiment(
  device: Device,
  experiment: Experiment,
  options: ExperimentOptions,
): Promise<CellResult[]> {
  return new ExperimentRunner(device, experiment, options).run();
}
