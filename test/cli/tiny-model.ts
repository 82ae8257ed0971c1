import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CommandResult } from '../support/run-command.js';
import { type HereOptions, runHere } from '../support/run-here.js';

const WORDS = ['the', 'film', 'hero', 'is', 'funny', 'dull', 'and', 'it', 'likes', '.'];

/** Flags with which a training run takes a second. Without dropout of attention, it trains and reads with the same kernels. */
export const TINY = [
  ...'--no-tune --hidden 16 --heads 1 --layers 1 --feed-forward 16 --attention-dropout 0'.split(' '),
  ...'--vocab vocab.txt --batch 4'.split(' '),
];

/** With these as well, a run compiles the fewest kernels: for separate processes, each of which compiles its own. */
export const DENSE = ['--strategy', 'none'];

export const SENTENCE = 'the funny hero likes the dull film .';

/** Sentences with labels in GLUE's layout. */
export function glueText(rows: readonly (readonly [text: string, label: string])[]): string {
  return `sentence\tlabel\n${rows.map(([text, label]) => `${text}\t${label}\n`).join('')}`;
}

function rows(count: number): [string, string][] {
  const subjects = ['the film', 'the hero', 'it'];
  return Array.from({ length: count }, (_, index) => {
    const praised = index % 2 === 0;
    const subject = subjects[index % subjects.length];
    return [`${subject} is ${praised ? 'funny' : 'dull'} .`, praised ? '1' : '0'];
  });
}

/** Writes into a folder what a tiny training run needs: `data`, a folder of 12 and 6 sentences, and `vocab.txt`. */
export function writeTinyData(folder: string): void {
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data/train.tsv'), glueText(rows(12)));
  writeFileSync(join(folder, 'data/dev.tsv'), glueText(rows(6)));
  const tokens = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]', ...WORDS];
  writeFileSync(join(folder, 'vocab.txt'), `${tokens.join('\n')}\n`);
}

/** `parsimony train` on the data of `writeTinyData`, with more arguments. */
export function trainTiny(
  cwd: string,
  args: readonly string[],
  options?: HereOptions,
): Promise<CommandResult> {
  return runHere(['train', '--data', 'data', ...TINY, ...args], { cwd, ...options });
}

/** Trains a tiny model into the folder `out`, which must succeed. */
export async function trainedModel(cwd: string, out: string, ...args: string[]): Promise<CommandResult> {
  const result = await trainTiny(cwd, ['--epochs', '1', '--out', out, ...args]);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

/** Every file under a folder with its bytes, for a later comparison. */
export function contentOf(folder: string): Record<string, string> {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return Object.fromEntries(
    entries.map((entry) => {
      const file = join(entry.parentPath, entry.name);
      return [file, readFileSync(file).toString('base64')];
    }),
  );
}
