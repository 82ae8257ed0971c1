import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Prediction } from '../../src/train/sentence-classifier.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, complaints, expectRefusal } from './refusal.js';
import { SENTENCE, trainedModel, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

/** The rows of a TSV file without quotation marks. */
function parseTsv(name: string): { sentence: string; label: string }[] {
  const [, ...lines] = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split('\t')).map(([sentence, label]) => ({ sentence, label }));
}

const OTHER_SENTENCE = 'it is dull .';

beforeAll(async () => {
  writeTinyData(folder);
  // Two layers: [CLS] sees everything under all rules, so in the last layer they change nothing for it.
  await trainedModel(folder, 'none', '--strategy', 'none', '--layers', '2', '--max-length', '10');
});

const results = new Map<string, CommandResult>();

/** Runs a command on the model, or gives the result of an earlier run of the same command. */
async function run(...args: string[]): Promise<CommandResult> {
  const key = args.join('\n');
  const result = results.get(key) ?? (await runHere([...args, '--model', 'none'], { cwd: folder }));
  results.set(key, result);
  expect(result.status, result.stderr).toBe(0);
  return result;
}

function predictions(result: CommandResult): Prediction[] {
  return JSON.parse(result.stdout);
}

describe('evaluate', () => {
  it('--json prints the metrics and the rows, and nothing else', async () => {
    const result = await run('evaluate', '--data', 'data', '--json');
    expect(complaints(result)).toEqual([]);
    const printed = JSON.parse(result.stdout);
    expect(printed).toMatchObject({ model: 'none', data: 'data', split: 'dev', strategy: 'none', rows: 6 });
    expect([0, 1, 2, 3, 4, 5, 6].map((correct) => correct / 6)).toContain(printed.accuracy);
    expect(printed.loss).toBeGreaterThan(0);
    expect(printed.f1).toBeGreaterThanOrEqual(0);
    expect(Math.abs(printed.matthews)).toBeLessThanOrEqual(1);
  });

  it('reads the split that is asked for', async () => {
    expect(
      JSON.parse((await run('evaluate', '--data', 'data', '--split', 'train', '--json')).stdout),
    ).toMatchObject({
      split: 'train',
      rows: 12,
    });
  });

  it('prints the same numbers as a sentence', async () => {
    const { accuracy, f1, matthews, loss } = JSON.parse(
      (await run('evaluate', '--data', 'data', '--json')).stdout,
    );
    const [line] = (await run('evaluate', '--data', 'data')).stdout.split('\n');
    expect(line).toBe(
      `accuracy ${accuracy.toFixed(4)}, F1 ${f1.toFixed(4)}, Matthews ${matthews.toFixed(4)}, ` +
        `loss ${loss.toFixed(4)} on 6 sentences of data (dev)`,
    );
  });

  it('prints the confusion matrix and the scores of each class, from the labels that predict prints', async () => {
    const data = ['--data', 'data', '--split', 'train'];
    const { confusion, classes } = JSON.parse((await run('evaluate', ...data, '--json')).stdout);
    const labels = parseTsv('data/train.tsv').map(({ label }) => Number(label));
    const predicted = predictions(await run('predict', ...data, '--json')).map(({ label }) =>
      ['negative', 'positive'].indexOf(label),
    );
    const count = (label: number, as: number) =>
      labels.filter((each, row) => each === label && predicted[row] === as).length;
    expect(confusion).toEqual([0, 1].map((label) => [0, 1].map((as) => count(label, as))));
    expect(classes.map(({ class: name, rows }: { class: string; rows: number }) => [name, rows])).toEqual([
      ['negative', 6],
      ['positive', 6],
    ]);
    const { stdout } = await run('evaluate', ...data);
    expect(stdout).toContain('\nlabel, as predicted:  negative  positive\n');
    expect(stdout).toMatch(/\nclass +precision +recall +F1 +rows\nnegative +[01]\.\d{4} /);
  });

  it('--errors lists the sentences that were predicted wrongly, those with the largest loss first', async () => {
    const data = ['--data', 'data', '--split', 'train'];
    const result = JSON.parse((await run('evaluate', ...data, '--errors', '--json')).stdout);
    const { accuracy, errors } = result as { accuracy: number; errors: Record<string, unknown>[] };
    expect(errors.length).toBe(12 - Math.round(12 * accuracy));
    expect(errors.length, 'a model that is sometimes wrong').toBeGreaterThan(0);
    const rows = parseTsv('data/train.tsv');
    for (const { row, label, predicted, text, probability, loss } of errors) {
      expect(rows[Number(row) - 1]).toEqual({ sentence: text, label: label === 'positive' ? '1' : '0' });
      expect(predicted).not.toBe(label);
      expect(Number(probability)).toBeCloseTo(Math.exp(-Number(loss)), 12);
      expect(Number(probability)).toBeLessThan(0.5);
    }
    const losses = errors.map(({ loss }) => Number(loss));
    expect(losses).toEqual([...losses].sort((a, b) => b - a));
    const { stdout } = await run('evaluate', ...data, '--errors');
    expect(stdout).toContain(`\n${errors.length} errors, those with the largest loss first\n`);
    await run('evaluate', ...data, '--errors', 'errors.jsonl');
    const lines = readFileSync(join(folder, 'errors.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(errors);
  });
});

describe('predict', () => {
  it('--json prints a list of text, label, logits and probabilities', async () => {
    const result = await run('predict', SENTENCE, OTHER_SENTENCE, '--json');
    expect(complaints(result)).toEqual([]);
    const list = predictions(result);
    expect(list.map(({ text }) => text)).toEqual([SENTENCE, OTHER_SENTENCE]);
    for (const { label, logits, probabilities, cut } of list) {
      expect(cut).toBe(false);
      const [negative, positive] = logits;
      expect(label).toBe(positive > negative ? 'positive' : 'negative');
      expect(probabilities).toHaveLength(2);
      expect(probabilities[1]).toBeCloseTo(1 / (1 + Math.exp(negative - positive)), 12);
      expect(probabilities[0] + probabilities[1]).toBeCloseTo(1, 12);
    }
    expect(list[0].logits).not.toEqual(list[1].logits);
  });

  it('prints a table of label, probabilities and text', async () => {
    const [{ label, probabilities }] = predictions(await run('predict', SENTENCE, '--json'));
    const [head, row] = (await run('predict', SENTENCE)).stdout.split('\n');
    expect(head.split(/ {2,}/)).toEqual(['label', 'negative', 'positive', 'text']);
    expect(row.split(/ {2,}/)).toEqual([label, ...probabilities.map((p) => p.toFixed(3)), SENTENCE]);
  });

  it('--out writes CSV, which --data reads, or JSON lines', async () => {
    const quoted = 'it is "dull", and funny .';
    const list = predictions(await run('predict', SENTENCE, quoted, '--json'));
    for (const name of ['predicted.csv', 'predicted.jsonl']) {
      const { stdout, stderr } = await run('predict', SENTENCE, quoted, '--out', name);
      expect([stdout, stderr.includes(`written: ${name}\n`)]).toEqual(['', true]);
      const texts = predictions(await run('predict', '--data', name, '--json'));
      expect(texts.map(({ text }) => text)).toEqual([SENTENCE, quoted]);
    }
    const lines = readFileSync(join(folder, 'predicted.jsonl'), 'utf8').trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line))).toEqual(
      list.map(({ text, label, cut, probabilities: [negative, positive] }) => {
        return { text, label, cut, probability_negative: negative, probability_positive: positive };
      }),
    );
    const scores = JSON.parse((await run('evaluate', '--data', 'predicted.csv', '--json')).stdout);
    expect(scores.accuracy, 'the labels are the predictions').toBe(1);
  });

  it('--out with another extension is refused', async () => {
    const result = await runHere(['predict', SENTENCE, '--model', 'none', '--out', 'rows.xlsx'], {
      cwd: folder,
    });
    expectRefusal(result, CALLER, /'rows\.xlsx' is invalid\. expected a name that ends in \.csv or \.jsonl/);
  });

  it('warns where a text is cut', async () => {
    const long = `${SENTENCE} and it is dull .`;
    const result = await run('predict', SENTENCE, long, '--json');
    expect(predictions(result).map(({ cut }) => cut)).toEqual([false, true]);
    expect(complaints(result)).toEqual([
      '1 of 2 texts: only the first 10 tokens were read, as the model was trained.',
    ]);
  });
});

