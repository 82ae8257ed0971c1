/** Whether the command continues after the reader of its output has left. */
let outlivesReaders = false;

/** Lets the command run to its end after the reader of its output has left, as `head` does: the result is in files. */
export function outliveReaders(): void {
  outlivesReaders = true;
}

/** Error codes of a stream whose reader is gone: a closed pipe or terminal. */
const GONE = ['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED'];

/**
 * Decides what happens where standard output or error cannot be written. A reader that has left is not an error: the command
 * ends quietly, or continues without it. Standard error carries no result, so a command never ends for it.
 * @param complain Called where results are lost.
 */
export function guardStreams(complain: (code: string) => void): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
    if (!GONE.includes(code)) complain(code);
    else if (!outlivesReaders) process.exit(0);
  });
}
