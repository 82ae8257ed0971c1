import { beforeAll, describe, expect, it } from 'vitest';
import type { Prediction } from '../../src/train/sentence-classifier.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, complaints, expectRefusal } from './refusal.js';
import { SENTENCE, trainedModel, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();
const OTHER_SENTENCE = 'it is dull .';

beforeAll(async () => {
  writeTinyData(folder);
  // Two layers: [CLS] sees everything under all rules, so in the last layer they change nothing for it.
  await trainedModel(folder, 'none', '--strategy', 'none', '--layers', '2', '--max-length', '10');
});

const results = new Map<string, CommandResult>();

/** Runs a command on the model; the same command once only. */
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
    expect((await run('evaluate', '--data', 'data')).stdout).toBe(
      `accuracy ${accuracy.toFixed(4)}, F1 ${f1.toFixed(4)}, Matthews ${matthews.toFixed(4)}, ` +
        `loss ${loss.toFixed(4)} on 6 sentences of data (dev)\n`,
    );
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
    const own = await run('predict', SENTENCE, '--json', '--strategy', 'none');
    const hard = await run('predict', SENTENCE, '--json', '--strategy', 'hard');
    expect(complaints(own)).toEqual([]);
    expect(predictions(own)).toEqual(predictions(await run('predict', SENTENCE, '--json')));
    expect(predictions(hard)[0].logits).not.toEqual(predictions(own)[0].logits);
    expect(complaints(hard)).toEqual([
      expect.stringMatching(/^This model was trained with strategy none; it is read with hard, rules/),
    ]);
  });

  it('has another loss under --strategy hard, and a note says so', async () => {
    const hard = await run('evaluate', '--data', 'data', '--json', '--strategy', 'hard');
    const own = await run('evaluate', '--data', 'data', '--json');
    expect(JSON.parse(hard.stdout).strategy).toBe('hard');
    expect(JSON.parse(hard.stdout).loss).not.toBe(JSON.parse(own.stdout).loss);
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
