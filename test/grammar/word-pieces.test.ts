import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { type Piece, splitPieces } from '../../src/grammar/word-pieces.js';
import { runs } from '../support/arbitraries.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText } from './texts.js';

function pieces(text: string): Piece[] {
  return splitPieces(text, bertVocabulary());
}

function words(text: string): string[] {
  return pieces(text).map((piece) => piece.text);
}

/** The pieces of `text` and, in brackets, what each was made of. */
function origins(text: string): string {
  return pieces(text)
    .map((piece) => `${piece.text}[${text.slice(piece.start, piece.end)}]`)
    .join(' ');
}

/** The first broken promise, so that the many cases cost one `expect` each. */
function complaint(text: string): string | undefined {
  let last = { start: 0, end: 0 };
  for (const piece of pieces(text)) {
    if (!(piece.start >= 0 && piece.start < piece.end && piece.end <= text.length)) return 'out of range';
    if (piece.start < last.start || piece.end < last.end) return 'out of order';
    if (bertVocabulary().pieces[piece.id] !== piece.text) return 'an id of another piece';
    last = piece;
  }
  return undefined;
}

function asciiComplaint(text: string): string | undefined {
  let end = 0;
  for (const piece of pieces(text)) {
    const source = text.slice(piece.start, piece.end);
    const expected = piece.text.replace(/^##(?=.)/, '');
    if (piece.isSpecial) {
      if (source !== piece.text) return `${piece.text} from "${source}"`;
    } else if (piece.text !== '[UNK]' && source.toLowerCase() !== expected)
      return `${piece.text} from "${source}"`;
    if (piece.start < end) return `${piece.text} overlaps`;
    if (text.slice(end, piece.start).trim() !== '') return `"${text.slice(end, piece.start)}" is lost`;
    end = piece.end;
  }
  return text.slice(end).trim() === '' ? undefined : `"${text.slice(end)}" is lost`;
}

describe('splitPieces', () => {
  it('takes the longest piece first', () => {
    expect(words('Unaffable playing.')).toEqual(['una', '##ffa', '##ble', 'playing', '.']);
  });

  it('gives up on a word that cannot be spelled, and on one of more than 100 characters', () => {
    expect(words('a \u2c80\u2c80 b')).toEqual(['a', '[UNK]', 'b']);
    expect(words('a'.repeat(100))).not.toContain('[UNK]');
    expect(origins(` ${'a'.repeat(101)} b`)).toBe(`[UNK][${'a'.repeat(101)}] b[b]`);
  });

  it('takes a special token in a text for one piece, in capitals alone', () => {
    expect(origins('go[SEP]on [MASK] [unk]')).toBe(
      'go[go] [SEP][[SEP]] on[on] [MASK][[MASK]] [[[] un[un] ##k[k] ][]]',
    );
  });

  it('finds nothing in nothing', () => {
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
    // BERT's list of ideographs begins this block at 20000; no piece knows them.
    expect(origins('a𠀀𠀁b')).toBe('a[a] [UNK][𠀀] [UNK][𠀁] b[b]');
  });

  it('points at what a character was before it was normalised', () => {
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

  it('keeps characters that Unicode has not assigned, for what is assigned depends on the version of Node', () => {
    expect(words('a\u0378b c')).toEqual(['[UNK]', 'c']);
  });

  it('writes a sigma at the end of a word as BERT does, which lowers whole words', () => {
    expect(words('ΟΔΟΣ')).toEqual(words('οδος'));
    expect(words('ΣΟΦΟΣ.')).toEqual(words('σοφος.'));
  });

  it('gives every piece a place, in order, for any text', () => {
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
