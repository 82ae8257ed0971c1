import { allows, type PairTable } from '../../src/grammar/pair-table.js';
import { AttentionMask } from '../../src/plan/mask.js';
import type { PeerTask } from './peer.js';

/** Added to the score of a pair that the rules forbid: exp() of it is 0. */
export const MASKED_SCORE = -1e9;

/** A mask tensor, and the milliseconds of building it. */
interface TimedMask<T> {
  mask: T | undefined;
  planMs: number;
}

/**
 * The [tokens, tokens] tensor that gives a peer the rules, by query, then key: one value where the pair exists, another where it
 * does not. Undefined where the task has no mask.
 */
export function maskTensor<T extends Float32Array | Int32Array>(
  { mask, rules, workload }: Pick<PeerTask, 'mask' | 'rules' | 'workload'>,
  create: (count: number) => T,
  allowed: number,
  forbidden: number,
): TimedMask<T> {
  if (!mask) return { mask: undefined, planMs: 0 };
  const began = performance.now();
  const { tags, tables } = AttentionMask.fromRules(rules).withTags(workload.tags).input(workload);
  const table = tables as PairTable;
  const tokens = tags.length;
  const tensor = create(tokens * tokens);
  for (let query = 0; query < tokens; query++) {
    for (let key = 0; key < tokens; key++) {
      tensor[query * tokens + key] = allows(table, tags[query], tags[key]) ? allowed : forbidden;
    }
  }
  return { mask: tensor, planMs: performance.now() - began };
}

/** A mask that is added to scores. */
export function additiveMask(task: Pick<PeerTask, 'mask' | 'rules' | 'workload'>): TimedMask<Float32Array> {
  return maskTensor(task, (count) => new Float32Array(count), 0, MASKED_SCORE);
}

/** [tokens, heads, headDim] as [heads, tokens, headDim], the layout of batched matrix products. */
export function headsFirst(rows: Float32Array, heads: number, headDim: number): Float32Array {
  return swapped(rows, rows.length / (heads * headDim), heads, headDim);
}

/** [heads, tokens, headDim] as [tokens, heads, headDim]. */
export function tokensFirst(rows: Float32Array, heads: number, headDim: number): Float32Array {
  return swapped(rows, heads, rows.length / (heads * headDim), headDim);
}

function swapped(rows: Float32Array, outer: number, inner: number, width: number): Float32Array {
  const result = new Float32Array(rows.length);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const from = (i * inner + j) * width;
      result.set(rows.subarray(from, from + width), (j * outer + i) * width);
    }
  }
  return result;
}
