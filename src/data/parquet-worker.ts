// The thread that reads parquet files. `parquet.ts` terminates it where a file takes too much time or memory.
import { parentPort } from 'node:worker_threads';
import { parquetColumns } from './parquet-columns.js';

/** A file, whose buffer is transferred, and the columns to read. */
export interface ParquetRequest {
  bytes: Uint8Array<ArrayBuffer>;
  wanted: readonly string[];
}

parentPort!.on('message', async ({ bytes, wanted }: ParquetRequest) => {
  try {
    parentPort!.postMessage(await parquetColumns(bytes, wanted));
  } catch (error) {
    parentPort!.postMessage((error as Error).message);
  }
});

// The first message means that this thread is ready: the time limit starts here.
parentPort!.postMessage('ready');
