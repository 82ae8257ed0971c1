import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { CallerError } from '../../src/base/errors.js';
import { hostRandom } from '../../src/base/random.js';
import { randomInteger } from '../support/random.js';
import { mutated } from './mutate.js';
import type { FuzzReader } from './readers.js';
import type { Files } from './samples.js';

/** Limit of one input, in milliseconds of the processor. */
const MOST_MS = 2000;

/** Memory limit of the process while it reads inputs of some kilobytes. */
const MOST_BYTES = 2 ** 30;

/** The most characters of a message. */
const LONGEST_MESSAGE = 7000;

/** The input of a number, the same for the same seed. One file of a sample is changed. */
export function inputOf(reader: FuzzReader, samples: readonly Files[], seed: number, index: number): Files {
  const random = hostRandom(seed, index, ...Buffer.from(reader.name));
  const files = samples[index % samples.length];
  const names = Object.keys(files).filter((name) => reader.structureOf(name) !== undefined);
  const name = names[randomInteger(random, 0, names.length - 1)];
  return { ...files, [name]: mutated(files[name], reader.structureOf(name)!, random) };
}

/** Writes an input into an empty folder. */
export function writeInput(folder: string, files: Files): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, name), bytes);
}

function complaintAbout(error: unknown, folder: string): string | undefined {
  if (!(error instanceof CallerError)) return `${(error as Error)?.stack ?? error}`.slice(0, 1000);
  const { message } = error;
  if (/[\p{Cc}\u2028\u2029]/u.test(message))
    return `a message that controls the terminal: ${JSON.stringify(message)}`;
  if (message.length > LONGEST_MESSAGE) return `a message of ${message.length} characters`;
  if (!message.includes(folder)) return `a message that names no file: ${message}`;
  return undefined;
}

/** Reads an input that is written in a folder. @returns What is wrong with the result; undefined where it is right. */
export async function failureOf(
  reader: FuzzReader,
  folder: string,
  namesFile = true,
): Promise<string | undefined> {
  const began = process.cpuUsage();
  let complaint: string | undefined;
  try {
    await reader.read(folder);
  } catch (error) {
    complaint = complaintAbout(error, namesFile ? folder : '');
  }
  const { user, system } = process.cpuUsage(began);
  const ms = (user + system) / 1000;
  if (complaint === undefined && ms > MOST_MS) complaint = `took ${(ms / 1000).toFixed(1)} s`;
  const held = process.memoryUsage.rss();
  if (complaint === undefined && held > MOST_BYTES) complaint = `held ${Math.round(held / 2 ** 20)} MiB`;
  return complaint;
}
