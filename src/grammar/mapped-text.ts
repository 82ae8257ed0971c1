import { IGNORED, SPACE } from './characters.js';

/** A text that was made from another one. */
export interface MappedText {
  text: string;
  /** For each UTF-16 unit of `text`, and one past its end, the place in the original text. */
  origins: Uint32Array;
}

/** What stands for an apostrophe wherever it is: the curly one, that of letters, the wide one, the prime and their like. */
const APOSTROPHE = /[\u2019\u2018\u201b\u02bc\u02b9\u02bb\u02bd\u2032\uff07\ua78c]/u;

/** An accent that stands for an apostrophe between letters, or before the ending of a contraction. */
const ACCENT_AS_APOSTROPHE = /[`\u00b4](?<=\p{L}\s*.)(?=(?:s|re|ve|ll|d|m|t)(?![\p{L}\p{N}]))/giu;

/** What is not as the tagger is to see it, or may not be; most texts have none of it. */
const MAY_CHANGE = /[^\x20-\x5f\x61-\x7e]| {2}|^ | $/;

function asIs(text: string): MappedText {
  return { text, origins: Uint32Array.from({ length: text.length + 1 }, (_, place) => place) };
}

/**
 * A text as the tagger is to see it, so that it tags the ways to write one text alike: white space of any kind and length is
 * one space and none at the text's ends, curly apostrophes are straight, and what BERT's tokenizer drops (control characters,
 * soft hyphens) is not there.
 */
export function plainText(original: string): MappedText {
  if (!MAY_CHANGE.test(original)) return asIs(original);
  const written = original.replace(ACCENT_AS_APOSTROPHE, "'");
  const origins: number[] = [];
  let text = '';
  let space = -1;
  let place = 0;
  for (const character of written) {
    const start = place;
    place += character.length;
    if (IGNORED.test(character)) continue;
    if (SPACE.test(character)) {
      if (space < 0) space = start;
      continue;
    }
    if (space >= 0 && text !== '') {
      text += ' ';
      origins.push(space);
    }
    space = -1;
    text += APOSTROPHE.test(character) ? "'" : character;
    for (let unit = start; unit < place; unit++) origins.push(unit);
  }
  origins.push(original.length);
  return { text, origins: Uint32Array.from(origins) };
}
