import { join } from 'node:path';
import { allowWritesOnlyIn } from './guard.js';
import { failureOf, inputOf, writeInput } from './inputs.js';
import { readerNamed } from './readers.js';

/** The inputs that a worker reads. */
export interface WorkerTask {
  reader: string;
  seed: number;
  from: number;
  /** The number after the last. */
  to: number;
  /** Nothing may be written elsewhere. */
  sandbox: string;
}

/** The reports of a worker. The parent detects its silence or end. */
export type WorkerReport =
  | { kind: 'began'; index: number }
  | { kind: 'failed'; index: number; failure: string }
  | { kind: 'done' };

/** Reads inputs one by one in this process, and tells the parent before each. */
export async function work(task: WorkerTask, tell: (report: WorkerReport) => Promise<void>): Promise<void> {
  const reader = readerNamed(task.reader);
  const samples = reader.samples();
  const folder = join(task.sandbox, 'input');
  let outside: string | undefined;
  allowWritesOnlyIn(task.sandbox, (path) => {
    outside = path;
  });
  for (const files of samples) {
    writeInput(folder, files);
    // If a valid input were refused, nothing after the refusal would be tested.
    const failure = await reader.read(folder).then(
      () => undefined,
      (error) => `a valid sample is refused: ${error}`,
    );
    if (failure !== undefined) await tell({ kind: 'failed', index: -1, failure });
  }
  for (let index = task.from; index < task.to; index++) {
    outside = undefined;
    await tell({ kind: 'began', index });
    writeInput(folder, inputOf(reader, samples, task.seed, index));
    const failure =
      (await failureOf(reader, folder)) ?? (outside && `written outside the sandbox: ${outside}`);
    if (failure !== undefined) await tell({ kind: 'failed', index, failure });
  }
  await tell({ kind: 'done' });
}
