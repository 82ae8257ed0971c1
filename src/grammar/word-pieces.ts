import type { Normalisation, Vocabulary } from './vocabulary.js';

/** A word piece and where it stands in the text, in UTF-16 units; special pieces stand nowhere (start = end). */
export interface Piece {
  id: number;
  text: string;
  start: number;
  end: number;
}

/** BERT gives up on longer words. */
const LONGEST_WORD = 100;

const SPACE = /\s/u;
/** Control characters, formats, surrogates; not what Unicode has not assigned yet, which is an unknown piece. */
const DROPPED = /[\p{Cf}\p{Co}\p{Cs}\ufffd]|(?![\t\n\r])\p{Cc}/u;
const ACCENT = /\p{Mn}/gu;
/** ASCII symbols count as punctuation too, although Unicode says otherwise of some. */
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;

/** A normalised character with the place in the text that it came from. */
interface Character {
  text: string;
  start: number;
  end: number;
}

/**
 * The characters that count, in lower case where that is asked for. The text is lowered as a whole, since a sigma at a
 * word's end has a lower case of its own; only İ becomes longer by it, so it is written out beforehand.
 */
function counting(text: string, lowerCase: boolean): Character[] {
  const characters: Character[] = [];
  let start = 0;
  for (const original of text) {
    const end = start + original.length;
    const written = lowerCase && original === 'İ' ? 'i\u0307' : original;
    if (!DROPPED.test(original)) for (const text of written) characters.push({ text, start, end });
    start = end;
  }
  if (!lowerCase) return characters;
  const lower = characters
    .map((character) => character.text)
    .join('')
    .toLowerCase();
  return [...lower].map((character, index) => ({ ...characters[index], text: character }));
}

/** Lower-cases, strips accents, drops control characters, and splits at spaces, punctuation and ideographs. */
function splitWords(text: string, normalisation: Normalisation): Character[][] {
  const { lowerCase, stripAccents, splitIdeographs } = normalisation;
  const words: Character[][] = [];
  let word: Character[] = [];
  const finish = () => {
    if (word.length > 0) words.push(word);
    word = [];
  };
  for (const { text: character, start, end } of counting(text, lowerCase)) {
    if (SPACE.test(character)) {
      finish();
      continue;
    }
    const plainly = stripAccents ? character.normalize('NFD').replace(ACCENT, '') : character;
    for (const plain of plainly) {
      const alone = PUNCTUATION.test(plain) || (splitIdeographs && IDEOGRAPH.test(plain));
      if (alone) finish();
      word.push({ text: plain, start, end });
      if (alone) finish();
    }
  }
  finish();
  return words;
}

function longestPiece(
  word: Character[],
  from: number,
  vocabulary: Vocabulary,
): { to: number; text: string } | undefined {
  for (let to = word.length; to > from; to--) {
    const characters = word.slice(from, to).map((character) => character.text);
    const text = (from > 0 ? '##' : '') + characters.join('');
    if (vocabulary.has(text)) return { to, text };
  }
  return undefined;
}

function splitWord(word: Character[], vocabulary: Vocabulary): Piece[] {
  const pieces: Piece[] = [];
  let from = 0;
  while (from < word.length) {
    const found = word.length > LONGEST_WORD ? undefined : longestPiece(word, from, vocabulary);
    if (!found) {
      return [{ id: vocabulary.idOf('[UNK]'), text: '[UNK]', start: word[0].start, end: word.at(-1)!.end }];
    }
    const { to, text } = found;
    pieces.push({ id: vocabulary.idOf(text), text, start: word[from].start, end: word[to - 1].end });
    from = to;
  }
  return pieces;
}

/**
 * Splits a text into the word pieces of BERT's tokenizer, normalised as the vocabulary says: greedy, longest match first (Wu et al. 2016,
 * arXiv 1609.08144, section 4.1; normalisation as in google-research/bert). Special pieces are not added, and text that
 * looks like one ("[SEP]") is text.
 */
export function splitPieces(text: string, vocabulary: Vocabulary): Piece[] {
  return splitWords(text, vocabulary.normalisation).flatMap((word) => splitWord(word, vocabulary));
}
