import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNIVERSAL_TAGS } from '../../src/grammar/tags.js';
import type { Prediction } from '../../src/train/sentence-classifier.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, complaints, expectRefusal } from './refusal.js';
import { TINY, trainedModel, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

function write(name: string, text: string): void {
  writeFileSync(join(folder, name), text);
}

function run(...args: string[]): Promise<CommandResult> {
  return runHere(args, { cwd: folder });
}

/** Runs a command that must succeed. @returns What it printed as JSON. */
async function json<T>(...args: string[]): Promise<T> {
  const result = await run(...args, '--json');
  expect(result.status, result.stderr).toBe(0);
  return JSON.parse(result.stdout);
}

const REVIEWS = [
  ['the film is funny , "really"', 'good', 'T1 T2 T3 T4 T5 T1'],
  ['it is dull .', 'bad', 'T1 T3 T4 T5'],
  ['', 'unclear', ''],
  ['the hero\nlikes it', 'good', 'T1 T2 T3 T1'],
];

function csv(rows: readonly string[][]): string {
  const fields = (row: readonly string[]) => row.map((field) => `"${field.replaceAll('"', '""')}"`).join(',');
  return ['review,verdict,tags', ...rows.map(fields), ''].join('\r\n');
}

const COLUMNS = ['--text-column', 'review', '--label-column', 'verdict'];

beforeAll(async () => {
  writeTinyData(folder);
  write('reviews.csv', csv(REVIEWS));
  write('more.csv', csv(REVIEWS.slice(0, 2)));
  const rules = {
    // About as many as the universal tags, so that the same kernels run.
    tags: [...Array.from({ length: UNIVERSAL_TAGS.length }, (_, index) => `T${index + 1}`), '[CLS]'],
    hard: { '*': ['='], T2: ['T4'], '[CLS]': ['*'] },
  };
  write('rules.json', JSON.stringify(rules));
});

describe('a model of three classes of a CSV file', () => {
  const files = ['--data', 'reviews.csv,more.csv', '--dev', 'more.csv', '--test', 'more.csv', ...COLUMNS];

  beforeAll(async () => {
    const result = await run('train', ...files, ...TINY, '--epochs', '1', '--out', 'reviews');
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^Training none on 6 sentences of reviews\.csv,more\.csv, seed 42/m);
  });

  it('has its classes', async () => {
    const { id2label } = JSON.parse(readFileSync(join(folder, 'reviews/config.json'), 'utf8'));
    expect(id2label).toEqual({ 0: 'bad', 1: 'good', 2: 'unclear' });
  });

  it('is evaluated on other files by their names', async () => {
    write('other.jsonl', '{"text":"it is dull .","label":"bad"}\n{"text":"it","label":" UNCLEAR"}\n');
    const evaluation = await json<object>('evaluate', '--model', 'reviews', '--data', 'other.jsonl');
    expect(evaluation).toMatchObject({ data: 'other.jsonl', rows: 2 });
    expect(evaluation).not.toHaveProperty('split');
    const evaluated = await run('evaluate', '--model', 'reviews', '--data', 'other.jsonl');
    expect(evaluated.stdout).toMatch(/ on 2 sentences of other\.jsonl\n/);
    write('numbers.csv', 'text,label\nit,2\nit,0\n');
    const numbers = await run('evaluate', '--model', 'reviews', '--data', 'numbers.csv');
    expect(complaints(numbers)).toEqual([
      "The labels of numbers.csv are numbers, read as the model's: 0 as bad, 1 as good, 2 as unclear.",
    ]);
    write('wrong.jsonl', '{"text":"it is dull .","label":"bad"}\n{"text":"it","label":"awful"}\n');
    expectRefusal(
      await run('evaluate', '--model', 'reviews', '--data', 'wrong.jsonl'),
      CALLER,
      /^wrong\.jsonl:2: label "awful" is not a class; expected one of: bad, good, unclear; or/,
    );
  });

  it('predicts the texts of a file as it predicts sentences', async () => {
    const data = ['--data', 'reviews.csv', '--text-column', 'review'];
    const ofFile = await json<Prediction[]>('predict', '--model', 'reviews', ...data);
    expect(ofFile.map(({ text }) => text)).toEqual(REVIEWS.map(([text]) => text));
    expect(await json('predict', '--model', 'reviews', ...REVIEWS.map(([text]) => text))).toEqual(ofFile);
    const glue = await run('predict', '--model', 'reviews', ...data, '--glue', 'out.tsv');
    expectRefusal(
      glue,
      CALLER,
      /^--glue: classes bad, good, unclear; expected those of a task of GLUE: 0, 1;/,
    );
    expect(existsSync(join(folder, 'out.tsv'))).toBe(false);
  });

  it('refuses to predict both sentences and data, neither, or sentences into a GLUE file', async () => {
    const predict = (...args: string[]) => run('predict', '--model', 'reviews', ...args);
    expectRefusal(
      await predict('it', '--data', 'other.jsonl'),
      CALLER,
      /^sentences beside --data other\.jsonl/,
    );
    expectRefusal(
      await predict(),
      CALLER,
      /^missing required argument 'text'; expected sentences, or --data/,
    );
    expectRefusal(await predict('it', '--glue', 'no.tsv'), CALLER, /^--glue no\.tsv without --data/);
    expect(existsSync(join(folder, 'no.tsv'))).toBe(false);
  });
});

