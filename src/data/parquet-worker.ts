// The thread in which parquet files are read: `parquet.ts` ends it where a file takes too long or asks for too much memory.
import { parentPort } from 'node:worker_threads';
import { parquetColumns } from './parquet-columns.js';

/** A file whose buffer was handed over, and which columns to read. */
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

// The first message says that this thread is ready: time is counted from here.
parentPort!.postMessage('ready');
