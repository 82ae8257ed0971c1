/** Whether the command goes on where nobody reads what it prints. */
let outlivesReaders = false;

/** Lets the command go on to its end where a reader of its output goes away, as `head` does: its result is in files. */
export function outliveReaders(): void {
  outlivesReaders = true;
}

/** What a stream says where its reader is gone: of a pipe, or of a terminal that was closed. */
const GONE = ['EPIPE', 'EIO', 'ECONNRESET', 'ERR_STREAM_DESTROYED'];

/**
 * Decides what happens where standard output or error cannot be written. A reader that has seen enough is no error: the command
 * ends quietly, or goes on without it. Standard error carries no result, so a command never ends for it.
 * @param complain Called where results are lost.
 */
export function guardStreams(complain: (code: string) => void): void {
  process.stderr.on('error', () => {});
  process.stdout.on('error', ({ code = 'unknown' }: NodeJS.ErrnoException) => {
    if (!GONE.includes(code)) complain(code);
    else if (!outlivesReaders) process.exit(0);
  });
}
