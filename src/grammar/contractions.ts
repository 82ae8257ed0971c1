/** SST-2 spaces its contractions ("it 's"); a tagger that knows "it's" takes a lone 's for a particle. */
const SPACED_ENDING = / (?=(?:n't|'s|'re|'ve|'ll|'d|'m)(?:\s|$))/gi;

export interface JoinedText {
  text: string;
  /** For each UTF-16 unit of `text`, and one past its end, the place in the original text. */
  origins: Uint32Array;
}

/** Joins spaced contraction endings to the word before them, remembering where each character came from. */
export function joinContractions(original: string): JoinedText {
  const removed = new Set<number>();
  for (const match of original.matchAll(SPACED_ENDING)) {
    if (match.index > 0) removed.add(match.index);
  }
  const kept: number[] = [];
  for (let at = 0; at <= original.length; at++) {
    if (!removed.has(at)) kept.push(at);
  }
  const origins = Uint32Array.from(kept);
  const text = [...origins.subarray(0, -1)].map((at) => original[at]).join('');
  return { text, origins };
}
