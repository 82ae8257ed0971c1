import type { MappedText } from './mapped-text.js';

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
