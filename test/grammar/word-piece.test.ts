import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { splitTokens, type Token } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText } from './texts.js';

function tokens(text: string): Token[] {
  return splitTokens(text, bertVocabulary());
}

function words(text: string): string[] {
  return tokens(text).map((token) => token.text);
}

/** The tokens of `text` and, in brackets, the characters of each. */
function origins(text: string): string {
  return tokens(text)
    .map((token) => `${token.text}[${text.slice(token.start, token.end)}]`)
    .join(' ');
}

/** The first guarantee that does not hold, so that each of the many cases costs one `expect`. */
function complaint(text: string): string | undefined {
  let last = { start: 0, end: 0 };
  for (const token of tokens(text)) {
    if (!(token.start >= 0 && token.start < token.end && token.end <= text.length)) return 'out of range';
    if (token.start < last.start || token.end < last.end) return 'out of order';
    if (bertVocabulary().tokens[token.id] !== token.text) return 'an id of another token';
    last = token;
  }
  return undefined;
}

function asciiComplaint(text: string): string | undefined {
  let end = 0;
  for (const token of tokens(text)) {
    const source = text.slice(token.start, token.end);
    const expected = token.text.replace(/^##(?=.)/, '');
    if (token.isSpecial) {
      if (source !== token.text) return `${token.text} from "${source}"`;
    } else if (token.text !== '[UNK]' && source.toLowerCase() !== expected)
      return `${token.text} from "${source}"`;
    if (token.start < end) return `${token.text} overlaps`;
    if (text.slice(end, token.start).trim() !== '') return `"${text.slice(end, token.start)}" is lost`;
    end = token.end;
  }
  return text.slice(end).trim() === '' ? undefined : `"${text.slice(end)}" is lost`;
}

describe('splitTokens', () => {
  it('takes the longest token first', () => {
    expect(words('Unaffable playing.')).toEqual(['una', '##ffa', '##ble', 'playing', '.']);
  });

  it('gives [UNK] for a word that has no tokens, or more than 100 characters', () => {
    expect(words('a \u2c80\u2c80 b')).toEqual(['a', '[UNK]', 'b']);
    expect(words('a'.repeat(100))).not.toContain('[UNK]');
    expect(origins(` ${'a'.repeat(101)} b`)).toBe(`[UNK][${'a'.repeat(101)}] b[b]`);
  });

  it('reads a special token in a text as one token, only in capitals', () => {
    expect(origins('go[SEP]on [MASK] [unk]')).toBe(
      'go[go] [SEP][[SEP]] on[on] [MASK][[MASK]] [[[] un[un] ##k[k] ][]]',
    );
  });

  it('finds nothing in an empty text', () => {
    expect(words('')).toEqual([]);
    expect(words(' \t\r\n\u00a0\u2003')).toEqual([]);
    expect(words('\u0000\u200b\ufffd\u0301')).toEqual([]);
  });

  it('splits at every punctuation mark, ASCII symbols among them', () => {
    expect(words("it's $5^2")).toEqual(['it', "'", 's', '$', '5', '^', '2']);
    expect(words('a…b—c')).toEqual(['a', '…', 'b', '—', 'c']);
  });

  it('splits ideographs, also those beyond the basic plane', () => {
    expect(origins('a中国b')).toBe('a[a] 中[中] 国[国] b[b]');
    // BERT's list of ideographs starts this block at 20000; no token has them.
    expect(origins('a𠀀𠀁b')).toBe('a[a] [UNK][𠀀] [UNK][𠀁] b[b]');
  });

  it('points at the characters before normalisation', () => {
    expect(origins('Café')).toBe('cafe[Café]');
    expect(origins('Cafe\u0301 x')).toBe('cafe[Cafe] x[x]');
    expect(origins('İstanbul')).toBe('istanbul[İstanbul]');
    expect(origins('a\u200bb')).toBe('ab[a\u200bb]');
    expect(origins('x 한 y')).toBe('x[x] ᄒ[한] ##ᅡ[한] ##ᆫ[한] y[y]');
    expect(origins('😀a')).toBe('[UNK][😀a]');
  });

  it.each([
    ['vertical tab', '\v'],
    ['form feed', '\f'],
    ['byte order mark', '\ufeff'],
  ])('drops the %s, which BERT takes for a control character and not for a space', (_, character) => {
    expect(words(`play${character}ing`)).toEqual(['playing']);
  });

  it('keeps unassigned characters, since the assigned ones depend on the version of Node', () => {
    expect(words('a\u0378b c')).toEqual(['[UNK]', 'c']);
  });

  it('writes a sigma at the end of a word as BERT does, which lowers whole words', () => {
    expect(words('ΟΔΟΣ')).toEqual(words('οδος'));
    expect(words('ΣΟΦΟΣ.')).toEqual(words('σοφος.'));
  });

  it('gives every token a position, in order, for any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(complaint(text)).toBeUndefined();
      }),
      runs(2000),
    );
  });

  it('loses nothing of an ASCII text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', size: 'max', maxLength: 200 }), (text) => {
        expect(asciiComplaint(text)).toBeUndefined();
      }),
      runs(2000),
    );
  });

  it.skipIf(SST2_IS_MISSING)('loses nothing of the sentences of SST-2 (needs ../shared/sst2)', () => {
    const sentences = devSentences();
    expect(sentences).toHaveLength(872);
    for (const sentence of sentences) {
      expect(complaint(sentence)).toBeUndefined();
      // biome-ignore lint/suspicious/noControlCharactersInRegex: ASCII is meant.
      if (/^[\x00-\x7f]*$/.test(sentence)) expect(asciiComplaint(sentence)).toBeUndefined();
    }
  });
});
