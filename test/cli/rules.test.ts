import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import type { HeadRules } from '../../src/grammar/head-rules.js';
import { parseModelRules } from '../../src/grammar/rules-file.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';
import { trainedModel, trainTiny, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

beforeAll(async () => {
  writeTinyData(folder);
  writeFileSync(
    join(folder, 'heads.json'),
    '{ "name": "two heads", "heads": [[{ "hard": { "*": ["="] } }, { "hard": { "*": ["*"] } }]] }',
  );
});

function rules(...args: string[]) {
  return runHere(['rules', ...args], { cwd: folder });
}

async function output(...args: string[]): Promise<string> {
  const { status, stdout, stderr } = await rules(...args);
  expect(status, stderr).toBe(0);
  return stdout;
}

describe('rules show', () => {
  it.each([
    ['paper@0', /^rules "paper@0": a window of 0 tokens, in which ADJ never finds NOUN; expected 1 token/],
    [
      'paper +VERB:PART@0',
      /^rules "paper \+VERB:PART@0": a window of 0 tokens, in which VERB never finds PART/,
    ],
    ['none.json', /^none\.json:3: a window of 0 tokens, in which NOUN never finds ADJ/],
    ['paper@16777216', /: scope 16777216; expected "document", "sentence", or a number of tokens below 2²⁴$/],
  ])('refuses a window that has no pairs, or is wider than any text: %s', async (name, says) => {
    writeFileSync(join(folder, 'none.json'), '{ "scope": 0,\n"hard": { "*": ["="],\n"NOUN": ["ADJ"] } }\n');
    expectRefusal(await rules('show', name), CALLER, says);
  });

  it('prints query tags down, key tags across, with a legend', async () => {
    const lines = (await output('show', 'paper@sentence')).split('\n');
    const head = lines.find((line) => line.includes('ADJ') && line.includes('[SEP]'))!;
    const row = lines.find((line) => line.startsWith('DET '))!;
    const cell = (tag: string) => row.slice(head.indexOf(` ${tag} `) + 1).split(' ')[0];
    expect([cell('NOUN'), cell('DET'), cell('VERB')]).toEqual(['●s', '●s', '·']);
    expect(lines.join('\n')).not.toContain('[PAD]');
    expect(lines.join('\n')).toMatch(/● hard, ○ soft.*A soft rule adds 5\./);
  });

  it('prints every head, and the tags and pairs of some texts', async () => {
    const text = await output('show', 'heads.json', '--data', 'data', '--split', 'dev');
    expect(text).toMatch(/layer 0, head 0\n(.*\n)*layer 0, head 1\n/);
    expect(text).toMatch(/data \(dev\): % of its \d+ tokens/);
    const json = JSON.parse(await output('show', 'heads.json', '--data', 'data', '--split', 'dev', '--json'));
    expect(
      json.rules.map(({ head, hard }: { head: number; hard: unknown[] }) => [head, hard.length]),
    ).toEqual([
      [0, 20],
      [1, 400],
    ]);
    const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
    expect(sum(json.data.frequency)).toBeCloseTo(1, 10);
    expect(sum(json.data.pairShares.flat())).toBeCloseTo(1, 10);
    const sentences = json.data.frequency[json.tags.indexOf('[CLS]')] * json.data.tokens;
    expect(sentences, 'rows of dev').toBeCloseTo(6, 8);
  });
});

describe('rules diff', () => {
  it('lists rules that only one side has, and other scopes, with their share of the pairs', async () => {
    const { changes } = JSON.parse(await output('diff', 'paper', 'floor', '--data', 'data', '--json'));
    const of = (query: string, key: string, kind: string) =>
      changes.find(
        (each: Record<string, string>) => each.query === query && each.key === key && each.kind === kind,
      );
    expect(of('DET', 'NOUN', 'hard')).toMatchObject({ change: 'only in A', scopes: ['document', null] });
    expect(of('NOUN', 'NOUN', 'hard')).toMatchObject({ change: 'scope', scopes: ['document', '0 tokens'] });
    expect(of('[CLS]', 'NOUN', 'hard')).toBeUndefined();
    expect(of('DET', 'NOUN', 'hard').share).toBeGreaterThan(0);
    expect(await output('diff', 'floor', 'paper')).toMatch(/only in B +hard +DET -> NOUN +– +document/);
  });
});

describe('rules density', () => {
  it('is the share of pairs that rules allow in each split, in all and by tag', async () => {
    const { densities } = JSON.parse(await output('density', 'heads.json', '--data', 'data', '--json'));
    expect(densities.map((each: Record<string, string>) => `${each.split} ${each.strategy}`)).toEqual([
      'train hard',
      'train guided',
      'dev hard',
      'dev guided',
    ]);
    const [{ density, closure, tags }] = densities;
    expect(density, 'one of two heads sees everything').toBeGreaterThan(0.5);
    expect(density).toBeLessThan(0.75);
    expect(closure).toHaveLength(3);
    expect(closure.at(-1), 'one of two heads of some layer sees everything').toBeCloseTo(1, 12);
    expect(tags.map(({ tag }: { tag: string }) => tag)).toContain('[SEP]');
    expect(await output('density', 'paper', '--data', 'data', '--splits', 'dev')).toMatch(
      /^\[CLS\] +100\.0 % +100\.0 %$/m,
    );
    expect(await output('density', 'paper', '--data', 'data', '--splits', 'dev')).toMatch(
      /^split +strategy +pairs +density +2 layers +3 layers$/m,
    );
  });

  it('refuses an unknown split', async () => {
    expectRefusal(
      await rules('density', 'paper', '--data', 'data', '--splits', 'dev,all'),
      CALLER,
      /'dev,all'.*expected some of: train, dev, test/,
    );
  });
});

describe('rules predict', () => {
  const predict = (...names: string[]) => [
    'predict',
    ...names,
    '--data',
    'grampair:negation:64',
    '--layers',
    '3',
  ];

  it('says which rules let the readout depend on the deciding pairs of the data, beside density and closure', async () => {
    const closed = 'paper readout:VERB';
    const args = predict(closed, `${closed} +VERB:PART`, 'permuted:3', 'random:3 readout:VERB');
    const { predictions } = JSON.parse(await output(...args, '--json'));
    const pair = { query: 'VERB', key: 'PART' };
    expect(predictions[0]).toMatchObject({ isReached: false, pairs: [{ ...pair, isRule: false }] });
    expect(predictions[1]).toMatchObject({ isReached: true, pairs: [{ ...pair, isRule: true, layers: 2 }] });
    expect(predictions[1].density).toBeGreaterThan(predictions[0].density);
    expect(predictions.map((each: { closure: number[] }) => each.closure.length)).toEqual([3, 3, 3, 3]);
    expect(predictions[2].pairs[0].layers, '[CLS] sees everything').toBe(1);
    expect(await output(...args)).toMatch(/^paper readout:VERB \+VERB:PART .*rule, 2 layers +yes$/m);
  });

  it('refuses data without known pairs, unknown tags and pairs that are not there', async () => {
    const refuse = async (message: RegExp, ...args: string[]) =>
      expectRefusal(await rules(...args), CALLER, message);
    await refuse(/no deciding pairs.*--pairs/, 'predict', 'paper', '--data', 'data');
    await refuse(/unknown tag "VRB"/, ...predict('paper', '--pairs', 'VRB:NOUN'));
    await refuse(/no pair to remove/, ...predict('paper -VERB:PART'));
    await refuse(/unknown tag "PRT"/, ...predict('paper +VERB:PRT'));
  });
});

describe('rules prune', () => {
  beforeAll(async () => {
    await trainedModel(folder, 'learned', '--strategy', 'learned', '--sparsity', '2', '--heads', '1');
  });

  it('writes rules for each head, with which a model can be trained and evaluated', async () => {
    const text = await output(
      'prune',
      '--model',
      'learned',
      '--density',
      '0.6',
      '--data',
      'data',
      '--out',
      'pruned.json',
    );
    expect(text).toMatch(/^layer +head +pairs of tags +density$/m);
    const written = parseModelRules(readFileSync(join(folder, 'pruned.json'), 'utf8')) as HeadRules;
    expect(written.heads.map((layer) => layer.length)).toEqual([1]);
    const printed = Number(/^ +0 +0 +\d+ +([\d.]+) %$/m.exec(text)?.[1]) / 100;
    expect(Math.abs(printed - 0.6)).toBeLessThan(0.05);
    await trainedModel(folder, 'again', '--strategy', 'hard', '--rules', 'pruned.json');
    const saved = parseModelRules(readFileSync(join(folder, 'again/rules.json'), 'utf8'));
    expect(saved).toEqual(written);
  });

  it('writes nothing where it is refused', async () => {
    const prune = (...args: string[]) => rules('prune', '--data', 'data', '--out', 'no.json', ...args);
    expectRefusal(
      await prune('--model', 'learned', '--density', '1.5'),
      CALLER,
      /'--density <share>' argument '1\.5' is invalid\. expected a number above 0, 1 at most$/,
    );
    expect(existsSync(join(folder, 'no.json'))).toBe(false);
  });
});

describe('train is refused', () => {
  it('with rules for other layers or heads, and a penalty on nothing', async () => {
    const says = /^heads\.json: rules for 1 layers of 2 heads; expected 1 layers of 1, as the model has$/;
    expectRefusal(await trainTiny(folder, ['--rules', 'heads.json', '--out', 'no']), CALLER, says);
    expectRefusal(
      await trainTiny(folder, ['--sparsity', '1', '--strategy', 'hard', '--out', 'no']),
      CALLER,
      /^a sparsity penalty of 1 with strategy "hard"; expected strategy "learned"$/,
    );
    expect(existsSync(join(folder, 'no'))).toBe(false);
  });
});
