import { join } from 'node:path';
import { removeFile, removePartialFiles, writeAtomically } from '../data/files.js';
import type { TrainingState } from '../nn/parameters.js';
import { scoreOf } from './best.js';
import { formatCheckpoint } from './checkpoint-file.js';
import { checksumOf } from './checksum.js';
import { type LogState, type MetricsLine, MetricsLog } from './metrics-log.js';
import type { ModelDescription } from './model-description.js';
import { descriptionFiles } from './model-folder.js';
import { tensorsOf, WEIGHTS_FILE } from './model-weights.js';
import type { TrainingPosition } from './position.js';
import { RetainedFiles } from './retained-files.js';
import {
  CHECKPOINT_FILE,
  isEmpty,
  LAST_FILE,
  METRICS_FILE,
  removeModel,
  UNWRITTEN_RECORD,
} from './run-folder.js';
import type { RunLock } from './run-lock.js';
import { fingerprintOf, RECORD_FILE, type RunRecord, weightsRunOf } from './run-record.js';
import { firstStart, namesOf, type RunStart, startOf } from './run-start.js';
import { formatRunWeights } from './run-weights.js';
import { formatSafetensors } from './safetensors.js';
import type { EvaluationMetrics } from './trainer.js';

/** A run in its folder. */
export interface WrittenRun {
  folder: string;
  record: RunRecord;
  /** The text of `training.json`. */
  recordText: string;
  description: ModelDescription;
}

type Weights = ReadonlyMap<string, Float32Array>;

const NOTHING_LOGGED: LogState = { bytes: 0, sha256: checksumOf('') };

/**
 * Writes the results of a run into its folder. Best weights and metrics are on the disk before the checkpoint that names them.
 * A resumed run writes everything after its checkpoint again, with the same bytes.
 */
export class RunWriter {
  private readonly retained: RetainedFiles;
  private log: MetricsLog | undefined;
  private beginning: Promise<void> | undefined;

  constructor(
    private readonly run: WrittenRun,
    private readonly lock: RunLock,
    private readonly onNote: (note: string) => void,
  ) {
    this.retained = new RetainedFiles(run.folder, lock, onNote);
  }

  /** Whether the run is in the folder and can be resumed. */
  get hasBegun(): boolean {
    return this.log !== undefined;
  }

  /**
   * Resumes the run in the folder.
   * @param batches Batches of an epoch.
   * @throws CallerError where a file of it is missing, damaged, or another run's.
   */
  async resume(batches: number): Promise<RunStart> {
    const { folder, record, description } = this.run;
    await removePartialFiles(folder);
    const start = await startOf(folder, record, description, batches, this.retained);
    this.beginning = this.openLog(start.past);
    await this.beginning;
    return start;
  }

  /** Starts a run: at once where the folder is empty, else after its first step. */
  async start(): Promise<RunStart> {
    if (await isEmpty(this.run.folder)) await this.begin();
    return firstStart();
  }

  /**
   * Replaces the run or the model in the folder by this run, once. A killed process leaves no record, UNWRITTEN_RECORD, or the
   * complete record.
   */
  begin(): Promise<void> {
    this.beginning ??= this.replace();
    return this.beginning;
  }

  private async replace(): Promise<void> {
    const { folder, recordText, description } = this.run;
    await this.lock.check();
    await removePartialFiles(folder);
    await removeModel(folder);
    await this.retained.write(RECORD_FILE, UNWRITTEN_RECORD);
    for (const [name, content] of Object.entries(descriptionFiles(description))) {
      await this.retained.write(name, content);
    }
    await this.retained.write(RECORD_FILE, recordText);
    await this.openLog(new Uint8Array());
  }

  private async openLog(past: Uint8Array): Promise<void> {
    const file = join(this.run.folder, METRICS_FILE);
    this.log = await MetricsLog.open(file, past, this.lock, this.onNote);
  }

  async append(line: MetricsLine): Promise<void> {
    await this.begin();
    await this.log!.append(line);
  }

  /** Writes the weights of a step, which are the best so far. */
  async saveBest(weights: Weights, step: number): Promise<void> {
    await this.begin();
    const notes = { run: weightsRunOf(this.run.record), step };
    const { folder, description } = this.run;
    const where = join(folder, WEIGHTS_FILE);
    await this.retained.write(WEIGHTS_FILE, formatRunWeights(description.config, weights, notes, where));
  }

  /** Writes a checkpoint of the state at the time of the call, once that state has been read back from the GPU. */
  async checkpoint(
    position: TrainingPosition,
    pending: Promise<TrainingState>,
    best?: EvaluationMetrics,
  ): Promise<void> {
    const { folder, record, description } = this.run;
    const by = record.settings.metricForBestModel;
    const metrics = this.log?.state ?? NOTHING_LOGGED;
    // An error of the GPU appears here, before the run replaces anything in the folder.
    const state = await pending;
    await this.begin();
    await this.retained.restore();
    await this.log!.flush();
    const files = Object.fromEntries(
      namesOf(description).map((name) => [name, this.retained.checksumOf(name)]),
    );
    const notes = {
      run: fingerprintOf(record),
      position,
      best: best && { by, value: scoreOf(by, best), step: best.step },
      metrics,
      files,
    };
    await writeAtomically(join(folder, CHECKPOINT_FILE), formatCheckpoint(description.config, notes, state));
  }

  /** Writes the weights of the last step, which mark the run as finished. */
  async finish(weights: Weights): Promise<void> {
    const { folder, description } = this.run;
    await this.retained.restore();
    await this.log!.flush();
    await this.retained.write(
      LAST_FILE,
      formatSafetensors(tensorsOf(description.config, weights, join(folder, LAST_FILE))),
    );
    await removeFile(join(folder, CHECKPOINT_FILE));
  }

  async close(): Promise<void> {
    await this.log?.close();
  }
}
