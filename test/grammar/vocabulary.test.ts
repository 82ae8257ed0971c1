import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { parseVocabulary, SPECIAL_TOKENS, UNCASED, Vocabulary } from '../../src/grammar/vocabulary.js';
import { callerErrorOf } from './caller-error.js';

const VOCABULARY_TOKENS = [...SPECIAL_TOKENS, 'a', '##b'];

describe('Vocabulary', () => {
  it('numbers its tokens in their order, and gives an unknown one the id of [UNK]', () => {
    const vocabulary = new Vocabulary(VOCABULARY_TOKENS);
    expect(vocabulary.size).toBe(7);
    expect(VOCABULARY_TOKENS.map((token) => vocabulary.idOf(token))).toEqual([0, 1, 2, 3, 4, 5, 6]);
    expect(vocabulary.has('b')).toBe(false);
    expect(vocabulary.idOf('b')).toBe(1);
    expect(vocabulary.has('constructor')).toBe(false);
  });

  it.each(SPECIAL_TOKENS)('refuses a list without %s', (special) => {
    const tokens = VOCABULARY_TOKENS.filter((token) => token !== special);
    const { message } = callerErrorOf(() => new Vocabulary(tokens, 'my/vocab.txt'));
    expect(message).toMatch(/^my\/vocab\.txt: no token \[/);
    expect(message).toContain(`no token ${special};`);
  });

  it('refuses a token that occurs twice, and names both lines', () => {
    const { message } = callerErrorOf(
      () => new Vocabulary([...VOCABULARY_TOKENS, 'c', 'a', 'd'], 'my/vocab.txt'),
    );
    expect(message).toBe('my/vocab.txt:9: token "a" is on line 6 already');
  });
});

describe('parseVocabulary', () => {
  it.each([
    ['line feeds', '\n', ''],
    ['line feeds, the last line ended', '\n', '\n'],
    ["Windows' line breaks", '\r\n', '\r\n'],
    ['carriage returns', '\r', '\r'],
  ])('reads a token a line: %s', (_, lineBreak, end) => {
    const vocabulary = parseVocabulary(VOCABULARY_TOKENS.join(lineBreak) + end);
    expect(vocabulary.tokens).toEqual(VOCABULARY_TOKENS);
    expect(parseVocabulary(vocabulary.toText()).tokens).toEqual(VOCABULARY_TOKENS);
  });

  it('keeps tokens that other definitions of a line split or trim', () => {
    const tokens = [...VOCABULARY_TOKENS, '\u2028', '\u0085', 'x ', '\u00a0'];
    expect(parseVocabulary(`${tokens.join('\n')}\n`).tokens).toEqual(tokens);
  });

  it.each([
    [[], true],
    [['[URL]', '<URL>', '##é', 'ß', '中'], true],
    [['The'], false],
    [['##É'], false],
  ])('lower-cases texts where no token has a capital, but in brackets: %j', (more, lowerCase) => {
    const text = `${[...VOCABULARY_TOKENS, ...more].join('\n')}\n`;
    expect(parseVocabulary(text).normalisation).toMatchObject({ lowerCase, stripAccents: lowerCase });
    expect(parseVocabulary(text).isCaseGuessed).toBe(true);
    expect(parseVocabulary(text, 'v', UNCASED).normalisation).toEqual(UNCASED);
  });

  it('reads a million lines in a second or two', () => {
    const { user } = process.cpuUsage();
    const lines = Array.from({ length: 1_000_000 }, (_, line) => `w${line}\n`);
    expect(parseVocabulary(`${VOCABULARY_TOKENS.join('\n')}\n${lines.join('')}`).size).toBe(1_000_007);
    expect((process.cpuUsage().user - user) / 1e6).toBeLessThan(20);
  });

  it('refuses as the constructor does', () => {
    expect(callerErrorOf(() => parseVocabulary('')).message).toContain('vocab.txt: no token [PAD]');
    const twice = `${[...VOCABULARY_TOKENS, 'a'].join('\r\n')}\r\n`;
    expect(callerErrorOf(() => parseVocabulary(twice, 'v')).message).toMatch(/^v:8: token "a"/);
  });
});

describe('bertVocabulary', () => {
  it('is that of bert-base-uncased, to the byte', () => {
    const text = bertVocabulary().toText();
    const digest = createHash('sha256').update(text).digest('hex');
    expect(digest).toBe('07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3');
    expect(bertVocabulary().size).toBe(30_522);
  });

  it('has the special tokens where checkpoints expect them', () => {
    const ids = SPECIAL_TOKENS.map((token) => bertVocabulary().idOf(token));
    expect(ids).toEqual([0, 100, 101, 102, 103]);
  });
});
