import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allows, FORBIDDEN, type PairTable } from '../../src/grammar/pair-table.js';
import { rankOfTag } from '../../src/plan/tag-order.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, type TaggedBatch, tablesOf } from './random-batch.js';

/** A table in which each query tag sees the key tags that it is listed with. */
function tableOf(size: number, seen: Readonly<Record<number, number[]>>): PairTable {
  const biases = new Float32Array(size * size).fill(FORBIDDEN);
  for (const [query, keys] of Object.entries(seen))
    for (const key of keys) biases[Number(query) * size + key] = 0;
  return { size, biases };
}

/** The tags in the order of their ranks. */
function orderOf(tables: readonly PairTable[]): number[] {
  const order: number[] = [];
  rankOfTag(tables).forEach((rank, tag) => {
    order[rank] = tag;
  });
  return order;
}

/** For two tags, the number of queries and keys of all tables that see both. */
function together(tables: readonly PairTable[]): (a: number, b: number) => number {
  const { size } = tables[0];
  const counts = new Map<number, number>();
  for (const table of tables) {
    for (let row = 0; row < size; row++) {
      for (const sees of [
        (tag: number) => allows(table, row, tag),
        (tag: number) => allows(table, tag, row),
      ]) {
        const seen = Array.from({ length: size }, (_, tag) => tag).filter(sees);
        for (const a of seen)
          for (const b of seen) counts.set(a * size + b, (counts.get(a * size + b) ?? 0) + 1);
      }
    }
  }
  return (a, b) => counts.get(a * size + b) ?? 0;
}

/** The number of queries and keys that see both of two neighbours in an order, summed over all neighbours. */
function merged(order: readonly number[], joint: (a: number, b: number) => number): number {
  return order.slice(1).reduce((sum, tag, at) => sum + joint(order[at], tag), 0);
}

function moved(order: readonly number[], from: number, to: number): number[] {
  const others = order.filter((_, at) => at !== from);
  return [...others.slice(0, to), order[from], ...others.slice(to)];
}

const anyTables = anyBatch
  .filter(({ rules }: TaggedBatch) => rules[0].tags.length <= 10)
  .map((batch) => tablesOf(batch));

describe('rankOfTag', () => {
  it('places tags that are seen together side by side', () => {
    const table = tableOf(6, { 0: [1, 4], 1: [1, 4], 2: [0, 5], 3: [0, 5], 4: [2, 3] });
    const rank = rankOfTag([table]);
    for (const [a, b] of [
      [1, 4],
      [0, 5],
      [2, 3],
    ]) {
      expect(Math.abs(rank[a] - rank[b]), `tags ${a} and ${b}`).toBe(1);
    }
  });

  it('is an order that no move of a single tag improves', () => {
    fc.assert(
      fc.property(anyTables, (tables) => {
        const order = orderOf(tables);
        const { size } = tables[0];
        expect([...order].sort((a, b) => a - b)).toEqual(Array.from({ length: size }, (_, tag) => tag));
        const joint = together(tables);
        let best = 0;
        for (let from = 0; from < size; from++) {
          for (let to = 0; to < size; to++) best = Math.max(best, merged(moved(order, from, to), joint));
        }
        expect(merged(order, joint)).toBe(best);
      }),
      runs(100),
    );
  });

  it('keeps the order of the rules where no other is better', () => {
    const everyPair: PairTable = { size: 5, biases: new Float32Array(25) };
    expect(orderOf([everyPair])).toEqual([0, 1, 2, 3, 4]);
    expect(orderOf([tableOf(5, {})])).toEqual([0, 1, 2, 3, 4]);
  });

  it('depends on the rules alone', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const [first, second] = [tablesOf(batch), tablesOf(batch)];
        expect(rankOfTag(second)).toEqual(rankOfTag(first));
        expect(rankOfTag([first[0]])).toEqual(rankOfTag([first[0], first[0]]));
      }),
      runs(50),
    );
  });
});
