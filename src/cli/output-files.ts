import { extname } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { jsonText } from '../base/json-text.js';
import { checkWritable, writeAtomically } from '../data/files.js';
import { note, printJson } from './terminal.js';

/** The value of `--json` that means standard output. */
export const STANDARD_OUTPUT = '-';

/** A flag that names a file which the command writes. It is checked before the command starts. */
export class OutputOption extends Option {
  /** @param endings Those of the formats that the command writes, in lower case. A device may have any name; without a list, so may a file. */
  constructor(flags: string, description: string, endings?: readonly string[]) {
    super(flags, description);
    if (!endings) return;
    this.argParser((path: string) => {
      if (path.startsWith('/dev/') || endings.includes(extname(path).toLowerCase())) return path;
      throw new InvalidArgumentError(`expected a name that ends in ${endings.join(' or ')}`);
    });
  }
}

/** The endings of a page. */
export const PAGE_ENDINGS = ['.html', '.htm'] as const;

/** The value of `--json`: a file, `STANDARD_OUTPUT`, or undefined where the flag is left out. */
export type JsonTarget = string | undefined;

/** `--json`, which means the same for all commands. */
export function jsonOption(): Option {
  return new OutputOption('--json [file.json]', 'the result as JSON, into a file or to standard output');
}

/**
 * Arguments in which every `--json` has a value. The next word is its file only where it can be one: a name that ends in .json, `-`,
 * or a device. Otherwise, it is another argument of the command, such as a sentence.
 */
export function withJsonTargets(args: readonly string[]): string[] {
  const end = args.indexOf('--');
  return args.map((arg, at) => {
    const isFlag = arg === '--json' && (end < 0 || at < end);
    return isFlag && !/^-$|^\/dev\/|\.json$/.test(args[at + 1] ?? '') ? `--json=${STANDARD_OUTPUT}` : arg;
  });
}

/** @throws CallerError, before a command spends time, where a file that it was asked for cannot be written. */
export async function checkOutputs(command: Command): Promise<void> {
  for (const option of command.options) {
    const path = command.getOptionValue(option.attributeName());
    const isFile = option instanceof OutputOption && typeof path === 'string' && path !== STANDARD_OUTPUT;
    if (isFile) await checkWritable(path);
  }
}

/** Writes a file that a flag named, and prints its name as a note. */
export async function writeOutput(path: string, content: string): Promise<void> {
  await writeAtomically(path, content);
  note(`written: ${path}`);
}

/**
 * Writes a result as JSON where `--json` asks for it.
 * @returns Whether standard output has it, so that nothing else may be printed there.
 */
export async function wroteJson(target: JsonTarget, value: unknown): Promise<boolean> {
  if (target === STANDARD_OUTPUT) printJson(value);
  else if (target !== undefined) await writeOutput(target, jsonText(value));
  return target === STANDARD_OUTPUT;
}
