import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import type { TagPair } from '../../src/grammar/rules.js';
import { NO_MASK } from '../../src/plan/key-columns.js';
import { type Layout, sparseLayout } from '../../src/plan/layout.js';
import type { Tile, TileConfig } from '../../src/plan/tiles.js';
import { SIDES, type Side, tilesOf } from './random-batch.js';

/** A text of up to three sentences, in which every tag attends to every tag within a scope. */
interface Case {
  length: number;
  tagCount: 1 | 2;
  /** `sentence or 1`: tokens of one sentence, or neighbours. */
  scope: number | 'sentence' | 'document' | 'sentence or 1';
  causal: boolean;
  rows: number;
}

const WINDOWS = [0, 1, 2, 3, 5, 11, 12, 13];

const CASES: Case[] = [1, 2, 5, 12, 13].flatMap((length) =>
  ([1, 2] as const).flatMap((tagCount) =>
    [...WINDOWS, 'sentence' as const, 'document' as const, 'sentence or 1' as const].flatMap((scope) =>
      [false, true].flatMap((causal) =>
        [1, 2, 3, 8].map((rows) => ({ length, tagCount, scope, causal, rows })),
      ),
    ),
  ),
);

/** Three sentences, of which the last may be empty. */
function sentenceOf({ length }: Case, token: number): number {
  return Math.floor(token / Math.ceil((length + 1) / 3));
}

/** Whether a pair of the caller's tokens exists: |query - key| <= w, one sentence, and no key after its query. */
function exists(testCase: Case, query: number, key: number): boolean {
  if (testCase.causal && key > query) return false;
  if (testCase.scope === 'document') return true;
  const inOneSentence = sentenceOf(testCase, query) === sentenceOf(testCase, key);
  if (testCase.scope === 'sentence') return inOneSentence;
  const distance = Math.abs(query - key);
  return testCase.scope === 'sentence or 1' ? inOneSentence || distance <= 1 : distance <= testCase.scope;
}

function planOf(testCase: Case, shape: Partial<TileConfig> = {}): Layout {
  const { length, tagCount, scope, causal, rows } = testCase;
  const tags = ['a', 'b'].slice(0, tagCount);
  const scopes = scope === 'sentence or 1' ? ['sentence' as const, 1] : [scope];
  const pairs = tags.flatMap((query) => tags.map((key) => [query, key] as const));
  const hard = pairs.flatMap((pair) => scopes.map((each): TagPair => [...pair, each]));
  return sparseLayout(
    {
      tags: Uint8Array.from({ length }, (_, token) => token % tagCount),
      lengths: [length],
      tables: pairTable({ name: 'every pair', tags, hard, soft: [], beta: 0 }, 'hard'),
      sentences: Uint32Array.from({ length }, (_, token) => 4 + sentenceOf(testCase, token)),
      causal,
    },
    { ...WIDE_TILE, rows, ...shape },
  );
}

function columnsOf({ ranges }: Tile): number[] {
  return ranges.flatMap(({ start, length }) => Array.from({ length }, (_, offset) => start + offset));
}

/** For each row of a tile, the tokens whose pair with it exists, in sorted order. */
function seenBy(testCase: Case, { order }: Layout, side: Side, tile: Tile): number[][] {
  return Array.from({ length: tile.rowCount }, (_, offset) => {
    const row = order[tile.rowStart + offset];
    return Array.from(order.keys()).filter((column) =>
      side === 'queries' ? exists(testCase, row, order[column]) : exists(testCase, order[column], row),
    );
  });
}

/** What is wrong with a tile, if anything. */
function complaint(testCase: Case, layout: Layout, side: Side, tile: Tile): string | undefined {
  const columns = columnsOf(tile);
  const ofRows = seenBy(testCase, layout, side, tile);
  const union = new Set(ofRows.flat());
  const where = `${side}, ${JSON.stringify(testCase)}, the tile at ${tile.rowStart}`;
  if (new Set(columns).size !== columns.length) return `${where}: a column twice`;
  if ([...union].some((column) => !columns.includes(column))) return `${where}: a column is missing`;
  const isWhole = ofRows.every((seen) => seen.length === columns.length);
  if (tile.needsMask === NO_MASK && !isWhole) return `${where}: pairs that do not exist are not masked`;
  // Rows of one tag keep the order of the text, and the columns that they see have no gap, so masks are only where needed.
  if (testCase.tagCount > 1 || union.size === 0) return undefined;
  // The plan does not always find that all pairs exist where some are in one sentence and the others are neighbours.
  const isSure = testCase.scope !== 'sentence or 1';
  if (isSure && tile.needsMask !== NO_MASK && ofRows.every((seen) => seen.length === union.size))
    return `${where}: every pair exists, and has a mask`;
  const [least, most] = [Math.min(...union), Math.max(...union)];
  const first = tile.needsMask === NO_MASK ? least : least - (least % 4);
  if (columns[0] !== first) return `${where}: starts at column ${columns[0]}, not ${first}`;
  if (columns[columns.length - 1] !== most) return `${where}: ends at ${columns.at(-1)}, not ${most}`;
  return undefined;
}

describe('tiles of tokens whose positions matter', () => {
  it.each(SIDES)('hold exactly the tokens that scope and causal order leave: %s', (side) => {
    for (const testCase of CASES) {
      const layout = planOf(testCase);
      const tiles = tilesOf(layout.heads[0], side);
      expect(tiles.reduce((rows, { rowCount }) => rows + rowCount, 0)).toBe(testCase.length);
      const found = tiles.map((tile) => complaint(testCase, layout, side, tile)).find((each) => each);
      expect(found).toBeUndefined();
    }
  });

  it('have the pair count of a count pair by pair', () => {
    for (const testCase of CASES) {
      const tokens = Array.from({ length: testCase.length }, (_, token) => token);
      const pairs = tokens.flatMap((query) => tokens.filter((key) => exists(testCase, query, key)));
      expect(planOf(testCase).pairCounts.useful, JSON.stringify(testCase)).toBe(pairs.length);
    }
  });

  it('have no range with columns that no row sees', () => {
    // Tags a and c attend to each other, but never to tag b, whose tokens are between theirs.
    const tags = ['a', 'b', 'c'];
    const hard: TagPair[] = [
      ['b', 'b'],
      ...['a', 'c'].flatMap((tag): TagPair[] => [
        [tag, 'a'],
        [tag, 'c'],
      ]),
    ];
    const table = pairTable({ name: 'not between', tags, hard, soft: [], beta: 0 }, 'hard');
    for (const between of [1, 2, 3, 4, 9]) {
      const counts = [4, between, 4];
      const tagsOfTokens = Uint8Array.from(counts.flatMap((count, tag) => Array<number>(count).fill(tag)));
      const { heads, tags: sorted } = sparseLayout(
        { tags: tagsOfTokens, lengths: [tagsOfTokens.length], tables: table },
        { ...WIDE_TILE, rows: 1 },
      );
      for (const side of SIDES) {
        for (const tile of tilesOf(heads[0], side)) {
          expect(tile.needsMask).toBe(NO_MASK);
          const isBetween = sorted[tile.rowStart] === 1;
          const seen = Array.from(sorted.keys()).filter((column) => (sorted[column] === 1) === isBetween);
          expect(columnsOf(tile)).toEqual(seen);
        }
      }
    }
  });
});
