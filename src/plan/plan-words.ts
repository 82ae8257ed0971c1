import { planWordNames } from '../gpu/kernel-sources.generated.js';
import { allows, type PairTable } from '../grammar/pair-table.js';
import { EVERYWHERE, NOWHERE } from '../grammar/scope.js';
import type { Layout } from './layout.js';
import { paddedToQuads } from './ranges.js';
import type { Tile } from './tiles.js';

/**
 * The u32 words of a tile and of a range, the index of each word, and the value for all heads. Kernels read plans by the same names:
 * the build takes them from kernels/attention/plan_words.wesl, the only place that defines them.
 */
export const { TILE_WORDS, RANGE_WORDS, ALL_HEADS } = planWordNames;
export const {
  FIRST_ROW,
  ROW_COUNT,
  FIRST_RANGE,
  RANGE_COUNT,
  PADDED_COLUMNS,
  NEEDS_MASK,
  LABEL_SHIFT,
  FIRST_COLUMN,
} = planWordNames;
export const { RANGE_START, RANGE_LENGTH, RANGE_SLOT } = planWordNames;

/** The offsets, in words, of the parts of a plan that the heads of one pair table share. */
export interface HeadWords {
  queryTilesAt: number;
  queryRangesAt: number;
  keyTilesAt: number;
  keyRangesAt: number;
  /** The heads, one a word, each by its index in its layer; ALL_HEADS where every head has these tiles. */
  headsAt: number;
  /** The table of biases, then, in positional plans, the hard reaches and the soft ones. */
  tableAt: number;
  /** The same table as bits, of queries and of keys, where bits can represent it and no rule has a scope. */
  queryBitsAt: number;
  keyBitsAt: number;
}

/** A plan as the kernels read it: one array of u32 words, and the offset of each part. */
export interface PlanWords {
  words: Uint32Array;
  heads: HeadWords[];
  /** For each token, its index in the caller's order. */
  positionsAt: number;
  /** For each token, its sentence. Any words without sentences: kernels load them before they know whether they need them. */
  sentencesAt: number;
  /** Tags, four bytes a word; each sequence starts at a word. A token's index plus the tile's shift is the index of its byte. */
  labelsAt: number;
}

/** For each sequence, the number to add to a token's index for the index of its label. Each sequence starts at a multiple of four. */
function labelShifts({ sequences }: Pick<Layout, 'sequences'>): number[] {
  let next = 0;
  return sequences.map(({ start, length }) => {
    const shift = next - start;
    next += paddedToQuads(length);
    return shift;
  });
}

function labelWords({ sequences, tags }: Pick<Layout, 'sequences' | 'tags'>): Uint32Array {
  const bytes = new Uint8Array(sequences.reduce((sum, { length }) => sum + paddedToQuads(length), 0));
  const shifts = labelShifts({ sequences });
  sequences.forEach(({ start, length }, index) => {
    bytes.set(tags.subarray(start, start + length), start + shifts[index]);
  });
  const words = new Uint32Array(bytes.length / 4);
  bytes.forEach((byte, at) => {
    words[at >> 2] |= byte << (8 * (at & 3));
  });
  return words;
}

/** Tiles, then their ranges, as words. @param shifts For each sequence, the shift of its labels. */
function tileWords(
  tiles: readonly Tile[],
  shifts: readonly number[],
): { tiles: Uint32Array; ranges: Uint32Array } {
  const rangeCount = tiles.reduce((count, tile) => count + tile.ranges.length, 0);
  const tileArray = new Uint32Array(tiles.length * TILE_WORDS);
  const rangeArray = new Uint32Array(rangeCount * RANGE_WORDS);
  let range = 0;
  tiles.forEach(({ sequence, rowStart, rowCount, ranges, paddedColumns, needsMask }, index) => {
    const tile = index * TILE_WORDS;
    tileArray[tile + FIRST_ROW] = rowStart;
    tileArray[tile + ROW_COUNT] = rowCount;
    tileArray[tile + FIRST_RANGE] = range;
    tileArray[tile + RANGE_COUNT] = ranges.length;
    tileArray[tile + PADDED_COLUMNS] = paddedColumns;
    tileArray[tile + NEEDS_MASK] = needsMask;
    tileArray[tile + LABEL_SHIFT] = shifts[sequence];
    tileArray[tile + FIRST_COLUMN] = ranges[0]?.start ?? rowStart;
    let slot = 0;
    for (const { start, length } of ranges) {
      const at = range * RANGE_WORDS;
      rangeArray[at + RANGE_START] = start;
      rangeArray[at + RANGE_LENGTH] = length;
      rangeArray[at + RANGE_SLOT] = slot;
      slot += paddedToQuads(length);
      range++;
    }
  });
  return { tiles: tileArray, ranges: rangeArray };
}

