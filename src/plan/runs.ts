import { NO_SENTENCE } from '../grammar/scope.js';

/** Consecutive tokens of one tag, in sorted order. */
export interface Run {
  tag: number;
  /** Index of the first token, counted over the whole packed batch. */
  start: number;
  length: number;
  /** The one sentence of all its tokens where tokens are sorted by sentence first. */
  sentence?: number;
}

/** One sequence of a packed batch, its tokens sorted. */
export interface Sequence {
  /** Index of its first token. */
  start: number;
  length: number;
  runs: Run[];
  /** Whether tokens are sorted by sentence, and by tag within each. */
  bySentence: boolean;
}

/** A packed batch whose tokens are sorted inside each sequence. */
export interface SortedBatch {
  /** For each token in sorted order, its index in the caller's order. */
  order: Uint32Array;
  /** For each token, its tag, in sorted order. */
  tags: Uint8Array;
  /** For each token, its sentence, in sorted order, where sentences are known. */
  sentences: Uint32Array | undefined;
  sequences: Sequence[];
}

/** What tokens are sorted by. */
export interface SortKeys {
  /** [tokens], the tag index of each token. */
  tags: Uint8Array;
  /** [tokens], the sentence of each, ascending within a sequence but for NO_SENTENCE. */
  sentences?: Uint32Array;
  /** For each tag, its place among the tags. */
  rankOfTag: Uint8Array;
}

/** Tokens that belong to the document and not to a sentence are a run of their own. */
function isOfDocument(sentences: Uint32Array | undefined, token: number): boolean {
  return sentences?.[token] === NO_SENTENCE;
}

/**
 * Sorts tokens `start` to `end` of the caller's stably by tag (a counting sort), documents' own tokens behind the others of
 * their tag, and writes them to the same places of `batch`.
 */
function sortByTag(batch: SortedBatch, keys: SortKeys, from: ArrayLike<number>, at: number): Run[] {
  const { tags, sentences, rankOfTag } = keys;
  const ranks = 2 * rankOfTag.length;
  const counts = new Uint32Array(ranks);
  const rankOf = (token: number) => 2 * rankOfTag[tags[token]] + (isOfDocument(sentences, token) ? 1 : 0);
  for (let index = 0; index < from.length; index++) counts[rankOf(from[index])]++;
  const runs: Run[] = [];
  const next = new Uint32Array(ranks);
  let place = at;
  for (let rank = 0; rank < ranks; rank++) {
    next[rank] = place;
    if (counts[rank] > 0) runs.push({ tag: 0, start: place, length: counts[rank] });
    place += counts[rank];
  }
  for (let index = 0; index < from.length; index++) {
    const token = from[index];
    const to = next[rankOf(token)]++;
    batch.order[to] = token;
    batch.tags[to] = tags[token];
    if (sentences) batch.sentences![to] = sentences[token];
  }
  for (const run of runs) run.tag = batch.tags[run.start];
  return runs;
}

/** The tokens of each sentence, in the text's order; those of the document last. */
function sentencesOf(sentences: Uint32Array, start: number, length: number): number[][] {
  const groups: number[][] = [];
  const ofDocument: number[] = [];
  let last = NO_SENTENCE;
  for (let token = start; token < start + length; token++) {
    if (sentences[token] === NO_SENTENCE) {
      ofDocument.push(token);
      continue;
    }
    if (sentences[token] !== last) groups.push([]);
    last = sentences[token];
    groups[groups.length - 1].push(token);
  }
  return ofDocument.length > 0 ? [...groups, ofDocument] : groups;
}

/** An empty batch of so many tokens, to be sorted into. */
export function emptyBatch(tokens: number, withSentences: boolean): SortedBatch {
  return {
    order: new Uint32Array(tokens),
    tags: new Uint8Array(tokens),
    sentences: withSentences ? new Uint32Array(tokens) : undefined,
    sequences: [],
  };
}

/**
 * Sorts one sequence into `batch`: by tag, or by sentence first and by tag within each. Both are stable: inside a run,
 * the text's order is kept, so that whatever depends on a position is a contiguous part of each run.
 */
export function sortSequence(
  batch: SortedBatch,
  keys: SortKeys,
  start: number,
  length: number,
  bySentence: boolean,
): Sequence {
  const runs: Run[] = [];
  if (bySentence) {
    let at = start;
    for (const group of sentencesOf(keys.sentences!, start, length)) {
      const sentence = keys.sentences![group[0]];
      runs.push(...sortByTag(batch, keys, group, at).map((run) => ({ ...run, sentence })));
      at += group.length;
    }
  } else {
    const all = new Uint32Array(length);
    for (let index = 0; index < length; index++) all[index] = start + index;
    runs.push(...sortByTag(batch, keys, all, start));
  }
  return { start, length, runs, bySentence };
}

/** Runs that are sorted by sentence first, as spans [first, one past last] of their list. */
export interface RunGroups {
  /** For each run, the runs of its sentence. */
  ofSentence: [number, number][];
  /** The runs of the document's own tokens, which stand last. */
  ofDocument: [number, number];
}

/** The groups of runs that are sorted by sentence first. */
export function runGroups(runs: readonly Run[]): RunGroups {
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

/** A packed batch in the caller's own order, each sequence one run of tag 0: what dense attention works on. */
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
