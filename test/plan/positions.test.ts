import { describe, expect, it } from 'vitest';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import type { TagPair } from '../../src/grammar/rules.js';
import { NO_MASK } from '../../src/plan/key-columns.js';
import { type Layout, sparseLayout } from '../../src/plan/layout.js';
import type { Tile, TileConfig } from '../../src/plan/tiles.js';
import { SIDES, type Side, tilesOf } from './random-batch.js';

/** A text of three sentences. Its rules let a tag see itself, or every tag every other, within a scope. */
interface Case {
  length: number;
  tagCount: 1 | 2;
  /** A sentence and a window: within either. */
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
function exists(given: Case, query: number, key: number): boolean {
  if (given.causal && key > query) return false;
  if (given.scope === 'document') return true;
  const inOneSentence = sentenceOf(given, query) === sentenceOf(given, key);
  if (given.scope === 'sentence') return inOneSentence;
  const distance = Math.abs(query - key);
  return given.scope === 'sentence or 1' ? inOneSentence || distance <= 1 : distance <= given.scope;
}

function planOf(given: Case, shape: Partial<TileConfig> = {}): Layout {
  const { length, tagCount, scope, causal, rows } = given;
  const tags = ['a', 'b'].slice(0, tagCount);
  const scopes = scope === 'sentence or 1' ? ['sentence' as const, 1] : [scope];
  const pairs = tags.flatMap((query) => tags.map((key) => [query, key] as const));
  const hard = pairs.flatMap((pair) => scopes.map((each): TagPair => [...pair, each]));
  return sparseLayout(
    {
      tags: Uint8Array.from({ length }, (_, token) => token % tagCount),
      lengths: [length],
      tables: pairTable({ name: 'own', tags, hard, soft: [], beta: 0 }, 'hard'),
      sentences: Uint32Array.from({ length }, (_, token) => 4 + sentenceOf(given, token)),
      causal,
    },
    { ...WIDE_TILE, rows, ...shape },
  );
}

function columnsOf({ ranges }: Tile): number[] {
  return ranges.flatMap(({ start, length }) => Array.from({ length }, (_, offset) => start + offset));
}

/** For each row of a tile, the tokens whose pair with it exists, in sorted order. */
function seenBy(given: Case, { order }: Layout, side: Side, tile: Tile): number[][] {
  return Array.from({ length: tile.rowCount }, (_, offset) => {
    const row = order[tile.rowStart + offset];
    return Array.from(order.keys()).filter((column) =>
      side === 'queries' ? exists(given, row, order[column]) : exists(given, order[column], row),
    );
  });
}

/** What is wrong with a tile, if anything. */
function complaint(given: Case, layout: Layout, side: Side, tile: Tile): string | undefined {
  const columns = columnsOf(tile);
  const ofRows = seenBy(given, layout, side, tile);
  const union = new Set(ofRows.flat());
  const where = `${side}, ${JSON.stringify(given)}, the tile at ${tile.rowStart}`;
  if (new Set(columns).size !== columns.length) return `${where}: a column twice`;
  if ([...union].some((column) => !columns.includes(column))) return `${where}: a column is missing`;
  const isWhole = ofRows.every((seen) => seen.length === columns.length);
  if (tile.needsMask === NO_MASK && !isWhole) return `${where}: pairs that do not exist are not tested`;
  // Rows of one tag keep the order of the text, and the columns that they see have no gap: no mask is tested without need.
  if (given.tagCount > 1 || union.size === 0) return undefined;
  // Where some pairs are in one sentence and some are near, all may exist without the plan finding that.
  const isSure = given.scope !== 'sentence or 1';
  if (isSure && tile.needsMask !== NO_MASK && ofRows.every((seen) => seen.length === union.size))
    return `${where}: every pair exists, and is tested`;
  const [least, most] = [Math.min(...union), Math.max(...union)];
  const first = tile.needsMask === NO_MASK ? least : least - (least % 4);
  if (columns[0] !== first) return `${where}: starts at column ${columns[0]}, not ${first}`;
  if (columns[columns.length - 1] !== most) return `${where}: ends at ${columns.at(-1)}, not ${most}`;
  return undefined;
}

describe('tiles of tokens whose positions matter', () => {
  it.each(SIDES)('hold what scope and causal order leave, and not a token more: %s', (side) => {
    for (const given of CASES) {
      const layout = planOf(given);
      const tiles = tilesOf(layout.heads[0], side);
      expect(tiles.reduce((rows, { rowCount }) => rows + rowCount, 0)).toBe(given.length);
      const found = tiles.map((tile) => complaint(given, layout, side, tile)).find((each) => each);
      expect(found).toBeUndefined();
    }
  });

  it('are counted pair by pair', () => {
    for (const given of CASES) {
      const tokens = Array.from({ length: given.length }, (_, token) => token);
      const pairs = tokens.flatMap((query) => tokens.filter((key) => exists(given, query, key)));
      expect(planOf(given).pairCounts.useful, JSON.stringify(given)).toBe(pairs.length);
    }
  });

  it('have no range with columns that no row sees', () => {
    // Tag 0 sees itself and tag 2, but never tag 1, of which two tokens are in between.
    const tags = ['a', 'b', 'c'];
    const hard: TagPair[] = [
      ['b', 'b'],
      ...['a', 'c'].flatMap((tag): TagPair[] => [
        [tag, 'a'],
        [tag, 'c'],
      ]),
    ];
    const table = pairTable({ name: 'own', tags, hard, soft: [], beta: 0 }, 'hard');
    for (const between of [1, 2, 3, 4, 9]) {
      const counts = [4, between, 4];
      const given = Uint8Array.from(counts.flatMap((count, tag) => Array<number>(count).fill(tag)));
      const { heads, tags: sorted } = sparseLayout(
        { tags: given, lengths: [given.length], tables: table },
        { ...WIDE_TILE, rows: 1 },
      );
      for (const side of SIDES) {
        for (const tile of tilesOf(heads[0], side)) {
          expect(tile.needsMask).toBe(NO_MASK);
          const own = sorted[tile.rowStart] === 1;
          const seen = Array.from(sorted.keys()).filter((column) => (sorted[column] === 1) === own);
          expect(columnsOf(tile)).toEqual(seen);
        }
      }
    }
  });
});
