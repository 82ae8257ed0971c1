import { quoted } from '../../bench/environment.js';
import { ParsimonyError } from '../base/errors.js';
import { RunInterrupted } from '../train/interruption.js';
import { note } from './terminal.js';

/** The signals that end a command, with the exit codes that shells expect. */
const EXIT_CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;

/**
 * The exit code that asks a scheduler to start the command again: EX_TEMPFAIL of sysexits.h. A job that Slurm or Kubernetes is
 * about to end gets SIGTERM, or SIGUSR1 where Slurm's --signal says so.
 */
const REQUEUE = 75;

type ExitCodes = Partial<Record<NodeJS.Signals, number>>;

/** The signals that end the cells of an experiment. Windows has no SIGUSR1. */
export const REQUEUE_CODES: ExitCodes = {
  ...EXIT_CODES,
  SIGTERM: REQUEUE,
  ...(process.platform !== 'win32' && { SIGUSR1: REQUEUE }),
};

/** Signals closer than this are one request: a terminal and npx both pass on Ctrl-C, and `timeout` signals a process and its group. */
const ECHO_MS = 250;

/** A signal ended a command after a checkpoint. */
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
 * @param exitCodes The signals, and the exit code after each.
 * @throws CommandStopped where it was interrupted; what the action throws.
 */
export async function stoppable<T>(
  action: (signal: AbortSignal) => Promise<T>,
  goOn: (interruption: RunInterrupted) => string,
  exitCodes: ExitCodes = EXIT_CODES,
): Promise<T> {
  const controller = new AbortController();
  const signals = Object.keys(exitCodes) as NodeJS.Signals[];
  let exitCode: number = EXIT_CODES.SIGINT;
  let since = 0;
  const stop = (signal: NodeJS.Signals) => {
    if (!controller.signal.aborted) {
      exitCode = exitCodes[signal]!;
      since = performance.now();
      note(
        'Interrupted: it ends after the step under way, with a checkpoint. Again (Ctrl-C) ends it at once.',
      );
      controller.abort();
    } else if (performance.now() - since > ECHO_MS) process.exit(exitCodes[signal]);
  };
  for (const signal of signals) process.on(signal, stop);
  try {
    return await action(controller.signal);
  } catch (error) {
    if (!(error instanceof RunInterrupted)) throw error;
    throw new CommandStopped(error.message, goOn(error), exitCode);
  } finally {
    for (const signal of signals) process.off(signal, stop);
  }
}

/** Words as a shell reads them. */
export function shellWords(...words: string[]): string {
  return words.map(quoted).join(' ');
}

/** A command as a shell reads it. */
export function shellCommand(...words: string[]): string {
  return shellWords('parsimony', ...words);
}

/** A folder's name that no command takes for a flag. */
export function folderWord(folder: string): string {
  return folder.startsWith('-') ? `./${folder}` : folder;
}
