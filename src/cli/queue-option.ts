import { Option } from 'commander';
import { versionOf } from '../../bench/environment.js';
import { CallerError } from '../base/errors.js';
import { CellQueue } from '../train/experiment/queue/cell-queue.js';
import { parseQueueAddress } from '../train/experiment/queue/queue-address.js';
import { note } from './terminal.js';

/** The variable with the address of a queue, which other users of the machine cannot read. */
const VARIABLE = 'PARSIMONY_QUEUE';

/** The value of `--queue`: an address, or true where the variable has it. */
export type QueueFlag = string | boolean | undefined;

export function queueOption(help: string): Option {
  return new Option(
    '--queue [url]',
    `${help}: redis://[user:password@]host[:port], rediss:// for TLS (without a url: that of ${VARIABLE})`,
  );
}

/**
 * Connects to the queue that a flag names, for the time of an action.
 * @throws CallerError where none is named, or the address is wrong; what `CellQueue.open` and the action throw.
 */
export async function withQueue<T>(flag: QueueFlag, action: (queue: CellQueue) => Promise<T>): Promise<T> {
  const [text, where] = typeof flag === 'string' ? [flag, '--queue'] : [process.env[VARIABLE], VARIABLE];
  if (!text) {
    throw new CallerError({
      what: 'no address of a queue',
      where: '--queue',
      expected: `redis://host:port, or the variable ${VARIABLE}`,
    });
  }
  // Arguments are visible to all users of a machine.
  if (typeof flag === 'string' && flag.includes('@')) process.title = 'parsimony';
  let last = '';
  const queue = await CellQueue.open(
    parseQueueAddress(text, where),
    versionOf('parsimony-attention'),
    ({ message }) => {
      if (message && message !== last)
        note(`The connection to the queue failed, and is tried again: ${message}`);
      last = message;
    },
  );
  try {
    return await action(queue);
  } finally {
    await queue.close();
  }
}
