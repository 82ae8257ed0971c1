import { existsSync } from 'node:fs';
import { join } from 'node:path';
import {
  options as anyOptions,
  arrayLike,
  checkArgument,
  device as deviceArgument,
  folderName,
} from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { createFolder, removeFile } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { TASKS } from '../nn/model-config.js';
import { type BestBy, bestOf, isBetter } from './best.js';
import { RunInterrupted } from './interruption.js';
import { evaluationLine } from './metrics-log.js';
import { readMetrics } from './metrics-reader.js';
import { type BuildOptions, describeModel, type ModelDescription } from './model-description.js';
import { loadDescription } from './model-folder.js';
import { CHECKPOINT_FILE, isUnwritten, LAST_FILE, METRICS_FILE, refuseOccupied } from './run-folder.js';
import { withRunLock } from './run-lock.js';
import {
  checkSameMachine,
  checkSameRun,
  fingerprintsOf,
  formatRecord,
  RECORD_FILE,
  type RunData,
  type RunRecord,
  readRecord,
} from './run-record.js';
import { RunWriter } from './run-writer.js';
import { SentenceClassifier } from './sentence-classifier.js';
import {
  completeSettings,
  stepsPerEpoch,
  type TrainingOptions,
  type TrainingSettings,
} from './settings-schema.js';
import type { StartingPoint } from './starting-point.js';
import type { EpochMetrics, EvaluationMetrics, Progress, TrainingHooks } from './trainer.js';

/** A training run: its model, its settings and its data. One seed draws weights, order and masks. */
export interface TrainingRun extends BuildOptions, TrainingOptions {
  data: RunData;
  /** A checkpoint instead of random weights; its description replaces the `BuildOptions`. */
  start?: StartingPoint;
  /** Starts again where the folder holds an unfinished run, instead of resuming it. */
  startOver?: boolean;
  /** Replaces a finished run or a model in the folder, too; other files always stay. */
  force?: boolean;
  /** Notes of the caller in `training.json`; they do not identify the run. */
  notes?: Record<string, unknown>;
}

/** The result of a run. */
export interface TrainingOutcome {
  /** Every evaluation of the run, those before interruptions included. */
  evaluations: EvaluationMetrics[];
  /** The metrics of every epoch of the run, those before interruptions included. */
  epochs: EpochMetrics[];
  /** The evaluation whose weights are in `model.safetensors`. */
  best: EvaluationMetrics;
  /** The last evaluation; its weights are in `last.safetensors`. */
  final: EvaluationMetrics;
}

/** What a training run calls while it runs. */
export interface TrainingRunHooks {
  /** Once it is aborted, the run ends with a checkpoint after the step under way, and `RunInterrupted` is thrown. */
  signal?: AbortSignal;
  /** Called before the first step. @param start `step` of `totalSteps` are done: all of them where the run is finished. */
  onStart?(start: { step: number; totalSteps: number }): void;
  /** Called every 20 steps, and after the last of an epoch. */
  onProgress?(progress: Progress): void;
  /** Called after each evaluation on dev. */
  onEvaluation?(metrics: EvaluationMetrics): void;
  /** @param best The best evaluation so far. */
  onEpoch?(metrics: EpochMetrics, best: EvaluationMetrics): void;
  /** Called when the run ends, however it ends, after `onStart`. */
  onEnd?(): void;
  /** Called with a note for the user, such as that a file was removed during the run. */
  onNote?(note: string): void;
}

/** The description of the model of a run. @throws CallerError where the kernels or the rules do not fit its shape. */
export function descriptionOf(run: TrainingRun): ModelDescription {
  return run.start ? { ...run.start.description, kernels: run.kernels } : describeModel(run);
}

/** The model with the first weights of a run. */
export function newModel(device: Device, run: TrainingRun): SentenceClassifier {
  const { start, kernels } = run;
  if (!start) return SentenceClassifier.build(device, run);
  return SentenceClassifier.of(device, { ...start.description, kernels }, start.weights);
}

const OCCUPIED = 'choose another folder, or replace the run or the model in it with `train --force`';

/**
 * Trains into a folder, or resumes an unfinished run of the same settings, model and data there, with the bits of an
 * uninterrupted run. The folder is that of a model (the best weights on dev), with `training.json`, `metrics.jsonl`,
 * `last.safetensors` and, until the run is finished, `checkpoint.safetensors`. The result of a finished run is only read. A
 * resumed run uses the kernels that it started with. The former content of the folder stays until the first step has run.
 *
 * @throws CallerError where a setting makes no sense, the folder holds another run, a model or other files, or another run trains
 * there; EngineError where the GPU fails or the disk refuses: the last checkpoint stays; RunInterrupted where the signal was aborted.
 */
