import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { tagWords } from '../../src/grammar/tagger.js';
import { taggedTokens } from '../support/tagged-text.js';

/** Texts that are long enough that wink's expressions took minutes or hours. In linear time none takes a second. */
const LONG: [string, string][] = [
  ['a word', 'a'.repeat(120_000)],
  ['apostrophes', "'".repeat(200_000)],
  ['addresses', '//a:b@'.repeat(20_000)],
  ['hyphens', 'a-'.repeat(60_000)],
  ['abbreviations', 'a.'.repeat(60_000)],
  ['ideographs', '中'.repeat(100_000)],
  ['contractions', `it${" 's".repeat(40_000)}`],
  ['spaces', `${' '.repeat(200_000)}x${' '.repeat(200_000)}\`s`],
  ['line breaks', 'x\n'.repeat(60_000)],
  ['paragraphs', 'x\n\n'.repeat(20_000)],
];

/** Generous: a slow, loaded machine takes ten times as long as a fast one, quadratic time a thousand times. */
const MOST_SECONDS = 20;

describe.each(LONG)('a long text of %s', (_, text) => {
  it('is tagged in time', () => {
    const { user } = process.cpuUsage();
    tagWords(text);
    taggedTokens(text, bertVocabulary(), 128);
    expect((process.cpuUsage().user - user) / 1e6).toBeLessThan(MOST_SECONDS);
  });
});

describe('a run without white space', () => {
  it('is tagged in parts that never end after a letter', () => {
    const words = tagWords(`${'very-good,'.repeat(60)}`);
    const cut = words.filter(({ start, end }, index) => end !== words[index + 1]?.start && start > 0);
    expect(cut).toHaveLength(1);
    expect(words.every(({ tag }) => tag !== 'X')).toBe(true);
  });

  it('keeps both halves of a character together', () => {
    const text = `a${'𝒜'.repeat(400)}`;
    expect(tagWords(text).every(({ start }) => start % 2 === 1 || start === 0)).toBe(true);
  });
});
