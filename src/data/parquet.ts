import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CallerError } from '../base/errors.js';
import type { ParquetColumns } from './parquet-columns.js';
import type { ParquetRequest } from './parquet-worker.js';
import type { Table } from './table.js';

const MEGABYTE = 2 ** 20;

/** The time limit of a file: a hundred times the time of normal files. */
const SECONDS = { small: 1, perMegabyte: 3 };

/** The heap of a thread in megabytes: rows take some tens of times their compressed bytes. */
const HEAP = { least: 512, perMegabyte: 64 };

/** The script of a thread: compiled code, even in tests, which run from sources. */
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/src/data/parquet-worker.js' : './parquet-worker.js',
  import.meta.url,
);

/** An idle thread. It does not keep the process alive. */
interface Thread {
  worker: Worker;
  /** Megabytes. */
  heap: number;
}

let waiting: Thread | undefined;

/** The idle thread where its heap suffices, else a new one that is ready. */
async function threadOf(heap: number): Promise<Thread> {
  const thread = waiting;
  waiting = undefined;
  if (thread && thread.heap >= heap) return thread;
  thread?.worker.terminate();
  const limits = { maxOldGenerationSizeMb: heap };
  const worker = new Worker(SCRIPT, { execArgv: [], env: {}, resourceLimits: limits });
  // Its first message means that it is ready: the time limit starts then.
  await once(worker, 'message');
  return { worker, heap };
}

/** @returns The thread's columns, or a description of the file's error. */
async function answerOf(
  { worker }: Thread,
  request: ParquetRequest,
  seconds: number,
): Promise<ParquetColumns | string> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise((resolve, reject) => {
      worker.ref();
      worker.once('message', resolve);
      worker.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve('it needs too much memory');
        else reject(error);
      });
      worker.postMessage(request, [request.bytes.buffer]);
      timer = setTimeout(resolve, 1000 * seconds, `not read within ${seconds.toFixed(1)} s`);
    });
  } finally {
    clearTimeout(timer);
    worker.removeAllListeners('message');
    worker.removeAllListeners('error');
    // A terminated thread may still report that it is out of memory.
    worker.on('error', () => {});
    worker.unref();
  }
}

async function columnsOf(bytes: Uint8Array, wanted: readonly string[]): Promise<ParquetColumns | string> {
  const megabytes = bytes.length / MEGABYTE;
  const thread = await threadOf(Math.max(HEAP.least, Math.ceil(HEAP.perMegabyte * megabytes)));
  const seconds = SECONDS.small + SECONDS.perMegabyte * Math.max(0, megabytes - 1);
  // The thread takes a copy of the bytes; the caller keeps the original.
  const answer = await answerOf(thread, { bytes: Uint8Array.from(bytes), wanted }, seconds);
  if (typeof answer === 'string' || waiting) await thread.worker.terminate();
  else waiting = thread;
  return answer;
}

/**
 * Reads a parquet file, uncompressed or compressed with snappy, in a thread with limits: a malicious or damaged file of some
 * hundred bytes can take forever.
 * @param wanted The columns to read, where the file has them. Cells of other columns are `undefined`.
 * @throws CallerError for an invalid file, or where reading takes too much time or memory for its size.
 */
export async function readParquet(
  bytes: Uint8Array,
  file: string,
  wanted: readonly string[],
): Promise<Table> {
  const answer = await columnsOf(bytes, wanted);
  if (typeof answer === 'string') {
    throw new CallerError({
      what: `cannot be read as parquet (${answer})`,
      where: file,
      expected: 'a parquet file, uncompressed or compressed with snappy',
    });
  }
  const { columns, count, read, rows, classNames } = answer;
  return {
    file,
    columns,
    rows: Array.from({ length: count }, (_, row) => {
      const cells: unknown[] = new Array(columns.length).fill(undefined);
      read.forEach((column, at) => {
        cells[column] = rows[row][at];
      });
      return { number: row + 1, cells };
    }),
    counts: 'rows',
    classNames: new Map(Object.entries(classNames)),
  };
}
