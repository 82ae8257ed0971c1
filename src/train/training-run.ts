import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createFolder, removeFile, removeParts } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { CallerError } from '../gpu/errors.js';
import { type BestBy, bestOf, checkedBestBy, isBetter, scoreOf } from './best.js';
import { type CheckpointNotes, readCheckpoint, writeCheckpoint } from './checkpoint-file.js';
import { evaluationLine, MetricsLog } from './metrics-log.js';
import { readMetrics } from './metrics-reader.js';
import {
  loadDescription,
  type ModelDescription,
  saveDescription,
  saveWeights,
  WEIGHTS_FILE,
} from './model-folder.js';
import { withRunLock } from './run-lock.js';
import {
  checkSameMachine,
  checkSameRun,
  fingerprintOf,
  fingerprintsOf,
  RECORD_FILE,
  type RunData,
  type RunRecord,
  readRecord,
  writeRecord,
} from './run-record.js';
import { type BuildOptions, describeModel, SentenceClassifier } from './sentence-classifier.js';
import { completeSettings, stepsPerEpoch, type TrainingOptions } from './settings.js';
import type { StartingPoint } from './starting-point.js';
import type { Checkpoint, EpochMetrics, EvaluationMetrics, Progress, TrainingHooks } from './trainer.js';

/** A training run: its model, its settings and its data. One seed serves weights, order and masks. */
export interface TrainingRun extends BuildOptions, TrainingOptions {
  data: RunData;
  /** What it begins with, instead of random weights; its description then stands for all that `BuildOptions` say. */
  start?: StartingPoint;
  /** Which evaluation's weights are kept as the best; `accuracy` where left out. */
  bestBy?: BestBy;
  /** Begins anew, whatever stands in the folder; else a run that stands there goes on. */
  startOver?: boolean;
  /** Kept in `training.json` for the caller; has no part in telling runs apart. */
  notes?: Record<string, unknown>;
}

/** What a run came to. */
export interface TrainingOutcome {
  /** Every evaluation from the run's beginning, before interruptions, too. */
  evaluations: EvaluationMetrics[];
  epochs: EpochMetrics[];
  /** The evaluation whose weights stand in `model.safetensors`. */
  best: EvaluationMetrics;
  /** The last evaluation; its weights stand in `last.safetensors`. */
  last: EvaluationMetrics;
}

export interface TrainingRunHooks {
  /** Called before the first step. @param start `step` of `totalSteps` are done: all of them where the run is finished. */
  onStart?(start: { step: number; totalSteps: number }): void;
  onProgress?(progress: Progress): void;
  onEvaluation?(metrics: EvaluationMetrics): void;
  /** @param best The best evaluation so far. */
  onEpoch?(metrics: EpochMetrics, best: EvaluationMetrics): void;
}

export const METRICS_FILE = 'metrics.jsonl';
export const CHECKPOINT_FILE = 'checkpoint.safetensors';
/** The weights of the last step; once they stand there, the run is finished. */
export const LAST_FILE = 'last.safetensors';

/** What the model of a run is. @throws CallerError where the kernels or the rules do not fit its shape. */
export function descriptionOf(run: TrainingRun): ModelDescription {
  return run.start ? { ...run.start.description, kernels: run.kernels } : describeModel(run);
}

/** Whether a run stands in a folder that has been interrupted, and could go on from a checkpoint. */
export function isUnfinished(folder: string): boolean {
  return [RECORD_FILE, CHECKPOINT_FILE].every((file) => existsSync(join(folder, file)));
}

/** The model that a run begins with. */
function newModel(device: Device, run: TrainingRun): SentenceClassifier {
  const { start, kernels } = run;
  if (!start) return SentenceClassifier.build(device, run);
  return SentenceClassifier.of(device, { ...start.description, kernels }, start.weights);
}

/**
 * Trains into a folder, or goes on where a run of the same settings, model and data stands there unfinished, to the bits that it
 * would have had undisturbed. The folder is a model's (the weights that were best on dev), with `training.json`,
 * `metrics.jsonl`, `last.safetensors` and, until the run is finished, `checkpoint.safetensors`. A finished run is not trained
 * again: what it came to is read. Kernels of a run that goes on are those that it began with.
 *
 * @throws CallerError where a setting makes no sense, the folder holds another run or another process trains there; EngineError where the GPU fails or the
 * disk refuses: the last checkpoint stays.
 */
export async function runTraining(
  device: Device,
  run: TrainingRun,
  folder: string,
  hooks: TrainingRunHooks = {},
): Promise<TrainingOutcome> {
  const { data } = run;
  const settings = completeSettings(run, data.train.length);
  const description = descriptionOf(run);
  const fingerprints = fingerprintsOf(device, description, data, run.start?.weights);
  const bestBy = checkedBestBy(run.bestBy ?? 'accuracy');
  const record = { settings, bestBy, fingerprints, notes: run.notes ?? {} };
  const totalSteps = settings.epochs * stepsPerEpoch(data.train.length, settings);
  const standing =
    !run.startOver && existsSync(join(folder, RECORD_FILE)) ? await readRecord(folder) : undefined;
  if (standing) {
    checkSameRun(folder, standing, record);
    if (existsSync(join(folder, LAST_FILE))) {
      hooks.onStart?.({ step: totalSteps, totalSteps });
      return finishedRun(folder, bestBy);
    }
    checkSameMachine(folder, standing, record);
    description.kernels = (await loadDescription(folder)).kernels;
  }
  await createFolder(folder);
  return withRunLock(folder, async () => {
    const model = newModel(device, { ...run, kernels: description.kernels });
    try {
      if (!standing) await begin(device, folder, record, description, data, model.density(data.dev));
      const start = await startOf(folder, record, description);
      hooks.onStart?.({ step: start.checkpoint?.position.step ?? 0, totalSteps });
      return await train(model, data, folder, record, start, hooks);
    } finally {
      model.release();
    }
  });
}

