import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { cannotBeWritten } from '../data/file-errors.js';
import { writeAtomically } from '../data/files.js';
import { rewritten, SerialQueue, stampOf } from './retained-files.js';
import type { RunLock } from './run-lock.js';
import type { EpochMetrics, EvaluationMetrics, Progress } from './trainer.js';

/** A line of `metrics.jsonl`. */
export type MetricsLine =
  | ({ kind: 'steps' } & Pick<Progress, 'step' | 'loss' | 'rate' | 'tokensPerSecond'>)
  | EvaluationLine
  | ({ kind: 'epoch' } & EpochMetrics);

/** How good a model is on dev after a step. */
export interface EvaluationResult {
  /** The epoch that it is in, from 1. */
  epoch: number;
  /** Steps of the run that were done. */
  step: number;
  /** The mean cross-entropy over the rows. */
  loss: number;
  /** The share of rows that were right, from 0 to 1. */
  accuracy: number;
  /** F1 of class 1 of two classes; of more classes, the mean over them. */
  f1: number;
  /** Matthews' correlation coefficient, from -1 to 1. */
  matthews: number;
}

interface EvaluationLine extends EvaluationResult {
  kind: 'evaluation';
  /** The class of each of dev's rows: as a string of digits where there are at most ten classes. */
  predicted: string | number[];
  /** The mean loss by the tag of the token, for a task about tokens. */
  lossByTag?: EvaluationMetrics['devLossByTag'];
}

/** The number of classes that one digit can represent. */
const DIGITS = 10;

export function evaluationResultOf(metrics: EvaluationMetrics): EvaluationResult {
  const { epoch, step, devLoss: loss, devAccuracy: accuracy, devF1: f1, devMatthews: matthews } = metrics;
  return { epoch, step, loss, accuracy, f1, matthews };
}

export function evaluationLine(metrics: EvaluationMetrics, classes: number): EvaluationLine {
  const { devPredicted, devLossByTag: lossByTag } = metrics;
  const predicted = classes <= DIGITS ? devPredicted.join('') : devPredicted;
  return { kind: 'evaluation', ...evaluationResultOf(metrics), predicted, ...(lossByTag && { lossByTag }) };
}

/** What was written to a log. */
export interface LogState {
  bytes: number;
  sha256: string;
}

/**
 * The metrics of a run, a JSON object a line, appended as they come. A kill may leave half a line at the end; a resumed run cuts
 * the file back to its length at the checkpoint. The lines stay in memory: a file that is removed or changed during the run is
 * written again.
 */
export class MetricsLog {
  private readonly lines: Uint8Array[] = [];
  private readonly hash = createHash('sha256');
  private bytes = 0;
  private stamp = '';
  /** A checkpoint flushes the file while the run appends to it. */
  private readonly turns = new SerialQueue();

  private constructor(
    private readonly path: string,
    private readonly lock: RunLock,
    private readonly onNote: (note: string) => void,
    private file: FileHandle,
  ) {}

  /**
   * Opens the file, and cuts it back to `past`, its first bytes.
   * @throws ParsimonyError where the disk refuses.
   */
  static async open(
    path: string,
    past: Uint8Array,
    lock: RunLock,
    onNote: (note: string) => void,
  ): Promise<MetricsLog> {
    await lock.check();
    const file = await open(path, 'a').catch((error) => {
      throw cannotBeWritten(path, error);
    });
    const log = new MetricsLog(path, lock, onNote, file);
    log.remember(past);
    await log.attempt(() => file.truncate(past.length));
    return log;
  }

  /** The state of the file, which a resumed run checks. */
  get state(): LogState {
    return { bytes: this.bytes, sha256: this.hash.copy().digest('hex') };
  }

  async append(line: MetricsLine): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    await this.turns.run(async () => {
      await this.restore();
      await this.attempt(() => this.file.appendFile(bytes));
      this.remember(bytes);
    });
  }

  /** Flushes all lines to the disk. */
  async flush(): Promise<void> {
    await this.turns.run(async () => {
      await this.restore();
      await this.attempt(() => this.file.sync());
    });
  }

  async close(): Promise<void> {
    await this.turns.run(() => this.file.close());
  }

  private remember(bytes: Uint8Array): void {
    this.lines.push(bytes);
    this.hash.update(bytes);
    this.bytes += bytes.length;
  }

  /** Writes the file again where it has changed. */
  private async restore(): Promise<void> {
    await this.lock.check();
    if ((await stampOf(this.path)) === this.stamp) return;
    await writeAtomically(this.path, Buffer.concat(this.lines));
    await this.attempt(async () => {
      await this.file.close();
      this.file = await open(this.path, 'a');
    });
    this.onNote(rewritten(this.path));
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw cannotBeWritten(this.path, error);
    }
    this.stamp = await stampOf(this.path);
  }
}
