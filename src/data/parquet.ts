import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { CallerError } from '../base/errors.js';
import type { ParquetColumns } from './parquet-columns.js';
import type { ParquetRequest } from './parquet-worker.js';
import type { Table } from './table.js';

const MEGABYTE = 2 ** 20;

/** How long the reading of a file may take: a hundred times what sound files do. */
const SECONDS = { small: 1, perMegabyte: 3 };

/** Bytes of a thread's heap, in megabytes: rows are some tens of times the compressed bytes that they were. */
const HEAP = { least: 512, perMegabyte: 64 };

/** What a thread runs: compiled code, where tests run from sources too. */
const SCRIPT = new URL(
  import.meta.url.endsWith('.ts') ? '../../dist/src/data/parquet-worker.js' : './parquet-worker.js',
  import.meta.url,
);

/** A thread that waits for files. It does not keep the process alive. */
interface Thread {
  worker: Worker;
  /** Megabytes. */
  heap: number;
}

let waiting: Thread | undefined;

/** The thread that waits, if it may use so much memory, else a new one that is ready. */
async function threadOf(heap: number): Promise<Thread> {
  const thread = waiting;
  waiting = undefined;
  if (thread && thread.heap >= heap) return thread;
  thread?.worker.terminate();
  const limits = { maxOldGenerationSizeMb: heap };
  const worker = new Worker(SCRIPT, { execArgv: [], env: {}, resourceLimits: limits });
  // Its first message says that it is ready: time is not counted before.
  await once(worker, 'message');
  return { worker, heap };
}

/** @returns What the thread read, or what it says is wrong with the file. */
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
        if (error.code === 'ERR_WORKER_OUT_OF_MEMORY') resolve('it asks for more memory than it can need');
        else reject(error);
      });
      worker.postMessage(request, [request.bytes.buffer]);
      timer = setTimeout(resolve, 1000 * seconds, `not read within ${seconds.toFixed(1)} s`);
    });
  } finally {
    clearTimeout(timer);
    worker.removeAllListeners('message');
    worker.removeAllListeners('error');
    // A thread that is ended may still tell of its memory.
    worker.on('error', () => {});
    worker.unref();
  }
}

async function columnsOf(bytes: Uint8Array, wanted: readonly string[]): Promise<ParquetColumns | string> {
  const megabytes = bytes.length / MEGABYTE;
  const thread = await threadOf(Math.max(HEAP.least, Math.ceil(HEAP.perMegabyte * megabytes)));
  const seconds = SECONDS.small + SECONDS.perMegabyte * Math.max(0, megabytes - 1);
  // The thread is given the buffer; the caller keeps its own.
  const answer = await answerOf(thread, { bytes: Uint8Array.from(bytes), wanted }, seconds);
  if (typeof answer === 'string' || waiting) await thread.worker.terminate();
  else waiting = thread;
  return answer;
}

/**
 * Reads a parquet file, uncompressed or compressed with snappy, in a thread of its own: a file of some hundred bytes can be
 * made, or damaged, so that reading it never ends.
 * @param wanted The columns that are needed, as far as the file has them; the cells of others stay `undefined`.
 * @throws CallerError where it is no such file, or is not read within seconds of its size.
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
