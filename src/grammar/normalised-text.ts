import type { Normalisation } from './vocabulary.js';

/** White space, as BERT's tokenizer and ours know it, once what `IGNORED` names is gone. */
export const SPACE = /\s/u;

/**
 * What BERT's tokenizer drops from a text: control characters, formats, surrogates; not what Unicode has not assigned yet,
 * which is an unknown token.
 */
export const IGNORED = /[\p{Cf}\p{Co}\p{Cs}\ufffd]|(?![\t\n\r])\p{Cc}/u;

const ACCENT = /\p{Mn}/gu;
const IDEOGRAPH =
  /[\u4e00-\u9fff\u3400-\u4dbf\u{20000}-\u{2a6df}\u{2a700}-\u{2b73f}\u{2b740}-\u{2b81f}\u{2b820}-\u{2ceaf}\uf900-\ufaff\u{2f800}-\u{2fa1f}]/u;

/** A normalised character with the place in the text that it came from. */
export interface Character {
  text: string;
  start: number;
  end: number;
}

/**
 * The characters that count, in lower case where that is asked for. A sigma at a word's end has another lower case, so that
 * the text is lowered as a whole; only İ becomes longer by it, and is written out beforehand.
 */
function counting(text: string, offset: number, lowerCase: boolean): Character[] {
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
 * What BERT's tokenizer makes of a text before it splits words: control characters are dropped, any white space is a space,
 * each ideograph gets a space before and after it, letters are lower-cased and lose their accents.
 * @param offset Where the text begins in the one that places are counted in.
 */
export function normalised(text: string, offset: number, normalisation: Normalisation): Character[] {
  const { lowerCase, stripAccents, splitIdeographs } = normalisation;
  const characters: Character[] = [];
  for (const character of counting(text, offset, lowerCase)) {
    const { text: written, start, end } = character;
    if (written < '\u0080') {
      characters.push(SPACE.test(written) ? { text: ' ', start, end } : character);
      continue;
    }
    if (SPACE.test(written)) {
      characters.push({ text: ' ', start, end });
      continue;
    }
    const plainly = stripAccents ? written.normalize('NFD').replace(ACCENT, '') : written;
    for (const plain of plainly) {
      const alone = splitIdeographs && IDEOGRAPH.test(plain);
      if (alone) characters.push({ text: ' ', start, end: start });
      characters.push({ text: plain, start, end });
      if (alone) characters.push({ text: ' ', start: end, end });
    }
  }
  return characters;
}
