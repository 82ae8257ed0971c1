import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CallerError } from '../base/errors.js';
import { readBytesOf } from '../data/files.js';
import { type CheckpointNotes, readCheckpoint } from './checkpoint-file.js';
import { checksumOf, verifyChecksum } from './checksum.js';
import { parseMetrics } from './metrics-reader.js';
import type { ModelDescription } from './model-description.js';
import { descriptionFiles } from './model-folder.js';
import { WEIGHTS_FILE } from './model-weights.js';
import { isReachable } from './position.js';
import type { RetainedFiles } from './retained-files.js';
import { CHECKPOINT_FILE, METRICS_FILE } from './run-folder.js';
import { fingerprintOf, RECORD_FILE, type RunRecord, weightsRunOf } from './run-record.js';
import { weightsNotes } from './run-weights.js';
import type { Checkpoint, EpochMetrics, EvaluationMetrics } from './trainer.js';

/** Where a run starts. */
export interface RunStart {
  /** Undefined for a new run. */
  checkpoint?: Checkpoint;
  /** The metrics that were written before. */
  past: Uint8Array;
  evaluations: EvaluationMetrics[];
  epochs: EpochMetrics[];
}

/** The start of a new run. */
export function firstStart(): RunStart {
  return { past: new Uint8Array(), evaluations: [], epochs: [] };
}

const REMEDY = 'restore the file, or start the run again';

function refuse(what: string, where: string, expected?: string): never {
  throw new CallerError({ what, where, expected, remedy: REMEDY });
}

/** The metrics up to a checkpoint. */
async function pastMetrics(file: string, { bytes, sha256 }: CheckpointNotes['metrics']): Promise<Uint8Array> {
  const past = (await readBytesOf(file, 'the metrics of the run until its checkpoint')).subarray(0, bytes);
  if (past.length < bytes) {
    refuse(`${past.length} bytes`, file, `at least the ${bytes} of the time of the checkpoint`);
  }
  if (checksumOf(past) !== sha256) {
    refuse('has changed since the checkpoint was written', file, 'the lines that the run wrote');
  }
  return past;
}

/** Checks the best weights. They may be of a later evaluation than the checkpoint, which is then repeated with the same bits. */
async function checkBest(
  folder: string,
  retained: RetainedFiles,
  record: RunRecord,
  best: CheckpointNotes['best'],
) {
  if (!best) return;
  const file = join(folder, WEIGHTS_FILE);
  if (!existsSync(file)) refuse(`the weights of step ${best.step}, the best so far, are missing`, file);
  const bytes = await retained.retain(WEIGHTS_FILE);
  verifyChecksum(bytes, file, REMEDY);
  const { run, step } = weightsNotes(bytes, file, REMEDY);
  if (run !== weightsRunOf(record) || step < best.step) {
    refuse('the weights are those of another run, or of an earlier step', file, `those of step ${best.step}`);
  }
}

/** Retains the files that describe the run, and checks that they have not changed since the checkpoint. */
async function checkFiles(
  folder: string,
  retained: RetainedFiles,
  names: string[],
  files: CheckpointNotes['files'],
) {
  for (const name of names) {
    await retained.retain(name);
    if (retained.checksumOf(name) !== files[name]) {
      refuse('was changed since the run wrote it', join(folder, name), 'its content at the checkpoint');
    }
  }
}

/** The files that a run writes once, before its first step. */
export function namesOf(description: ModelDescription): string[] {
  return [...Object.keys(descriptionFiles(description)), RECORD_FILE];
}

/**
 * Finds where the run in a folder resumes: at its checkpoint, or at its first step where it has none.
 * @param batches Batches of an epoch.
 * @throws CallerError where a file of the run is missing, damaged, or another run's.
 */
export async function startOf(
  folder: string,
  record: RunRecord,
  description: ModelDescription,
  batches: number,
  retained: RetainedFiles,
): Promise<RunStart> {
  const names = namesOf(description);
  const file = join(folder, CHECKPOINT_FILE);
  if (!existsSync(file)) {
    for (const name of names) await retained.retain(name);
    return firstStart();
  }
  const { notes, checkpoint } = await readCheckpoint(file, description.config);
  if (notes.run !== fingerprintOf(record)) {
    refuse('a checkpoint of another run', file, `one with the settings, model and data of ${RECORD_FILE}`);
  }
  const { epochs, gradientAccumulationSteps } = record.settings;
  if (!isReachable(notes.position, { epochs, batches, gradientAccumulationSteps })) {
    refuse(`a position that this run does not reach (step ${notes.position.step})`, file);
  }
  const past = await pastMetrics(join(folder, METRICS_FILE), notes.metrics);
  await checkFiles(folder, retained, names, notes.files);
  await checkBest(folder, retained, record, notes.best);
  return { checkpoint, past, ...parseMetrics(past, join(folder, METRICS_FILE)) };
}
