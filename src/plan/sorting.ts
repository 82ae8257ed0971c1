import type { PairTable } from '../grammar/pair-table.js';
import { NO_SENTENCE, NOWHERE, reachesSentence, windowOf } from '../grammar/scope.js';
import type { Sequence, SortedBatch, TagRun } from './tag-runs.js';
import { visibilityOf } from './visibility.js';

/** The keys by which tokens are sorted. */
export interface SortKeys {
  /** [tokens], the tag index of each token. */
  tags: Uint8Array;
  /** [tokens], the sentence of each, ascending within a sequence except for NO_SENTENCE. */
  sentences?: Uint32Array;
  /** The rank of each tag. */
  rankOfTag: Uint8Array;
}

/** Whether a token belongs to the document and not to a sentence: such tokens are a separate run. */
function isOfDocument(sentences: Uint32Array | undefined, token: number): boolean {
  return sentences?.[token] === NO_SENTENCE;
}

/**
 * Sorts the tokens of `from` stably by tag (a counting sort), those of the document after the others of their tag, and writes them
 * to `batch`, starting at index `at`.
 */
function sortByTag(batch: SortedBatch, keys: SortKeys, from: ArrayLike<number>, at: number): TagRun[] {
  const { tags, sentences, rankOfTag } = keys;
  const ranks = 2 * rankOfTag.length;
  const counts = new Uint32Array(ranks);
  const rankOf = (token: number) => 2 * rankOfTag[tags[token]] + (isOfDocument(sentences, token) ? 1 : 0);
  for (let index = 0; index < from.length; index++) counts[rankOf(from[index])]++;
  const runs: TagRun[] = [];
  const next = new Uint32Array(ranks);
  let begin = at;
  for (let rank = 0; rank < ranks; rank++) {
    next[rank] = begin;
    if (counts[rank] > 0) runs.push({ tag: 0, start: begin, length: counts[rank] });
    begin += counts[rank];
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

/** An empty batch that `sortSequence` fills. */
function emptyBatch(tokens: number, withSentences: boolean): SortedBatch {
  return {
    order: new Uint32Array(tokens),
    tags: new Uint8Array(tokens),
    sentences: withSentences ? new Uint32Array(tokens) : undefined,
    sequences: [],
  };
}

/**
 * Sorts one sequence into `batch`: by tag, or by sentence first and by tag within each. Both are stable: tokens of a tag run keep the
 * order of the text, so that any window or sentence is a contiguous part of each run.
 */
function sortSequence(
  batch: SortedBatch,
  keys: SortKeys,
  start: number,
  length: number,
  bySentence: boolean,
): Sequence {
  const runs: TagRun[] = [];
  if (bySentence) {
    let at = start;
    for (const group of sentencesOf(keys.sentences!, start, length)) {
      const sentence = keys.sentences![group[0]];
      runs.push(...sortByTag(batch, keys, group, at).map((run) => ({ ...run, sentence })));
      at += group.length;
    }
  } else {
    const tokens = Uint32Array.from({ length }, (_, index) => start + index);
    runs.push(...sortByTag(batch, keys, tokens, start));
  }
  return { start, length, runs, bySentence };
}

/** Sorts each sequence by tag, or by sentence first where the kernels then have less work. */
export function sortedBatch(keys: SortKeys, lengths: Uint32Array, tables: readonly PairTable[]): SortedBatch {
  const batch = emptyBatch(keys.tags.length, keys.sentences !== undefined);
  let start = 0;
  for (const length of lengths) {
    const bySentence = keys.sentences !== undefined && staysInSentences(keys, start, length, tables);
    batch.sequences.push(sortSequence(batch, keys, start, length, bySentence));
    start += length;
  }
  return batch;
}

/**
 * Whether no token of a sequence attends to another sentence, except for tokens of the document. After sorting by sentence a tile
 * then has only the columns of its few sentences, where a tile of one tag would span many sentences.
 */
function staysInSentences(
  { tags, sentences }: SortKeys,
  start: number,
  length: number,
  tables: readonly PairTable[],
): boolean {
  const { size } = tables[0];
  const present = new Set<number>();
  let count = 0;
  let last = -1;
  for (let token = start; token < start + length; token++) {
    if (sentences![token] === NO_SENTENCE) continue;
    present.add(tags[token]);
    if (sentences![token] !== last) count++;
    last = sentences![token];
  }
  if (count < 2) return false;
  return tables.every((table) => {
    const { reach } = visibilityOf(table, 'queries');
    return [...present].every((query) =>
      [...present].every((key) => {
        const between = reach[query * size + key];
        return between === NOWHERE || (reachesSentence(between) && windowOf(between) < 0);
      }),
    );
  });
}