/**
 * The run that stands in a folder, but for its data, which must be given to it again.
 * @throws CallerError where there is none, or a file of it cannot be read.
 */
export async function standingRun(folder: string): Promise<Omit<TrainingRun, 'data'>> {
  const { settings, bestBy, notes } = await readRecord(folder);
  const { config: shape, ...description } = await loadDescription(folder);
  return { ...settings, ...description, shape, bestBy, notes };
}

/** Empties a folder of any other run, and writes down this one. A kill leaves no record, or the right one. */
async function begin(
  device: Device,
  folder: string,
  record: RunRecord,
  description: ModelDescription,
  data: RunData,
  density: number,
): Promise<void> {
  // Without its record, nobody goes on with a run; without its weights, nobody reads them under this run's rules.
  for (const file of [RECORD_FILE, WEIGHTS_FILE, LAST_FILE, CHECKPOINT_FILE, METRICS_FILE]) {
    await removeFile(join(folder, file));
  }
  await saveDescription(folder, description);
  await writeRecord(folder, record, description, data, device, density);
}

/** Where a run begins or goes on. */
interface Start {
  /** None where the run begins. */
  checkpoint?: Checkpoint;
  metricsBytes: number;
  evaluations: EvaluationMetrics[];
  epochs: EpochMetrics[];
}

/** Finds where the run in a folder goes on: at its checkpoint, or at the beginning where it was ended before the first. */
async function startOf(folder: string, record: RunRecord, { config }: ModelDescription): Promise<Start> {
  await removeParts(folder);
  const file = join(folder, CHECKPOINT_FILE);
  if (!existsSync(file)) return { metricsBytes: 0, evaluations: [], epochs: [] };
  const { notes, checkpoint } = await readCheckpoint(file, config);
  const { metricsBytes, best, run } = notes;
  const metrics = await readMetrics(join(folder, METRICS_FILE), metricsBytes);
  if (run !== fingerprintOf(record)) {
    throw new CallerError({
      what: 'a checkpoint of another run',
      where: file,
      expected: `one with the settings, model and data of ${RECORD_FILE}`,
      remedy: 'put the file back, or begin the run anew',
    });
  }
  if (best && !existsSync(join(folder, WEIGHTS_FILE))) {
    throw new CallerError({
      what: `the weights of step ${best.step}, the best so far, are missing`,
      where: join(folder, WEIGHTS_FILE),
      remedy: 'put the file back, or begin the run anew',
    });
  }
  return { checkpoint, metricsBytes, ...metrics };
}

/** What a finished run came to. */
async function finishedRun(folder: string, by: BestBy): Promise<TrainingOutcome> {
  // A kill may have come between the last two things that the run did.
  if (existsSync(join(folder, CHECKPOINT_FILE))) await removeFile(join(folder, CHECKPOINT_FILE));
  const { evaluations, epochs } = await readMetrics(join(folder, METRICS_FILE));
  return { evaluations, epochs, best: bestOf(by, evaluations)!, last: evaluations.at(-1)! };
}

/**
 * Trains to the end. The order of what is written makes every checkpoint's past whole: the best weights and the metrics that it
 * speaks of are on the disk before it. What is written after it is written again, to the same bytes, by a run that goes on
 * from it.
 */
async function train(
  model: SentenceClassifier,
  data: RunData,
  folder: string,
  record: RunRecord,
  start: Start,
  hooks: TrainingRunHooks,
): Promise<TrainingOutcome> {
  const { settings, bestBy } = record;
  const { config, classes } = model.description;
  const { evaluations, epochs } = start;
  let best = bestOf(bestBy, evaluations);
  const log = await MetricsLog.open(join(folder, METRICS_FILE), start.metricsBytes);
  const trainingHooks: TrainingHooks = {
    async onProgress(progress) {
      const { step, loss, rate, tokensPerSecond } = progress;
      await log.append({ kind: 'steps', step, loss, rate, tokensPerSecond });
      hooks.onProgress?.(progress);
    },
    async onEvaluation(metrics) {
      evaluations.push(metrics);
      await log.append(evaluationLine(metrics, classes.length));
      if (isBetter(bestBy, metrics, best)) {
        best = metrics;
        await model.saveWeights(folder);
      }
      hooks.onEvaluation?.(metrics);
    },
    async onEpoch(metrics) {
      epochs.push(metrics);
      await log.append({ kind: 'epoch', ...metrics });
      hooks.onEpoch?.(metrics, best!);
    },
    async onCheckpoint(position, state) {
      const notes: CheckpointNotes = {
        run: fingerprintOf(record),
        position,
        best: best && { by: bestBy, value: scoreOf(bestBy, best), step: best.step },
        metricsBytes: log.bytes,
      };
      await log.flush();
      await writeCheckpoint(join(folder, CHECKPOINT_FILE), config, notes, await state);
    },
  };
  try {
    await model.train(data.train, data.dev, settings, trainingHooks, start.checkpoint);
    await log.flush();
  } finally {
    await log.close();
  }
  await saveWeights(folder, config, await model.weights(), LAST_FILE);
  await removeFile(join(folder, CHECKPOINT_FILE));
  return { evaluations, epochs, best: best!, last: evaluations.at(-1)! };
}