/** Arrays one after another, and the offset of each. */
export function concatenated(parts: readonly Uint32Array[]): { words: Uint32Array; offsets: number[] } {
  const offsets: number[] = [];
  let length = 0;
  for (const part of parts) {
    offsets.push(length);
    length += part.length;
  }
  const words = new Uint32Array(length);
  parts.forEach((part, index) => {
    words.set(part, offsets[index]);
  });
  return { words, offsets };
}

function bitsOf(numbers: Float32Array): Uint32Array {
  return new Uint32Array(numbers.slice().buffer);
}

/** A pair table's biases, once or for each head, and its hard and soft reaches in positional plans. */
function tablesOf(table: PairTable, positional: boolean, headCount: number): Float32Array[] {
  const { size, biases, scopes, learned } = table;
  const copies = Array<Float32Array>(learned ? headCount : 1).fill(biases);
  if (!positional) return copies;
  if (scopes) return [...copies, scopes.hard, scopes.soft];
  const everywhere = biases.map((_, at) =>
    allows(table, Math.floor(at / size), at % size) ? EVERYWHERE : NOWHERE,
  );
  return [...copies, everywhere, new Float32Array(size * size).fill(NOWHERE)];
}

/**
 * Writes a plan as words.
 * @param headCount Heads of the attention. A learned table is repeated for each.
 */
export function planWords(layout: Layout, headCount = 1): PlanWords {
  const shifts = labelShifts(layout);
  const empty = new Uint32Array(0);
  const shared = [
    layout.order,
    layout.sentences ?? empty,
    layout.kind === 'dense' ? empty : labelWords(layout),
  ];
  const parts = layout.heads.flatMap(({ heads, table, bits, queryTiles, keyTiles }) => {
    const query = tileWords(queryTiles, shifts);
    const key = keyTiles === queryTiles ? query : tileWords(keyTiles, shifts);
    const keyParts = key === query ? [empty, empty] : [key.tiles, key.ranges];
    const tables = table ? tablesOf(table, layout.positional, headCount) : [];
    const list = Uint32Array.from(heads ?? [], (head) => head % layout.headsOfLayer);
    const tableWords = concatenated(tables.map(bitsOf)).words;
    return [
      query.tiles,
      query.ranges,
      ...keyParts,
      list,
      tableWords,
      bits?.ofQueries ?? empty,
      bits?.ofKeys ?? empty,
    ];
  });
  const { words, offsets } = concatenated([...shared, ...parts]);
  const [positionsAt, listedAt, labelsAt, ...headOffsets] = offsets;
  const sentencesAt = layout.sentences ? listedAt : positionsAt;
  const heads = layout.heads.map(({ heads: numbers, queryTiles, keyTiles }, index): HeadWords => {
    const [queryTilesAt, queryRangesAt, keyTilesAt, keyRangesAt, headsAt, tableAt, queryBitsAt, keyBitsAt] =
      headOffsets.slice(8 * index);
    const isSame = keyTiles === queryTiles;
    return {
      queryTilesAt,
      queryRangesAt,
      keyTilesAt: isSame ? queryTilesAt : keyTilesAt,
      keyRangesAt: isSame ? queryRangesAt : keyRangesAt,
      headsAt: numbers ? headsAt : ALL_HEADS,
      tableAt,
      queryBitsAt,
      keyBitsAt,
    };
  });
  return { words, heads, positionsAt, sentencesAt, labelsAt };
}
