import type { MappedText } from './mapped-text.js';

/**
 * Characters without white space that the tagger is shown at once: its expressions take time that grows with the square of
 * them, or faster. What is longer is shown in parts, that end after the last character that is no letter and no digit.
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