describe('a model that was trained with none', () => {
  it('has other logits under --strategy hard, and a note says so', async () => {
    const trained = await run('predict', SENTENCE, '--json', '--strategy', 'none');
    const hard = await run('predict', SENTENCE, '--json', '--strategy', 'hard');
    expect(complaints(trained)).toEqual([]);
    expect(predictions(trained)).toEqual(predictions(await run('predict', SENTENCE, '--json')));
    expect(predictions(hard)[0].logits).not.toEqual(predictions(trained)[0].logits);
    expect(complaints(hard)).toEqual([
      expect.stringMatching(/^This model was trained with strategy none; it is read with hard, rules/),
    ]);
  });

  it('has another loss under --strategy hard, and a note says so', async () => {
    const hard = await run('evaluate', '--data', 'data', '--json', '--strategy', 'hard');
    const trained = await run('evaluate', '--data', 'data', '--json');
    expect(JSON.parse(hard.stdout).strategy).toBe('hard');
    expect(JSON.parse(hard.stdout).loss).not.toBe(JSON.parse(trained.stdout).loss);
    expect(complaints(hard)).toHaveLength(1);
  });

  it('has other logits with another bias of soft pairs', async () => {
    const soft = async (beta: string) =>
      predictions(await run('predict', SENTENCE, '--json', '--strategy', 'soft', '--beta', beta));
    const [weak, strong] = [await soft('0.5'), await soft('9')];
    expect(weak[0].logits).not.toEqual(strong[0].logits);
  });

  it('does not run with rules that are refused', async () => {
    const result = await runHere(['predict', '--model', 'none', '--rules', 'vocab.txt', SENTENCE], {
      cwd: folder,
    });
    expectRefusal(result, CALLER, /^vocab\.txt:1: /);
  });
});

describe('a note on a sentence that a model cannot know', () => {
  it('names words outside its vocabulary', async () => {
    const { stderr } = await run('predict', 'the film is wicked and wry .');
    expect(stderr).toContain('Not in the vocabulary of none, which reads it as [UNK]: wicked, wry.\n');
  });

  it('says that no generated sentence has its form', async () => {
    cpSync(join(folder, 'none'), join(folder, 'generated'), { recursive: true });
    const file = join(folder, 'generated/training.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify({ ...record, notes: { data: { data: 'embedded' } } }));
    const ofForm = ['the film is funny and it is dull .', 'the film is funny and the hero is not dull .'];
    const { status, stderr } = await runHere(['predict', ...ofForm, '--model', 'generated'], { cwd: folder });
    expect(status, stderr).toBe(0);
    expect(stderr).toContain(
      'generated learned from generated sentences, and none has the form of "the film is funny and it',
    );
  });
});
