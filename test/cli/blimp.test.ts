import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';
import { DENSE, TINY, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();
const PLACES = 'here there inside outside upstairs downstairs today again now never'.split(' ');

/** Pairs of our own in BLiMP's format: agreement with a determiner. */
function paradigm(noun: string, singular: string, plural: string): string {
  return PLACES.flatMap((place) => PLACES.map((other) => `${noun} ${place} and ${other} .`))
    .map((rest) =>
      JSON.stringify({ sentence_good: `${singular} ${rest}`, sentence_bad: `${plural} ${rest}` }),
    )
    .join('\n');
}

beforeAll(() => {
  writeTinyData(folder);
  mkdirSync(join(folder, 'blimp'));
  writeFileSync(join(folder, 'blimp/this.jsonl'), paradigm('film', 'this', 'these'));
  writeFileSync(join(folder, 'blimp/that.jsonl'), paradigm('hero', 'that', 'those'));
});

/** Runs a command that must succeed. @returns What it printed as JSON. */
async function json<T>(...args: string[]): Promise<T> {
  const { status, stdout, stderr } = await runHere([...args, '--json'], { cwd: folder });
  expect(status, stderr).toBe(0);
  return JSON.parse(stdout);
}

describe('--data blimp:PATH', () => {
  it('trains a model, which is evaluated on one paradigm', async () => {
    const train = [
      'train',
      '--data',
      'blimp:blimp',
      ...TINY,
      ...DENSE,
      '--epochs',
      '1',
      '--train-examples',
      '8',
    ];
    const { status, stderr } = await runHere([...train, '--out', 'model'], { cwd: folder });
    expect(status, stderr).toBe(0);
    const record = JSON.parse(readFileSync(join(folder, 'model/training.json'), 'utf8'));
    expect(JSON.stringify(record.notes)).toContain(`blimp:${join(folder, 'blimp')}`);
    const rows = async (path: string) => {
      const data = ['--data', `blimp:${path}`, '--split', 'test'];
      return (await json<{ rows: number }>('evaluate', '--model', 'model', ...data)).rows;
    };
    const [whole, part] = [await rows('blimp'), await rows('blimp/this.jsonl')];
    expect(part).toBeGreaterThan(4);
    expect(part).toBeLessThan(whole);
  });

  it('has texts for the commands on rules, and pairs that the user names', async () => {
    const data = ['--data', 'blimp:blimp/this.jsonl,blimp/that.jsonl'];
    const { densities } = await json<{ densities: { split: string }[] }>(
      'rules',
      'density',
      'paper',
      ...data,
    );
    expect(new Set(densities.map(({ split }) => split))).toEqual(new Set(['train', 'dev']));
    const predict = ['rules', 'predict', 'paper', 'floor readout:VERB', ...data];
    const { predictions } = await json<{ predictions: { isReached: boolean }[] }>(
      ...predict,
      '--pairs',
      'DET:NOUN',
    );
    expect(predictions.map(({ isReached }) => isReached)).toEqual([true, false]);
    const refused = await runHere(predict, { cwd: folder });
    expectRefusal(refused, CALLER, /no deciding pairs; expected --pairs VERB:NOUN,NOUN:ADJ/);
  });

  it("is the data of an experiment, whose --data names another folder with BLiMP's files", async () => {
    const settings = {
      data: 'blimp:elsewhere',
      epochs: 1,
      trainExamples: 8,
      vocab: 'vocab.txt',
      batchSize: 4,
    };
    const model = { hidden: 16, heads: 1, layers: 1, feedForward: 16, attentionDropout: 0, tune: false };
    const experiment = {
      name: 'ours',
      settings: { ...settings, ...model },
      conditions: { none: { strategy: 'none' } },
      grid: { seed: [1] },
      comparisons: [],
    };
    writeFileSync(join(folder, 'ours.json'), JSON.stringify(experiment));
    const command = ['experiment', 'ours.json', '--results', 'results'];
    expectRefusal(
      await runHere(command, { cwd: folder }),
      CALLER,
      /--data blimp:elsewhere: no such file: elsewhere/,
    );
    const { status, stderr } = await runHere([...command, '--data', 'blimp'], { cwd: folder });
    expect(status, stderr).toBe(0);
    const [result] = readdirSync(join(folder, 'results/ours'));
    const { test, settings: kept } = JSON.parse(readFileSync(join(folder, 'results/ours', result), 'utf8'));
    expect(test.marks.length).toBeGreaterThan(8);
    expect(kept).not.toHaveProperty('data');
    const table = ['--table', '--subset', 'negation', '--data', 'blimp'];
    const ofSubset = await runHere([...command, ...table], { cwd: folder });
    expect(ofSubset.stdout, ofSubset.stderr).toMatch(/^\s*[1-9]\d* rows of dev\n/);
    const none = await runHere([...command, ...table.with(2, 'contrast')], { cwd: folder });
    expectRefusal(none, CALLER, /^blimp:blimp \(dev\): no row of the subset "contrast"/);
  });
});
