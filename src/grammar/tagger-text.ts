import { IGNORED, SPACE } from './normalised-text.js';

/** A changed text that knows where its characters were in the original. */
export interface MappedText {
  text: string;
  /** For each UTF-16 unit of `text`, and one past its end, its position in the original text. */
  origins: Uint32Array;
}

/** Characters that are always apostrophes: curly, modifier letter, full-width, prime and similar. */
const APOSTROPHE = /[\u2019\u2018\u201b\u02bc\u02b9\u02bb\u02bd\u2032\uff07\ua78c]/u;

/** An accent that is used as an apostrophe, before the ending of a contraction. */
const ACCENT_AS_APOSTROPHE = /[`\u00b4](?<=\p{L}\s*.)(?=(?:s|re|ve|ll|d|m|t)(?![\p{L}\p{N}]))/giu;

/** Characters that may have to change. Most texts have none. */
const MAY_CHANGE = /[^\x20-\x5f\x61-\x7e]| {2}|^ | $/;

function unchanged(text: string): MappedText {
  return { text, origins: Uint32Array.from({ length: text.length + 1 }, (_, position) => position) };
}

/**
 * Normalises a text for the tagger, so that different spellings of one text get the same tags. White space of any kind and
 * length becomes one space, and is removed at both ends. Curly apostrophes become straight. Characters that BERT's tokenizer
 * drops (control characters, soft hyphens) are removed.
 */
export function plainText(original: string): MappedText {
  if (!MAY_CHANGE.test(original)) return unchanged(original);
  const written = original.replace(ACCENT_AS_APOSTROPHE, "'");
  const origins: number[] = [];
  let text = '';
  let space = -1;
  let position = 0;
  for (const character of written) {
    const start = position;
    position += character.length;
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
    for (let unit = start; unit < position; unit++) origins.push(unit);
  }
  origins.push(original.length);
  return { text, origins: Uint32Array.from(origins) };
}

/** SST-2 splits contractions ("it 's"). The tagger knows "it's", and tags a separate 's as a particle. */
const SPACED_ENDING = / (?=(?:n't|'s|'re|'ve|'ll|'d|'m)(?:\s|$))/gi;

export interface JoinedText extends MappedText {
  /** The positions in `text` before which a space was removed. */
  joins: readonly number[];
}

/** Joins separate endings of contractions to the word before them. */
export function joinContractions(original: string): JoinedText {
  const joins: number[] = [];
  const parts: string[] = [];
  const origins = new Uint32Array(original.length + 1);
  let length = 0;
  let from = 0;
  const keep = (to: number) => {
    parts.push(original.slice(from, to));
    for (let position = from; position < to; position++) origins[length++] = position;
  };
  for (const { index } of original.matchAll(SPACED_ENDING)) {
    if (index === 0) continue;
    keep(index);
    joins.push(length);
    from = index + 1;
  }
  keep(original.length);
  origins[length] = original.length;
  return { text: parts.join(''), origins: origins.slice(0, length + 1), joins };
}

/**
 * The most characters without white space that the tagger gets at once, since its time grows with their square or faster. A
 * longer sequence is split, where possible after a character that is neither a letter nor a digit.
 */
const LONGEST_UNIT = 256;

const ENDS_WORD = /[^\p{L}\p{M}\p{N}]/u;

/** The end of the unit that starts at `start`, in a sequence without white space that ends at `end`. */
function unitEnd(text: string, start: number, end: number): number {
  if (end - start <= LONGEST_UNIT) return end;
  let cut = start + LONGEST_UNIT;
  while (cut > start && !ENDS_WORD.test(text[cut - 1])) cut--;
  if (cut === start) cut = start + LONGEST_UNIT;
  // A surrogate pair is not split.
  return text.codePointAt(cut - 1)! > 0xffff ? cut - 1 : cut;
}

/**
 * The start of a text, with spaces added to sequences without white space that are too long for the tagger.
 * @param upTo The position of the last character whose tag is needed.
 * @param margin Units to keep after it.
 */
export function boundedUnits(text: string, upTo: number, margin: number): MappedText {
  // A unit has at least one character, so that added spaces at most double the text.
  const origins = new Uint32Array(2 * text.length + 1);
  const units: string[] = [];
  let length = 0;
  let after = 0;
  for (const { index, 0: run } of text.matchAll(/\S+/g)) {
    for (let start = index; start < index + run.length && after <= margin; ) {
      const end = unitEnd(text, start, index + run.length);
      if (units.length > 0) origins[length++] = start;
      units.push(text.slice(start, end));
      for (let position = start; position < end; position++) origins[length++] = position;
      if (start > upTo) after++;
      start = end;
    }
    if (after > margin) break;
  }
  origins[length] = text.length;
  return { text: units.join(' '), origins: origins.subarray(0, length + 1) };
}