export async function runTraining(
  device: Device,
  run: TrainingRun,
  folder: string,
  hooks: TrainingRunHooks = {},
): Promise<TrainingOutcome> {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(anyOptions({ data: anyOptions({ train: arrayLike, dev: arrayLike }) }), run, 'run');
  checkArgument(folderName, folder, 'folder');
  const { data } = run;
  const settings = completeSettings(run, data.train.length);
  const description = descriptionOf(run);
  const fingerprints = fingerprintsOf(device, description, data, run.start?.weights);
  const record = { settings, fingerprints, notes: run.notes ?? {} };
  const finished = async () => {
    const outcome = await finishedRun(folder, settings.metricForBestModel);
    const { step } = outcome.final;
    hooks.onStart?.({ step, totalSteps: step });
    return outcome;
  };
  if ((await stateOf(folder, run, record)) === 'finished') return finished();
  await createFolder(folder);
  return withRunLock(folder, async (lock) => {
    // Another process may have finished the run before this one got the lock.
    const state = await stateOf(folder, run, record);
    if (state === 'finished') return finished();
    if (state === 'unfinished') {
      checkSameMachine(folder, await readRecord(folder), record);
      description.kernels = (await loadDescription(folder, TASKS)).kernels;
    }
    const model = newModel(device, { ...run, kernels: description.kernels });
    try {
      const pairs = {
        density: model.density(data.dev),
        closure: model.closure(data.dev),
      };
      const recordText = formatRecord(record, description, data, device, pairs);
      const written = { folder, record, recordText, description };
      const writer = new RunWriter(written, lock, (note) => hooks.onNote?.(note));
      return await train(model, data, writer, settings, state === 'unfinished', hooks);
    } finally {
      model.release();
    }
  });
}

/** Whether a folder holds no run to resume, an unfinished run, or a finished one. */
async function stateOf(
  folder: string,
  run: TrainingRun,
  record: RunRecord,
): Promise<'nothing' | 'unfinished' | 'finished'> {
  if (run.startOver || !existsSync(join(folder, RECORD_FILE)) || isUnwritten(folder)) {
    if (!run.force) await refuseOccupied(folder, OCCUPIED);
    return 'nothing';
  }
  checkSameRun(folder, await readRecord(folder), record);
  return existsSync(join(folder, LAST_FILE)) ? 'finished' : 'unfinished';
}

/**
 * The run in a folder, without its data, which must be read again.
 * @throws CallerError where there is none, or a file of it cannot be read.
 */
export async function recordedRun(folder: string): Promise<Omit<TrainingRun, 'data'>> {
  const { settings, notes } = await readRecord(folder);
  const { config: shape, tokenizer, ...description } = await loadDescription(folder, TASKS);
  const tagEmbeddings = shape.tagEmbeddings !== undefined;
  return { ...settings, ...description, ...tokenizer, shape, task: shape.task, tagEmbeddings, notes };
}

/** Reads the result of a finished run. */
async function finishedRun(folder: string, by: BestBy): Promise<TrainingOutcome> {
  // A kill may have come before the run removed its checkpoint.
  if (existsSync(join(folder, CHECKPOINT_FILE))) await removeFile(join(folder, CHECKPOINT_FILE));
  const { evaluations, epochs } = await readMetrics(join(folder, METRICS_FILE));
  const [best, last] = [bestOf(by, evaluations), evaluations.at(-1)];
  if (best && last && epochs.length > 0) return { evaluations, epochs, best, final: last };
  throw new CallerError({
    what: 'the metrics of a finished run are missing',
    where: join(folder, METRICS_FILE),
    expected: 'its evaluations and epochs',
    remedy: 'restore the file, or start the run again',
  });
}

/** Trains to the end. @param resumes Whether the run is in the folder already. */
async function train(
  model: SentenceClassifier,
  data: RunData,
  writer: RunWriter,
  settings: TrainingSettings,
  resumes: boolean,
  hooks: TrainingRunHooks,
): Promise<TrainingOutcome> {
  const bestBy = settings.metricForBestModel;
  const { classes } = model.description;
  try {
    const batches = Math.ceil(data.train.length / settings.batchSize);
    const { checkpoint, evaluations, epochs } = await (resumes ? writer.resume(batches) : writer.start());
    let best = bestOf(bestBy, evaluations);
    const totalSteps = settings.epochs * stepsPerEpoch(data.train.length, settings);
    hooks.onStart?.({ step: checkpoint?.position.step ?? 0, totalSteps });
    const trainingHooks: TrainingHooks = {
      signal: hooks.signal,
      async onProgress(progress) {
        const { step, loss, rate, tokensPerSecond } = progress;
        await writer.append({ kind: 'steps', step, loss, rate, tokensPerSecond });
        hooks.onProgress?.(progress);
      },
      async onEvaluation(metrics) {
        evaluations.push(metrics);
        await writer.append(evaluationLine(metrics, classes.length));
        if (isBetter(bestBy, metrics, best)) {
          best = metrics;
          await writer.saveBest(await model.weights(), metrics.step);
        }
        hooks.onEvaluation?.(metrics);
      },
      async onEpoch(metrics) {
        epochs.push(metrics);
        await writer.append({ kind: 'epoch', ...metrics });
        hooks.onEpoch?.(metrics, best!);
      },
      onCheckpoint: (position, state) => writer.checkpoint(position, state, best),
    };
    await model.train(data.train, data.dev, settings, trainingHooks, checkpoint);
    await writer.finish(await model.weights());
    return { evaluations, epochs, best: best!, final: evaluations.at(-1)! };
  } catch (error) {
    throw error instanceof RunInterrupted ? new RunInterrupted(error.at, writer.hasBegun) : error;
  } finally {
    hooks.onEnd?.();
    await writer.close();
  }
}
