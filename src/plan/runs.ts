/** Consecutive tokens of one tag, in sorted order. */
export interface Run {
  tag: number;
  /** Index of the first token, counted over the whole packed batch. */
  start: number;
  length: number;
}

/** A packed batch whose tokens are sorted by tag inside each sequence. */
export interface SortedBatch {
  /** For each token in sorted order, its index in the caller's order. */
  order: Uint32Array;
  /** For each token, its tag, in sorted order. */
  tags: Uint8Array;
  /** The runs of each sequence. */
  sequences: Run[][];
}

function sortSequence(
  batch: SortedBatch,
  tags: Uint8Array,
  start: number,
  length: number,
  tagCount: number,
): Run[] {
  const counts = new Uint32Array(tagCount);
  for (let token = start; token < start + length; token++) counts[tags[token]]++;
  const runs: Run[] = [];
  const next = new Uint32Array(tagCount);
  let at = start;
  for (let tag = 0; tag < tagCount; tag++) {
    if (counts[tag] === 0) continue;
    runs.push({ tag, start: at, length: counts[tag] });
    batch.tags.fill(tag, at, at + counts[tag]);
    next[tag] = at;
    at += counts[tag];
  }
  for (let token = start; token < start + length; token++) batch.order[next[tags[token]]++] = token;
  return runs;
}

/**
 * Sorts each sequence of a packed batch stably by tag (a counting sort, linear in tokens and tags): inside a run,
 * the caller's order is kept.
 *
 * @param tags [tokens], the tag index of each token.
 * @param lengths Tokens of each sequence; together as many as `tags`.
 */
export function sortByTag(tags: Uint8Array, lengths: ArrayLike<number>, tagCount: number): SortedBatch {
  const batch: SortedBatch = {
    order: new Uint32Array(tags.length),
    tags: new Uint8Array(tags.length),
    sequences: [],
  };
  let start = 0;
  for (let sequence = 0; sequence < lengths.length; sequence++) {
    batch.sequences.push(sortSequence(batch, tags, start, lengths[sequence], tagCount));
    start += lengths[sequence];
  }
  return batch;
}

/** A packed batch in the caller's own order, each sequence one run: what dense attention works on. */
export function keepOrder(lengths: ArrayLike<number>): SortedBatch {
  const sequences: Run[][] = [];
  let start = 0;
  for (let sequence = 0; sequence < lengths.length; sequence++) {
    const length = lengths[sequence];
    sequences.push(length > 0 ? [{ tag: 0, start, length }] : []);
    start += length;
  }
  return {
    order: Uint32Array.from({ length: start }, (_, token) => token),
    tags: new Uint8Array(start),
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
