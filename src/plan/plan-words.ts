import { planWordNames } from '../gpu/kernel-sources.generated.js';
import { allows, type PairTable } from '../grammar/pair-table.js';
import { EVERYWHERE, NOWHERE } from '../grammar/scope.js';
import type { Layout } from './layout.js';
import { paddedToQuads } from './ranges.js';
import type { Tile } from './tiles.js';
import { type WorkItems, workItems } from './work-items.js';

/**
 * The u32 words of a work item, of a range and of a row's parts, the index of each word, and the value for all heads. Kernels read plans by the same names:
 * the build takes them from kernels/attention/plan_words.wesl, the only place that defines them.
 */
export const { ITEM_WORDS, RANGE_WORDS, PARTS_WORDS, ALL_HEADS } = planWordNames;
export const {
  FIRST_ROW,
  ROW_COUNT,
  FIRST_RANGE,
  RANGE_COUNT,
  END_SLOT,
  NEEDS_MASK,
  LABEL_SHIFT,
  FIRST_COLUMN,
  FIRST_SLOT,
  OUTPUT_ROW,
} = planWordNames;
export const { RANGE_START, RANGE_LENGTH, RANGE_SLOT } = planWordNames;
const { FIRST_PART, PART_STRIDE, PART_COUNT } = planWordNames;

/** The work items of a pass over the heads of one pair table, and the offsets of their words. */
export interface PassWords {
  itemsAt: number;
  rangesAt: number;
  items: number;
  /** Where tiles are split: the offset of the parts of each row, and the rows of all parts. */
  parts: { at: number; rows: number } | undefined;
}

/** The offsets, in words, of the parts of a plan that the heads of one pair table share. */
export interface HeadWords {
  /** Of the passes whose rows are queries, and of the pass whose rows are keys. */
  query: PassWords;
  key: PassWords;
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

/** Work items as words, the ranges of their tiles, and the parts of each row where tiles are split. */
interface ItemArrays {
  items: Uint32Array;
  ranges: Uint32Array;
  parts: Uint32Array;
}

/** @param shifts For each sequence, the shift of its labels. @param tokens Rows of the batch. */
function itemWords(
  tiles: readonly Tile[],
  { items, isSplit }: WorkItems,
  shifts: readonly number[],
  tokens: number,
): ItemArrays {
  const itemArray = new Uint32Array(items.length * ITEM_WORDS);
  const rangeArray = new Uint32Array(
    tiles.reduce((count, tile) => count + tile.ranges.length, 0) * RANGE_WORDS,
  );
  const firstRanges = new Map<Tile, number>();
  let range = 0;
  for (const tile of tiles) {
    firstRanges.set(tile, range);
    let slot = 0;
    for (const { start, length } of tile.ranges) {
      const at = range * RANGE_WORDS;
      rangeArray[at + RANGE_START] = start;
      rangeArray[at + RANGE_LENGTH] = length;
      rangeArray[at + RANGE_SLOT] = slot;
      slot += paddedToQuads(length);
      range++;
    }
  }
  const partArray = new Uint32Array(isSplit ? tokens * PARTS_WORDS : 0);
  items.forEach(({ tile, firstSlot, endSlot, outputRow }, index) => {
    const { sequence, rowStart, rowCount, ranges, needsMask } = tile;
    const at = index * ITEM_WORDS;
    itemArray[at + FIRST_ROW] = rowStart;
    itemArray[at + ROW_COUNT] = rowCount;
    itemArray[at + FIRST_RANGE] = firstRanges.get(tile)!;
    itemArray[at + RANGE_COUNT] = ranges.length;
    itemArray[at + END_SLOT] = endSlot;
    itemArray[at + NEEDS_MASK] = needsMask;
    itemArray[at + LABEL_SHIFT] = shifts[sequence];
    itemArray[at + FIRST_COLUMN] = ranges[0]?.start ?? rowStart;
    itemArray[at + FIRST_SLOT] = firstSlot;
    itemArray[at + OUTPUT_ROW] = outputRow;
    for (let row = 0; isSplit && row < rowCount; row++) {
      const words = (rowStart + row) * PARTS_WORDS;
      if (firstSlot === 0) partArray[words + FIRST_PART] = outputRow + row;
      partArray[words + PART_STRIDE] = rowCount;
      partArray[words + PART_COUNT]++;
    }
  });
  return { items: itemArray, ranges: rangeArray, parts: partArray };
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
  const passes: { work: WorkItems; words: ItemArrays }[][] = [];
  const parts = layout.heads.flatMap(({ heads, table, bits, queryTiles, keyTiles }) => {
    const passOf = (tiles: readonly Tile[]) => {
      const work = workItems(tiles, layout.tileConfig, heads?.length ?? headCount, layout.tokens);
      return { work, words: itemWords(tiles, work, shifts, layout.tokens) };
    };
    const query = passOf(queryTiles);
    const key = keyTiles === queryTiles ? query : passOf(keyTiles);
    passes.push([query, key]);
    const wordsOf = ({ words }: typeof query) => [words.items, words.ranges, words.parts];
    const tables = table ? tablesOf(table, layout.positional, headCount) : [];
    return [
      ...wordsOf(query),
      ...(key === query ? [empty, empty, empty] : wordsOf(key)),
      Uint32Array.from(heads ?? [], (head) => head % layout.headsOfLayer),
      concatenated(tables.map(bitsOf)).words,
      bits?.ofQueries ?? empty,
      bits?.ofKeys ?? empty,
    ];
  });
  const { words, offsets } = concatenated([...shared, ...parts]);
  const [positionsAt, listedAt, labelsAt, ...headOffsets] = offsets;
  const sentencesAt = layout.sentences ? listedAt : positionsAt;
  const heads = layout.heads.map(({ heads: numbers }, index): HeadWords => {
    const at = headOffsets.slice(10 * index);
    const [headsAt, tableAt, queryBitsAt, keyBitsAt] = at.slice(6);
    const [query, key] = passes[index];
    const passWords = ({ work }: typeof query, [itemsAt, rangesAt, partsAt]: number[]): PassWords => ({
      itemsAt,
      rangesAt,
      items: work.items.length,
      parts: work.isSplit ? { at: partsAt, rows: work.outputRows } : undefined,
    });
    const ofQueries = passWords(query, at);
    return {
      query: ofQueries,
      key: key === query ? ofQueries : passWords(key, at.slice(3)),
      headsAt: numbers ? headsAt : ALL_HEADS,
      tableAt,
      queryBitsAt,
      keyBitsAt,
    };
  });
  return { words, heads, positionsAt, sentencesAt, labelsAt };
}
