import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CallerError } from '../base/errors.js';
import { readBytesOf } from '../data/files.js';
import { type CheckpointNotes, readCheckpoint } from './checkpoint-file.js';
import { checksumOf, verifyChecksum } from './checksum.js';
import { parseMetrics } from './metrics-reader.js';
import type { ModelDescription } from './model-description.js';
import { descriptionFiles } from './model-folder.js';
import { WEIGHTS_FILE, weightsNotes } from './model-weights.js';
import { isReachable } from './position.js';
import type { RetainedFiles } from './retained-files.js';
import { CHECKPOINT_FILE, METRICS_FILE } from './run-folder.js';
import { fingerprintOf, RECORD_FILE, type RunRecord, weightsRunOf } from './run-record.js';
import type { Checkpoint, EpochMetrics, EvaluationMetrics } from './trainer.js';

/** Where a run begins or goes on. */
export interface RunStart {
  /** None where the run begins. */
  checkpoint?: Checkpoint;
  /** The metrics that were written before. */
  past: Uint8Array;
  evaluations: EvaluationMetrics[];
  epochs: EpochMetrics[];
}

/** The start of a run with nothing before it. */
export function firstStart(): RunStart {
  return { past: new Uint8Array(), evaluations: [], epochs: [] };
}

const REMEDY = 'restore the file, or start the run again';

function refuse(what: string, where: string, expected?: string): never {
  throw new CallerError({ what, where, expected, remedy: REMEDY });
}

/** The beginning of the metrics, which a checkpoint speaks of. */
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

/** The best weights may be those of a later evaluation than the checkpoint knows, which is made again, to the same bits. */
async function checkBest(
  folder: string,
  kept: RetainedFiles,
  record: RunRecord,
  best: CheckpointNotes['best'],
) {
  if (!best) return;
  const file = join(folder, WEIGHTS_FILE);
  if (!existsSync(file)) refuse(`the weights of step ${best.step}, the best so far, are missing`, file);
  const bytes = await kept.retain(WEIGHTS_FILE);
  verifyChecksum(bytes, file, REMEDY);
  const { run, step } = weightsNotes(bytes, file, REMEDY);
  if (run !== weightsRunOf(record) || step < best.step) {
    refuse('the weights are those of another run, or of an earlier step', file, `those of step ${best.step}`);
  }
}

/** Keeps what describes the run, which must be as the checkpoint has seen it. */
async function checkFiles(
  folder: string,
  kept: RetainedFiles,
  names: string[],
  files: CheckpointNotes['files'],
) {
  for (const name of names) {
    await kept.retain(name);
    if (kept.checksumOf(name) !== files[name]) {
      refuse('was changed since the run wrote it', join(folder, name), 'its content at the checkpoint');
    }
  }
}

/** The files that a run writes before its first step, and never again. */
export function namesOf(description: ModelDescription): string[] {
  return [...Object.keys(descriptionFiles(description)), RECORD_FILE];
}

/**
 * Finds where the run in a folder goes on: at its checkpoint, or at the beginning where it was ended before the first.
 * @param batches Of an epoch.
 * @throws CallerError where a file of the run is missing, damaged, or another run's.
 */
export async function startOf(
  folder: string,
  record: RunRecord,
  description: ModelDescription,
  batches: number,
  kept: RetainedFiles,
): Promise<RunStart> {
  const names = namesOf(description);
  const file = join(folder, CHECKPOINT_FILE);
  if (!existsSync(file)) {
    for (const name of names) await kept.retain(name);
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
  await checkFiles(folder, kept, names, notes.files);
  await checkBest(folder, kept, record, notes.best);
  return { checkpoint, past, ...parseMetrics(past, join(folder, METRICS_FILE)) };
}