describe('a model of SST-2, or of data in its layout', () => {
  it('writes class numbers to a GLUE file', async () => {
    await trainedModel(folder, 'glue', '--max-length', '6');
    writeFileSync(
      join(folder, 'data/test.tsv'),
      'index\tsentence\n0\tit is funny .\n1\tit is dull and dull .\n',
    );
    const args = ['predict', '--model', 'glue', '--data', 'data'];
    const labels = (await json<Prediction[]>(...args)).map(({ label }) => label);
    const result = await run(...args, '--split', 'test', '--glue', 'SST-2.tsv');
    expect(complaints(result)).toEqual([
      '1 of 2 texts: only the first 6 tokens were read, as the model was trained.',
      'written: SST-2.tsv',
    ]);
    const numbers = labels.map((label) => ['negative', 'positive'].indexOf(label));
    expect(readFileSync(join(folder, 'SST-2.tsv'), 'utf8')).toBe(
      `index\tprediction\n0\t${numbers[0]}\n1\t${numbers[1]}\n`,
    );
    write('long.csv', 'text,label\nit is funny and dull .,negative\nit is .,Positive\n');
    const evaluated = await run('evaluate', '--model', 'glue', '--data', 'long.csv');
    expect(complaints(evaluated)).toEqual([
      '1 of 2 texts: only the first 6 tokens were read, as the model was trained.',
    ]);
  });
});

describe('a model of custom tags', () => {
  const tags = ['--text-column', 'review', '--tags-column', 'tags'];

  beforeAll(async () => {
    const files = ['--data', 'reviews.csv', '--dev', 'more.csv', '--tags-column', 'tags', ...COLUMNS];
    const rules = ['--strategy', 'hard', '--rules', 'rules.json', '--layers', '2'];
    const result = await run('train', ...files, ...TINY, ...rules, '--epochs', '1', '--out', 'own');
    expect(result.status, result.stderr).toBe(0);
  });

  it('records that', async () => {
    const { parsimony } = JSON.parse(readFileSync(join(folder, 'own/config.json'), 'utf8'));
    expect(parsimony).toMatchObject({ strategy: 'hard', tags: 'own' });
  });

  it('reads the tags of texts, and refuses texts without tags', async () => {
    const read = await json<Prediction[]>('predict', '--model', 'own', '--data', 'reviews.csv', ...tags);
    expect(read).toHaveLength(4);
    const others = csv(
      REVIEWS.map(([text, label, textTags]) => [text, label, textTags.replaceAll('T4', 'T2')]),
    );
    write('others.csv', others);
    const changed = await json<Prediction[]>('predict', '--model', 'own', '--data', 'others.csv', ...tags);
    expect(changed[0].logits).not.toEqual(read[0].logits);
    expect(changed[2].logits).toEqual(read[2].logits);
    expectRefusal(
      await run('predict', '--model', 'own', 'it is dull .'),
      CALLER,
      /^text 1: no tags, and this model was trained on custom tags; expected .* T1, T2/,
    );
    const evaluation = ['evaluate', '--model', 'own', '--data', 'reviews.csv', '--label-column', 'verdict'];
    expect(await json(...evaluation, ...tags)).toMatchObject({ rows: 4, strategy: 'hard' });
    expectRefusal(
      await run(...evaluation, ...tags, '--rules', 'paper'),
      CALLER,
      /^reviews\.csv:2: unknown tag "T1"; expected a tag of the rules: ADJ/,
    );
  });

  it('warns that wink-nlp tags texts without tags, where the custom tags are universal', async () => {
    const lines = (text: string, label: string) => `# text = ${text}\n# label = ${label}\n`;
    const word = (at: number, form: string, tag: string) => `${at}\t${form}\t_\t${tag}${'\t_'.repeat(6)}\n`;
    write(
      'tagged.conllu',
      `${lines('it is', 'a')}${word(1, 'it', 'PRON')}${word(2, 'is', 'AUX')}\n${lines('dull', 'b')}${word(1, 'dull', 'ADJ')}`,
    );
    const args = ['--data', 'tagged.conllu', '--dev', 'tagged.conllu', ...TINY, '--epochs', '1'];
    const result = await run('train', ...args, '--strategy', 'hard', '--out', 'universal');
    expect(result.status, result.stderr).toBe(0);
    const sentence = await run('predict', '--model', 'universal', 'it is');
    expect(complaints(sentence)).toEqual([
      'This model was trained on custom tags; wink-nlp tags 1 of 1 texts, which have none.',
    ]);
    const tagged = await run('predict', '--model', 'universal', '--data', 'tagged.conllu');
    expect(complaints(tagged)).toEqual([]);
    const evaluated = await run('evaluate', '--model', 'glue', '--data', 'tagged.conllu', '--split', 'test');
    expectRefusal(evaluated, CALLER, /^tagged\.conllu:1: label "a" is not a class/);
  });
});
