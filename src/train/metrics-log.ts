import { type FileHandle, open } from 'node:fs/promises';
import { cannotBeWritten } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';
import type { EpochMetrics, EvaluationMetrics, Progress } from './trainer.js';

/** A line of `metrics.jsonl`. */
export type MetricsLine =
  | ({ kind: 'steps' } & Pick<Progress, 'step' | 'loss' | 'rate' | 'tokensPerSecond'>)
  | EvaluationLine
  | ({ kind: 'epoch' } & EpochMetrics);

interface EvaluationLine {
  kind: 'evaluation';
  epoch: number;
  step: number;
  loss: number;
  accuracy: number;
  f1: number;
  matthews: number;
  /** The class of each of dev's rows: as a string of digits where there are at most ten classes. */
  predicted: string | number[];
}

/** Classes that one digit tells apart. */
const DIGITS = 10;

export function evaluationLine(metrics: EvaluationMetrics, classes: number): EvaluationLine {
  const { epoch, step, devLoss, devAccuracy, devF1, devMatthews, devPredicted } = metrics;
  return {
    kind: 'evaluation',
    epoch,
    step,
    loss: devLoss,
    accuracy: devAccuracy,
    f1: devF1,
    matthews: devMatthews,
    predicted: classes <= DIGITS ? devPredicted.join('') : devPredicted,
  };
}

/**
 * A run's metrics, a JSON object a line, appended as they come. A kill may leave half a line at the end; whoever goes on from a
 * checkpoint cuts the file back to the length that it had then.
 */
export class MetricsLog {
  private constructor(
    private readonly path: string,
    private readonly file: FileHandle,
    private length: number,
  ) {}

  /**
   * Opens the file, and cuts off what stands behind `bytes`.
   * @throws CallerError where it is shorter; EngineError where the disk refuses.
   */
  static async open(path: string, bytes: number): Promise<MetricsLog> {
    let file: FileHandle;
    try {
      file = await open(path, 'a');
    } catch (error) {
      throw cannotBeWritten(path, error);
    }
    const { size } = await file.stat();
    if (size < bytes) {
      await file.close();
      throw new CallerError({
        what: `${size} bytes`,
        where: path,
        expected: `at least the ${bytes} that stood there when the checkpoint was written`,
        remedy: 'put the file back, or begin the run anew',
      });
    }
    const log = new MetricsLog(path, file, bytes);
    await log.attempt(() => file.truncate(bytes));
    return log;
  }

  /** Bytes of whole lines. */
  get bytes(): number {
    return this.length;
  }

  async append(line: MetricsLine): Promise<void> {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`);
    await this.attempt(() => this.file.appendFile(bytes));
    this.length += bytes.length;
  }

  /** Returns when all lines are safe from a power cut. */
  async flush(): Promise<void> {
    await this.attempt(() => this.file.sync());
  }

  async close(): Promise<void> {
    await this.file.close();
  }

  private async attempt(action: () => Promise<void>): Promise<void> {
    try {
      await action();
    } catch (error) {
      throw cannotBeWritten(this.path, error);
    }
  }
}
