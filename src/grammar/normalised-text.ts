import type { Normalisation } from './vocabulary.js';

/** White space in BERT's tokenizer, after `IGNORED` characters are removed. */
export const SPACE = /\s/u;

/**
 * Characters that BERT's tokenizer drops: control, format, private-use and surrogate characters. Unassigned characters stay,
 * and become unknown tokens.
 */
export const IGNORED = /[\p{Cf}\p{Co}\p{Cs}\ufffd]|(?![\t\n\r])\p{Cc}/u;

const ACCENT = /\p{Mn}/gu;
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;

/** A normalised character with its position in the original text. */
export interface Character {
  text: string;
  start: number;
  end: number;
}

/**
 * The characters that are not ignored, optionally in lower case. The text is lower-cased as a whole, since a sigma at a word's
 * end has another lower case. Only İ becomes longer by that, and is replaced first.
 */
function keptCharacters(text: string, offset: number, lowerCase: boolean): Character[] {
  const characters: Character[] = [];
  let start = offset;
  for (const original of text) {
    const end = start + original.length;
    const written = lowerCase && original === 'İ' ? 'i\u0307' : original;
    if (!IGNORED.test(original)) for (const text of written) characters.push({ text, start, end });
    start = end;
  }
  if (!lowerCase) return characters;
  const lower = characters
    .map((character) => character.text)
    .join('')
    .toLowerCase();
  let index = 0;
  for (const character of lower) characters[index++].text = character;
  return characters;
}

/**
 * Normalises a text as BERT's tokenizer does before it splits words: drops control characters, replaces any white space by a
 * space, puts spaces around each ideograph, lower-cases letters and strips their accents.
 * @param offset The position of this text in the whole text, which positions refer to.
 */
export function normalised(text: string, offset: number, normalisation: Normalisation): Character[] {
  const { lowerCase, stripAccents, splitIdeographs } = normalisation;
  const characters: Character[] = [];
  for (const character of keptCharacters(text, offset, lowerCase)) {
    const { text: written, start, end } = character;
    if (written < '\u0080') {
      characters.push(SPACE.test(written) ? { text: ' ', start, end } : character);
      continue;
    }
    if (SPACE.test(written)) {
      characters.push({ text: ' ', start, end });
      continue;
    }
    const stripped = stripAccents ? written.normalize('NFD').replace(ACCENT, '') : written;
    for (const plain of stripped) {
      const isWord = splitIdeographs && IDEOGRAPH.test(plain);
      if (isWord) characters.push({ text: ' ', start, end: start });
      characters.push({ text: plain, start, end });
      if (isWord) characters.push({ text: ' ', start: end, end });
    }
  }
  return characters;
}
