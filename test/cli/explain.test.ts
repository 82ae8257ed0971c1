import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DOMParser, parseHTML } from 'linkedom';
import { beforeAll, describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { SENTENCE, trainedModel, writeTinyData } from './tiny-model.js';

const TEXT = 'the unaffordable film';

describe('explain', () => {
  const folder = temporaryFolder();

  beforeAll(async () => {
    writeTinyData(folder);
    await trainedModel(folder, 'hard', '--strategy', 'hard');
  });

  it('prints words, tags, pairs, and how to get the page', async () => {
    const { status, stdout, stderr } = await runHere(['explain', TEXT]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    const lines = stdout.split('\n').map((line) => line.split(/ {2,}/));
    expect(lines.slice(0, 6)).toEqual([
      ['word', 'tag', 'tokens'],
      ['[CLS]', '[CLS]', '[CLS]'],
      ['the', 'DET', 'the'],
      ['unaffordable', 'ADJ', 'una ##ff ##ord ##able'],
      ['film', 'NOUN', 'film'],
      ['[SEP]', '[SEP]', '[SEP]'],
    ]);
    // 37 of 64, as `tag` counts them.
    expect(stdout).toContain(
      '58 % of 64 pairs exist: with padding, so short a text saves no work (strategy hard, rules "paper").',
    );
    expect(stdout).toContain('64 dense, 37 useful, ');
    expect(stdout).toContain('Closure: 70.3 % of all pairs are joined after 3 layers');
    expect(stdout).toContain('--out page.html');
  });

  it('--json prints tokens, words, order, tag runs, tiles and pair counts, and nothing else', async () => {
    const { status, stdout, stderr } = await runHere([
      'explain',
      TEXT,
      '--json',
      '--strategy',
      'guided',
      '--beta',
      '2',
    ]);
    expect([status, stderr]).toEqual([0, '']);
    const printed = JSON.parse(stdout);
    expect(printed).toMatchObject({ text: TEXT, strategy: 'guided', rules: 'paper', beta: 2, cut: 0 });
    expect(printed.pairCounts).toMatchObject({ useful: 37, dense: 64, density: 37 / 64 });
    expect(printed.tokens.map(({ word }: { word: number }) => word)).toEqual([0, 1, 2, 2, 2, 2, 3, 4]);
    expect(printed.words[2]).toEqual({ word: 'unaffordable', tag: 'ADJ' });
    expect([...printed.order].sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    const useful = printed.tiles[0].tiles.reduce(
      (sum: number, tile: { useful: number }) => sum + tile.useful,
      0,
    );
    expect(useful).toBe(37);
  });

  it('--out writes a picture of the pairs alone, as SVG', async () => {
    const { status, stdout, stderr } = await runHere(['explain', TEXT, '--out', 'pairs.svg'], {
      cwd: folder,
    });
    expect([status, stdout]).toEqual([0, '']);
    expect(stderr).toContain('The picture is pairs.svg');
    const picture = new DOMParser().parseFromString(
      readFileSync(join(folder, 'pairs.svg'), 'utf8'),
      'image/svg+xml',
    );
    const titles = [...picture.querySelectorAll('.title')].map((title) => title.textContent);
    expect(titles).toEqual([
      expect.stringMatching(/^Reading order: /),
      expect.stringMatching(/^Sorted by tag: /),
    ]);
  });

  it('--out writes the page, by a preset within a scope and by a file', async () => {
    const rules = join(folder, 'same-tag.json');
    writeFileSync(rules, '{ "name": "same tag", "hard": { "*": ["="] } }');
    for (const name of ['paper@sentence', rules]) {
      const { status, stdout, stderr } = await runHere(
        ['explain', TEXT, '--rules', name, '--out', 'page.html'],
        { cwd: folder },
      );
      expect([status, stdout]).toEqual([0, '']);
      expect(stderr).toContain('The page is page.html');
      const { document } = parseHTML(readFileSync(join(folder, 'page.html'), 'utf8'));
      expect(document.querySelector('caption')!.textContent).toContain(
        name === rules ? '"same tag"' : '"paper@sentence"',
      );
      expect(document.querySelectorAll('#attention')).toHaveLength(0);
    }
  });

  it('--model adds the prediction of predict, attribution, and attention over the pairs that exist', async () => {
    const { status, stdout } = await runHere(['explain', SENTENCE, '--model', 'hard', '--json'], {
      cwd: folder,
    });
    expect(status).toBe(0);
    const printed = JSON.parse(stdout);
    const predicted = JSON.parse(
      (await runHere(['predict', SENTENCE, '--model', 'hard', '--json'], { cwd: folder })).stdout,
    );
    expect(printed.label).toBe(predicted[0].label);
    expect(printed.probabilities).toEqual(predicted[0].probabilities);
    const [[head]] = printed.attention;
    const attended = head.flat().filter((probability: number) => probability > 0).length;
    expect(attended).toBe(printed.pairCounts.useful);
    for (const row of head)
      expect(row.reduce((sum: number, each: number) => sum + each, 0)).toBeCloseTo(1, 4);
    expect(printed.words.some(({ attribution }: { attribution: number }) => attribution !== 0)).toBe(true);
  });

  it('--model with other rules reports them, and the page has them', async () => {
    const args = ['explain', SENTENCE, '--model', 'hard', '--rules', 'all-pairs', '--out', 'read.html'];
    const { status, stderr } = await runHere(args, { cwd: folder });
    expect(status).toBe(0);
    expect(stderr).toContain('rules all-pairs');
    const { document } = parseHTML(readFileSync(join(folder, 'read.html'), 'utf8'));
    expect(document.querySelector('.lead')!.textContent).toMatch(
      /^Prediction: (negative|positive) \(negative [\d.]+ %/,
    );
    expect(document.querySelectorAll('input[name="head"]')).toHaveLength(1);
    expect(document.querySelector('.facts')!.textContent).toContain('"all-pairs"');
  });

  it.each(['', '   ', '\u200b'])('refuses a text without words: %j', async (text) => {
    const { status, stdout, stderr } = await runHere(['explain', text, '--out', 'nothing.html'], {
      cwd: folder,
    });
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toBe('parsimony: no word in the text; expected a sentence\n');
    expect(existsSync(join(folder, 'nothing.html'))).toBe(false);
  });

  it('reads the first of 5,000 words, and reports where it stopped', async () => {
    const long = 'the film is not funny at all , they said . '.repeat(500);
    const { status } = await runHere(['explain', long, '--out', 'long.html'], { cwd: folder });
    expect(status).toBe(0);
    expect(readFileSync(join(folder, 'long.html'), 'utf8')).toContain(
      'only the first 512 tokens were read; 4,990 more were not',
    );
  });
});
