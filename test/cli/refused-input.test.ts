import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal, OURS } from './refusal.js';
import { contentOf, glueText, TINY, trainedModel, trainTiny, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

beforeAll(() => writeTinyData(folder));

function write(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return name;
}

/** Writes a folder of GLUE files, with this text as `train.tsv`. */
function writeData(name: string, train: string): string {
  mkdirSync(join(folder, name));
  write(join(name, 'train.tsv'), train);
  write(join(name, 'dev.tsv'), glueText([['it is funny .', '1']]));
  return name;
}

function run(...args: string[]): Promise<CommandResult> {
  return runHere(args, { cwd: folder });
}

let runs = 0;

/** Expects that a training run with these arguments is refused before it writes anything. */
async function expectNoRun(args: readonly string[], says: RegExp, data = 'data'): Promise<void> {
  const out = `out-${++runs}`;
  expectRefusal(await run('train', '--data', data, ...TINY, ...args, '--out', out), CALLER, says);
  expect(existsSync(join(folder, out)), 'no folder').toBe(false);
}

describe('a rules file', () => {
  it('with an unknown tag is refused by file and line', async () => {
    const rules = write('rules.json', '{\n  "hard": {\n    "ADJ": ["NOUN", "NOMEN"]\n  }\n}\n');
    const says = /^rules\.json:3: unknown tag "NOMEN"; expected one of: .*NOUN.*; correct it/;
    await expectNoRun(['--strategy', 'hard', '--rules', rules], says);
    expectRefusal(await run('tag', 'the film', '--rules', rules), CALLER, says);
  });

  it('that is not JSON is refused by file and line', async () => {
    const rules = write('no-json.txt', '{\n  "hard": nouns\n}\n');
    await expectNoRun(['--rules', rules], /^no-json\.txt:2: not JSON/);
  });

  it('that does not exist is refused with the names that do', async () => {
    expectRefusal(await run('tag', 'it', '--rules', 'papers'), CALLER, /^papers: cannot be read .*paper/);
  });
});

describe('data', () => {
  it('in a missing folder is refused with what --data may be', async () => {
    const says = /^--data nowhere: no such file, and no such folder; expected .*train\.tsv.*sst2.*embedded/;
    await expectNoRun([], says, 'nowhere');
  });

  it('without a column for the labels is refused', async () => {
    const data = writeData('no-labels', 'index\tsentence\n0\tit is funny .\n');
    await expectNoRun([], /^no-labels.train\.tsv:1: no column "label"; expected .*index, sentence/, data);
  });

  it('with a label that is not a class is refused by file and line', async () => {
    const text = glueText([
      ['it is funny .', '1'],
      ['it is dull .', '-1'],
    ]);
    const data = writeData('below', text);
    await expectNoRun(
      [],
      /^below.train\.tsv:3: label "-1" is not a class; expected whole numbers from 0/,
      data,
    );
    await expectNoRun(['--labels', 'funny'], /^--labels: the classes "funny"; expected at least two names/);
    write('named.csv', 'text,label\nit is .,dull\nit is .,merry\n');
    const named = ['--labels', 'dull,funny', '--dev', 'named.csv'];
    await expectNoRun(
      named,
      /^named\.csv:3: label "merry" is not a class; expected one of: dull, funny; or/,
      'named.csv',
    );
  });

  it('of one file needs another for its development set', async () => {
    write('alone.csv', 'text,label\nit is .,0\nit is not .,1\n');
    await expectNoRun([], /^alone\.csv: no file of the split "dev"; name it with --dev/, 'alone.csv');
    await expectNoRun(
      ['--dev', 'alone.csv', '--test', 'no.csv'],
      /^--test: no such file: no\.csv/,
      'alone.csv',
    );
  });

  it('with a tag that the rules do not have is refused by file and row', async () => {
    write('tags.csv', 'text,label,tags\nit is,0,PRON AUX\nit is,1,PRON VBZ\n');
    const args = ['--dev', 'tags.csv', '--tags-column', 'tags'];
    await expectNoRun(
      args,
      /^tags\.csv:3: unknown tag "VBZ"; expected a tag of the rules: ADJ, ADP/,
      'tags.csv',
    );
  });

  it('with a row of too many fields is refused by file and line', async () => {
    const data = writeData('tabs', glueText([['it is\tfunny .', '1']]));
    await expectNoRun([], /^tabs.train\.tsv:2: 3 fields; expected 2/, data);
  });

  it('that has no such split is refused by its file', async () => {
    await trainedModel(folder, 'any');
    const result = await run('evaluate', '--model', 'any', '--data', 'data', '--split', 'test');
    expectRefusal(result, CALLER, /^data: no file of the split "test"; .*test\.tsv, test\.csv/);
  });
});

describe('a training run', () => {
  it('with --case but no --vocab is refused', async () => {
    const result = await run('train', '--data', 'data', '--case', 'keep', '--out', 'none');
    expectRefusal(result, CALLER, /^--case keep without --vocab; expected no --case/);
  });

  it('on sentences that are longer than the positions is refused', async () => {
    await expectNoRun(['--max-length', '16385'], /16385 tokens; expected 3 to 16384, the model's positions/);
  });

  it.each([
    ['a vocabulary that does not exist', ['--vocab', 'no.txt'], /^no\.txt: cannot be read/],
    ['a vocabulary without special tokens', ['--vocab', 'data/dev.tsv'], /^data.dev\.tsv: no token \[PAD\]/],
    ['heads that do not divide the hidden size', ['--heads', '3'], /hidden size 16 over 3 heads; expected/],
    ['a dropout of 1', ['--dropout', '1'], /'--dropout .*'1'.*expected a probability below 1/],
    ['no epochs', ['--epochs', '0'], /'0'.*expected a whole number from 1 to 1000000$/],
    [
      'a learning rate of 0',
      ['--lr', '0'],
      /'--lr <rate>' argument '0' is invalid\. expected a positive number/,
    ],
    ['a weight decay below 0', ['--weight-decay', '-1'], /-1.*expected/],
    ['a gradient norm below 0', ['--clip', '-1'], /-1.*expected/],
    ['no evaluations', ['--evaluations', '0'], /'0'.*expected a whole number of 1 or more$/],
    ['no batches a step', ['--accumulate', '0'], /'0'.*expected a whole number from 1 to 65536$/],
    [
      'no steps to the next evaluation',
      ['--evaluate-every', '0'],
      /'0'.*expected a whole number of 1 or more$/,
    ],
    [
      'evaluations counted twice',
      ['--evaluations', '2', '--evaluate-every', '5'],
      /2 evaluations an epoch, and one every 5 steps; expected one of both; leave the other out/,
    ],
    ['all tokens masked', ['--mask-tokens', '1'], /'1'.*expected a probability below 1/],
    [
      'all attention dropped',
      ['--attention-dropout', '1'],
      /'--attention-dropout .*'1'.*expected a probability/,
    ],
    [
      'a seed of 33 bits',
      ['--seed', `${2 ** 32}`],
      /'--seed .*'4294967296'.*expected a whole number from 0 to/,
    ],
  ])('with %s is refused', async (_, args, says) => {
    await expectNoRun(args, says);
  });

  it('on an adapter that does not exist is refused with those that do', async () => {
    await expectNoRun(
      ['--adapter', 'nosuch'],
      /^--adapter: no adapter has "nosuch" in its name; expected auto/,
    );
  });

  it('into a file is refused, and the file stays', async () => {
    const out = write('taken', 'mine\n');
    const before = contentOf(folder);
    expectRefusal(
      await trainTiny(folder, ['--out', out]),
      CALLER,
      /^taken: is not a folder; expected a folder, or a path where one can be made/,
    );
    expectRefusal(
      await trainTiny(folder, ['--out', join(out, 'below')]),
      CALLER,
      /^taken.below: a part of the path is not a folder; expected a folder/,
    );
    expect(contentOf(folder)).toEqual(before);
  });

  it('that is refused leaves an existing model unchanged', async () => {
    await trainedModel(folder, 'existing');
    const before = contentOf(join(folder, 'existing'));
    expect(Object.keys(before).length).toBeGreaterThanOrEqual(6);
    const result = await trainTiny(folder, ['--max-length', '20000', '--out', 'existing', '--force']);
    expectRefusal(result, CALLER, /20000 tokens/);
    expect(contentOf(join(folder, 'existing'))).toEqual(before);
  });

  it('whose files the disk refuses ends with exit code 1 and without parts of files', async () => {
    mkdirSync(join(folder, 'refusing/config.json'), { recursive: true });
    const result = await trainTiny(folder, ['--out', 'refusing', '--force']);
    expect(result.status, result.stderr).toBe(OURS);
    // The run had started, and had reported that.
    const last = result.stderr.trimEnd().split('\n').at(-1);
    expect(last).toMatch(/^parsimony: refusing.config\.json: cannot be removed \(\w+\); /);
    expect(contentOf(join(folder, 'refusing'))).toEqual({});
  });
});
