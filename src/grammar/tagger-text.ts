import { IGNORED, SPACE } from './normalised-text.js';

/** A text that was made from another one. */
export interface MappedText {
  text: string;
  /** For each UTF-16 unit of `text`, and one past its end, the place in the original text. */
  origins: Uint32Array;
}

/** Characters that mean an apostrophe anywhere: the curly one, that of letters, the wide one, the prime and their like. */
const APOSTROPHE = /[\u2019\u2018\u201b\u02bc\u02b9\u02bb\u02bd\u2032\uff07\ua78c]/u;

/** An accent that means an apostrophe between letters, or before the ending of a contraction. */
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

/** SST-2 spaces its contractions ("it 's"); a tagger that knows "it's" takes a lone 's for a particle. */
const SPACED_ENDING = / (?=(?:n't|'s|'re|'ve|'ll|'d|'m)(?:\s|$))/gi;

export interface JoinedText extends MappedText {
  /** The places in `text` before which a space was removed. */
  joins: readonly number[];
}

/** Joins spaced contraction endings to the word before them, remembering where each character came from. */
export function joinContractions(original: string): JoinedText {
  const joins: number[] = [];
  const parts: string[] = [];
  const origins = new Uint32Array(original.length + 1);
  let length = 0;
  let from = 0;
  const keep = (to: number) => {
    parts.push(original.slice(from, to));
    for (let place = from; place < to; place++) origins[length++] = place;
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
 * Characters without white space that the tagger is shown at once: its expressions take time that grows with the square of
 * them, or faster. A longer run is shown in parts, each of which ends after the last character that is neither a letter nor a digit.
 */
const LONGEST_UNIT = 256;

const ENDS_WORD = /[^\p{L}\p{M}\p{N}]/u;

/** Where the unit that begins at `start` ends, of a run without white space that ends at `end`. */
function unitEnd(text: string, start: number, end: number): number {
  if (end - start <= LONGEST_UNIT) return end;
  let cut = start + LONGEST_UNIT;
  while (cut > start && !ENDS_WORD.test(text[cut - 1])) cut--;
  if (cut === start) cut = start + LONGEST_UNIT;
  // The two halves of a character stay together.
  return text.codePointAt(cut - 1)! > 0xffff ? cut - 1 : cut;
}

/**
 * The beginning of a text, with white space where a run without any is too long for the tagger.
 * @param upTo The place of the last character whose tag counts.
 * @param margin Units that are kept after it.
 */
export function boundedUnits(text: string, upTo: number, margin: number): MappedText {
  // No unit is shorter than a character, so that white space at most doubles the text.
  const origins = new Uint32Array(2 * text.length + 1);
  const units: string[] = [];
  let length = 0;
  let after = 0;
  for (const { index, 0: run } of text.matchAll(/\S+/g)) {
    for (let start = index; start < index + run.length && after <= margin; ) {
      const end = unitEnd(text, start, index + run.length);
      if (units.length > 0) origins[length++] = start;
      units.push(text.slice(start, end));
      for (let place = start; place < end; place++) origins[length++] = place;
      if (start > upTo) after++;
      start = end;
    }
    if (after > margin) break;
  }
  origins[length] = text.length;
  return { text: units.join(' '), origins: origins.subarray(0, length + 1) };
}
