import { NO_SENTENCE } from '../grammar/scope.js';

/** Consecutive tokens of one tag, in sorted order. */
export interface TagRun {
  /** Index of the tag in the pair table; 0 in a dense layout. */
  tag: number;
  /** Index of the first token, counted over the whole packed batch. */
  start: number;
  /** Its tokens. */
  length: number;
  /** The sentence of its tokens, where tokens are sorted by sentence first. */
  sentence?: number;
}

/** One sequence of a packed batch, its tokens sorted. */
export interface Sequence {
  /** Index of its first token. */
  start: number;
  /** Its tokens. */
  length: number;
  /** Its tag runs in sorted order, which cover it. */
  runs: TagRun[];
  /** Whether tokens are sorted by sentence, and by tag within each. */
  bySentence: boolean;
}

/** A packed batch whose tokens are sorted inside each sequence. */
export interface SortedBatch {
  /** For each token in sorted order, its index in the caller's order. */
  order: Uint32Array;
  /** For each token, its tag, in sorted order. */
  tags: Uint8Array;
  /** For each token, its sentence, in sorted order, where some rule needs it. */
  sentences: Uint32Array | undefined;
  /** In the caller's order. */
  sequences: Sequence[];
}

/** Tag runs that are sorted by sentence first, as spans [first, end) of their list. */
export interface TagRunGroups {
  /** For each run, the runs of its sentence. */
  ofSentence: [number, number][];
  /** The runs of tokens that belong to the document, which are last. */
  ofDocument: [number, number];
}

/** The groups of runs that are sorted by sentence first. */
export function tagRunGroups(runs: readonly TagRun[]): TagRunGroups {
  const ofSentence: [number, number][] = [];
  for (let first = 0; first < runs.length; ) {
    let next = first;
    while (next < runs.length && runs[next].sentence === runs[first].sentence) next++;
    for (let run = first; run < next; run++) ofSentence.push([first, next]);
    first = next;
  }
  const last = ofSentence.at(-1);
  const endsInDocument = last !== undefined && runs[last[0]].sentence === NO_SENTENCE;
  return { ofSentence, ofDocument: endsInDocument ? last : [runs.length, runs.length] };
}

/** A packed batch in the caller's order, each sequence one run of tag 0, for dense attention. */
export function keepOrder(lengths: ArrayLike<number>): SortedBatch {
  const sequences: Sequence[] = [];
  let start = 0;
  for (let index = 0; index < lengths.length; index++) {
    const length = lengths[index];
    const runs = length > 0 ? [{ tag: 0, start, length }] : [];
    sequences.push({ start, length, runs, bySentence: false });
    start += length;
  }
  return {
    order: Uint32Array.from({ length: start }, (_, token) => token),
    tags: new Uint8Array(start),
    sentences: undefined,
    sequences,
  };
}

/** The inverse of an order: for each token in the caller's order, its index in sorted order. */
export function inverseOf(order: Uint32Array): Uint32Array {
  const inverse = new Uint32Array(order.length);
  order.forEach((token, sorted) => {
    inverse[token] = sorted;
  });
  return inverse;
}
