import { quoted } from '../../bench/environment.js';
import { ParsimonyError } from '../base/errors.js';
import { RunInterrupted } from '../train/interruption.js';
import { note } from './terminal.js';

/** The signals that end a command, with the exit codes that shells expect. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

type StopSignal = keyof typeof EXIT_CODES;

const SIGNALS = Object.keys(EXIT_CODES) as StopSignal[];

/** One request may arrive twice: a terminal and npx both pass on Ctrl-C, and `timeout` signals a process and its group. */
const ECHO_MS = 250;

/** A command was ended by a signal, in good order. */
class CommandStopped extends ParsimonyError {
  constructor(
    what: string,
    remedy: string,
    readonly exitCode: number,
  ) {
    super({ what, remedy });
  }
}

/**
 * Runs training so that Ctrl-C, SIGTERM and a closed terminal end it with a checkpoint; a second signal ends it at once.
 * @param action Ends with `RunInterrupted` once its signal is aborted.
 * @param goOn How to continue, for the last line.
 * @throws CommandStopped where it was interrupted; what the action throws.
 */
export async function stoppable<T>(
  action: (signal: AbortSignal) => Promise<T>,
  goOn: (interruption: RunInterrupted) => string,
): Promise<T> {
  const controller = new AbortController();
  let exitCode: number = EXIT_CODES.SIGINT;
  let since = 0;
  const stop = (signal: StopSignal) => {
    if (!controller.signal.aborted) {
      exitCode = EXIT_CODES[signal];
      since = performance.now();
      note(
        'Interrupted: it ends after the step under way, with a checkpoint. Again (Ctrl-C) ends it at once.',
      );
      controller.abort();
    } else if (performance.now() - since > ECHO_MS) process.exit(EXIT_CODES[signal]);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  try {
    return await action(controller.signal);
  } catch (error) {
    if (!(error instanceof RunInterrupted)) throw error;
    throw new CommandStopped(error.message, goOn(error), exitCode);
  } finally {
    for (const signal of SIGNALS) process.off(signal, stop);
  }
}

/** A command as a shell reads it. */
export function shellCommand(...words: string[]): string {
  return ['parsimony', ...words].map(quoted).join(' ');
}

/** A folder's name that no command takes for a flag. */
export function folderWord(folder: string): string {
  return folder.startsWith('-') ? `./${folder}` : folder;
}
