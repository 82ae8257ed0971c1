import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const TEXT = 'the unaffordable film';

const TOKENS = [
  ['[CLS]', '[CLS]', ''],
  ['the', 'DET', 'the'],
  ['una', 'ADJ', 'una'],
  ['##ff', 'ADJ', 'ff'],
  ['##ord', 'ADJ', 'ord'],
  ['##able', 'ADJ', 'able'],
  ['film', 'NOUN', 'film'],
  ['[SEP]', '[SEP]', ''],
];

/**
 * By hand, from the paper's hard rules: [CLS] sees all eight, the DET itself and the NOUN, each of the four ADJ these four
 * and the NOUN, the NOUN itself, the DET and the four ADJ, [SEP] itself.
 */
const ALLOWED = 8 + 2 + 4 * 5 + 6 + 1;

describe('tag', () => {
  const folder = temporaryFolder();

  it('--json prints tokens with tags and positions, the pairs and the density, and nothing else', async () => {
    const { status, stdout, stderr } = await runHere(['tag', TEXT, '--json']);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    const printed = JSON.parse(stdout);
    expect(printed).toMatchObject({ text: TEXT, rules: 'paper', pairs: 64, allowedPairs: ALLOWED });
    expect(printed.density).toBe(ALLOWED / 64);
    // Through the NOUN, the DET sees the ADJ and they see it.
    expect(printed.closure).toEqual([ALLOWED, ALLOWED + 4 + 4, ALLOWED + 4 + 4].map((pairs) => pairs / 64));
    const shown = printed.tokens.map(({ token, tag, start, end }: Record<string, never>) => {
      return [token, tag, TEXT.slice(start, end)];
    });
    expect(shown).toEqual(TOKENS);
    const ids = printed.tokens.map(({ id }: { id: number }) => id);
    expect([ids[0], ids[1], ids[6], ids[7]], "some of BERT's ids").toEqual([101, 1996, 2143, 102]);
  });

  it('prints the same as a table, and the density in words', async () => {
    const { status, stdout, stderr } = await runHere(['tag', TEXT]);
    expect(status).toBe(0);
    expect(stderr).toBe('');
    const [head, ...lines] = stdout.trimEnd().split('\n');
    expect(head.split(/ {2,}/)).toEqual(['token', 'tag', 'text']);
    const rows = lines.slice(0, TOKENS.length).map((line) => line.split(/ {2,}/));
    expect(rows).toEqual(TOKENS.map((row) => row.filter((cell) => cell !== '')));
    expect(lines.at(-1)).toBe(
      'The hard rules "paper" allow 37 of 64 pairs: density 57.8 %; after 3 layers 70.3 % are joined.',
    );
  });

  it('counts under the rules of a file', async () => {
    const file = join(folder, 'same-tag.json');
    writeFileSync(file, '{ "name": "same tag", "hard": { "*": ["="] } }');
    const { stdout } = await runHere(['tag', TEXT, '--rules', file, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ rules: 'same tag', allowedPairs: 1 + 1 + 4 * 4 + 1 + 1 });
  });
});
