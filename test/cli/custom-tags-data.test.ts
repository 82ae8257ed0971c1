import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { glueNames } from '../../src/cli/glue.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';

const folder = temporaryFolder();
const RULES = { tags: ['T1', 'T2', '[CLS]'], hard: { '*': ['='], T1: ['T2'], '[CLS]': ['*'] } };
const TEXT = ['--data', 'custom.csv', '--text-column', 'review'];
const TAGGED = [...TEXT, '--tags-column', 'tags'];

beforeAll(() => {
  writeFileSync(join(folder, 'rules.json'), JSON.stringify(RULES));
  const rows = 'the film is good,T1 T2 T1 T2\nit is dull now,T2 T1 T1 T2\n';
  writeFileSync(join(folder, 'custom.csv'), `review,tags\n${rows}`);
});

const run = (...args: string[]) => runHere(args, { cwd: folder });

describe('commands on rules about custom tags', () => {
  it('count the pairs of these tags', async () => {
    const { stdout, stderr } = await run('rules', 'density', 'rules.json', ...TAGGED, '--json');
    expect(stderr).toBe('');
    const [{ split, pairs, density }] = JSON.parse(stdout).densities;
    // In each text, [CLS] sees itself and four words, T1 four words twice, T2 two twice, [SEP] nothing: 17 of 36.
    expect({ split, pairs, density }).toEqual({ split: 'train', pairs: 72, density: 34 / 72 });
    const shown = await run('rules', 'show', 'rules.json', ...TAGGED, '--json');
    expect(JSON.parse(shown.stdout).data.frequency).toEqual([4 / 12, 4 / 12, 2 / 12]);
    const same = await run('rules', 'diff', 'rules.json', 'rules.json', ...TAGGED);
    expect(same.stdout).toMatch(/Both have the same rules/);
  });

  it('refuse texts without tags, and tags that the rules do not have', async () => {
    const without =
      /^text 1: no tags, and rules ".*" are about tags that the tagger does not give: T1, T2; exp/;
    const unknown = /^custom\.csv:2: unknown tag "T1"; expected a tag of the rules: ADJ/;
    for (const command of [
      ['rules', 'density'],
      ['rules', 'show'],
      ['bench', 'attention', '--rules'],
      ['bench', 'growth', '--rules'],
    ]) {
      expectRefusal(await run(...command, 'rules.json', ...TEXT), CALLER, without);
      expectRefusal(await run(...command, 'paper', ...TAGGED), CALLER, unknown);
    }
  });
});

describe('the names of classes in a file for GLUE', () => {
  it.each([
    [
      ['NEGATIVE', 'POSITIVE'],
      ['0', '1'],
    ],
    [
      ['positive', 'negative'],
      ['1', '0'],
    ],
    [
      ['LABEL_0', 'LABEL_1'],
      ['0', '1'],
    ],
    [
      ['Entailment', 'not_entailment'],
      ['entailment', 'not_entailment'],
    ],
  ])('of %j are %j', (classes, names) => expect(glueNames(classes)).toEqual(names));

  it.each([[['good', 'bad']], [['1', '2']], [['a', 'b', 'c']]])('of %j are none', (classes) => {
    expect(callerErrorOf(() => glueNames(classes)).message).toMatch(/^--glue: classes .*; expected those of/);
  });
});
