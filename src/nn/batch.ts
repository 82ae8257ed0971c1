import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import type { Layout } from '../plan/layout.js';
import { inverseOf } from '../plan/tag-runs.js';

/** The tokens of a batch grouped by their row of an embedding table, for `embedding_backward.wesl`. */
export interface RowGroups {
  /** The number of rows that occur. */
  rows: number;
  /** Row numbers, then the start of each row's list of tokens (and the end of the last), then the lists. */
  words: Uint32Array;
}

/** A packed batch of sentences, in the layout's order. */
export interface Batch {
  layout: Layout;
  sequences: number;
  /** [3, tokens]: token ids, then positions, then tags. */
  ids: Uint32Array;
  byWord: RowGroups;
  byPosition: RowGroups;
  /** For each row with logits, its token: of each sequence [CLS], or the masked tokens. */
  outputTokens: Uint32Array;
  /** For each row its class. */
  labels?: Uint32Array;
}

/** Groups tokens by row. Rows ascend, and so do the tokens of each list. */
export function groupByRow(rowOfToken: Uint32Array): RowGroups {
  const tokens = rowOfToken.length;
  // A row and a token in one number: typed arrays sort fast.
  const keys = new Float64Array(tokens);
  for (let token = 0; token < tokens; token++) keys[token] = rowOfToken[token] * tokens + token;
  keys.sort();
  const rows: number[] = [];
  const starts: number[] = [];
  const lists = new Uint32Array(tokens);
  for (let at = 0; at < tokens; at++) {
    const row = Math.floor(keys[at] / tokens);
    lists[at] = keys[at] - row * tokens;
    if (at > 0 && row === rows[rows.length - 1]) continue;
    rows.push(row);
    starts.push(at);
  }
  const words = new Uint32Array(2 * rows.length + 1 + tokens);
  words.set(rows);
  words.set(starts, rows.length);
  words[2 * rows.length] = tokens;
  words.set(lists, 2 * rows.length + 1);
  return { rows: rows.length, words };
}

/**
 * Packs sentences into a batch.
 * @param layout The layout of the same sentences, in the same order.
 * @param labels One for each row with logits.
 * @param outputs The tokens that have logits, counted over all sentences; the first of each sentence by default.
 */
export function makeBatch(
  sentences: readonly TaggedTokens[],
  layout: Layout,
  labels?: ArrayLike<number>,
  outputs?: ArrayLike<number>,
): Batch {
  const tokens = new Uint32Array(layout.tokens);
  const positions = new Uint32Array(layout.tokens);
  const tags = new Uint32Array(layout.tokens);
  const first = new Uint32Array(sentences.length);
  let start = 0;
  sentences.forEach(({ ids, tags: tagsOfTokens }, sequence) => {
    first[sequence] = start;
    tokens.set(ids, start);
    tags.set(tagsOfTokens, start);
    for (let position = 0; position < ids.length; position++) positions[start + position] = position;
    start += ids.length;
  });
  const ids = new Uint32Array(3 * layout.tokens);
  layout.order.forEach((token, sorted) => {
    ids[sorted] = tokens[token];
    ids[layout.tokens + sorted] = positions[token];
    ids[2 * layout.tokens + sorted] = tags[token];
  });
  const inverse = inverseOf(layout.order);
  return {
    layout,
    sequences: sentences.length,
    ids,
    byWord: groupByRow(ids.subarray(0, layout.tokens)),
    byPosition: groupByRow(ids.subarray(layout.tokens, 2 * layout.tokens)),
    outputTokens: Uint32Array.from(outputs ?? first, (token) => inverse[token]),
    labels: labels && Uint32Array.from(labels),
  };
}
