import { EngineError } from '../base/errors.js';
import { concatenated, upload, Workspace, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { planWordNames as W } from '../gpu/kernel-sources.generated.js';
import { fitsPanels, type Panels } from '../gpu/panels.js';
import { allows, type PairTable } from '../grammar/pair-table.js';
import { EVERYWHERE, NOWHERE } from '../grammar/scope.js';
import type { Layout } from '../plan/layout.js';
import { paddedToQuads } from '../plan/ranges.js';
import type { Tile } from '../plan/tiles.js';
import { type WorkItems, workItems } from '../plan/work-items.js';
import { familyOfTiles } from './families/families.js';
import type { KernelFamily } from './families/family.js';
import { type TagRunChunks, tagRunChunks } from './tag-run-chunks.js';

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
  /** The words of the passes whose rows are queries; `key` has those of the pass whose rows are keys. */
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

/**
 * Work items as words, the ranges of their tiles, and the parts of each row where tiles are split. W has the numbers of words and the
 * index of each: the build takes them from kernels/attention/plan_words.wesl, by whose names kernels read a plan.
 */
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
  const itemArray = new Uint32Array(items.length * W.ITEM_WORDS);
  const rangeArray = new Uint32Array(
    tiles.reduce((count, tile) => count + tile.ranges.length, 0) * W.RANGE_WORDS,
  );
  const firstRanges = new Map<Tile, number>();
  let range = 0;
  for (const tile of tiles) {
    firstRanges.set(tile, range);
    let slot = 0;
    for (const { start, length } of tile.ranges) {
      const at = range * W.RANGE_WORDS;
      rangeArray[at + W.RANGE_START] = start;
      rangeArray[at + W.RANGE_LENGTH] = length;
      rangeArray[at + W.RANGE_SLOT] = slot;
      slot += paddedToQuads(length);
      range++;
    }
  }
  const partArray = new Uint32Array(isSplit ? tokens * W.PARTS_WORDS : 0);
  items.forEach(({ tile, firstSlot, endSlot, outputRow }, index) => {
    const { sequence, rowStart, rowCount, ranges, needsMask } = tile;
    const at = index * W.ITEM_WORDS;
    itemArray[at + W.FIRST_ROW] = rowStart;
    itemArray[at + W.ROW_COUNT] = rowCount;
    itemArray[at + W.FIRST_RANGE] = firstRanges.get(tile)!;
    itemArray[at + W.RANGE_COUNT] = ranges.length;
    itemArray[at + W.END_SLOT] = endSlot;
    itemArray[at + W.NEEDS_MASK] = needsMask;
    itemArray[at + W.LABEL_SHIFT] = shifts[sequence];
    itemArray[at + W.FIRST_COLUMN] = ranges[0]?.start ?? rowStart;
    itemArray[at + W.FIRST_SLOT] = firstSlot;
    itemArray[at + W.OUTPUT_ROW] = outputRow;
    for (let row = 0; isSplit && row < rowCount; row++) {
      const words = (rowStart + row) * W.PARTS_WORDS;
      if (firstSlot === 0) partArray[words + W.FIRST_PART] = outputRow + row;
      partArray[words + W.PART_STRIDE] = rowCount;
      partArray[words + W.PART_COUNT]++;
    }
  });
  return { items: itemArray, ranges: rangeArray, parts: partArray };
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
  const { tileConfig, tokens } = layout;
  const parts = layout.heads.flatMap(({ heads, table, bits, isFull, queryTiles, keyTiles }) => {
    const passOf = (tiles: readonly Tile[]) => {
      const work = workItems(tiles, { tileConfig, tokens, isFull }, heads?.length ?? headCount);
      return { work, words: itemWords(tiles, work, shifts, tokens) };
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
      headsAt: numbers ? headsAt : W.ALL_HEADS,
      tableAt,
      queryBitsAt,
      keyBitsAt,
    };
  });
  return { words, heads, positionsAt, sentencesAt, labelsAt };
}

/** A layout on the GPU, as kernels read it. One object and its buffers serve many layouts, one after another. */
export class DevicePlan {
  private readonly workspace: Workspace;
  private current:
    | { layout: Layout; family: KernelFamily; at: Omit<PlanWords, 'words'>; words: GPUBuffer }
    | undefined;
  private currentChunks: (TagRunChunks & { buffer: GPUBuffer }) | undefined;

  constructor(readonly device: Device) {
    this.workspace = new Workspace(device, 'plan');
  }

  /**
   * Makes `layout` the current layout, for all commands that are recorded after this call.
   * @param heads Heads of the attention. A plan with learned biases has a table for each.
   * @throws EngineError where the device has no kernels for the tiles.
   */
  write(layout: Layout, heads = 1): void {
    const { words, ...at } = planWords(layout, heads);
    const buffer = this.workspace.floats('words', words.length);
    write(this.device, buffer, words);
    this.current = {
      layout,
      family: familyOfTiles(this.device, layout.tileConfig, layout.tokens),
      at,
      words: buffer,
    };
    if (this.currentChunks) this.device.retire(this.currentChunks.buffer);
    this.currentChunks = undefined;
  }

  get layout(): Layout {
    return this.current!.layout;
  }

  /** Whether the biases are parameters. */
  get isLearned(): boolean {
    return this.layout.heads[0].table?.learned === true;
  }

  /** The family of kernels that the plan is for. */
  get family(): KernelFamily {
    return this.current!.family;
  }

  /** The words of the plan, and the offsets of its parts. */
  get words(): { buffer: GPUBuffer; at: Omit<PlanWords, 'words'> } {
    return { buffer: this.current!.words, at: this.current!.at };
  }

  /** The tag runs of the plan in chunks, for the gradient of a bias table; computed at first use. */
  get chunks(): TagRunChunks & { buffer: GPUBuffer } {
    if (!this.currentChunks) {
      const chunks = tagRunChunks(this.layout);
      this.currentChunks = { ...chunks, buffer: upload(this.device, chunks.words, 'plan.chunks') };
    }
    return this.currentChunks;
  }

  /** A temporary buffer of a pass, with room for `floats` numbers. */
  temporary(name: string, floats: number): GPUBuffer {
    return this.workspace.floats(name, floats);
  }

  /** A matrix of all tokens as panels, one for each head. @throws EngineError where no texture of the adapter holds them. */
  panels(name: string, heads: number, headDim: number): Panels {
    const span = this.layout.lengths.reduce((most, length) => Math.max(most, length), 0);
    const shape = { rows: this.layout.tokens, panels: heads, width: headDim, span, folds: true };
    if (!fitsPanels(this.device, shape)) {
      throw new EngineError({
        what: `${heads} heads of ${headDim} for ${shape.rows} tokens`,
        expected: `what a texture of ${this.device.longestTexture} texels a side holds`,
        remedy: 'use fewer heads or a smaller batch, or open the device with `subgroups: false`',
      });
    }
    return this.workspace.panels(`${name}, ${heads} heads of ${headDim}`, shape);
  }

  release(): void {
    if (this.currentChunks) this.device.release(this.currentChunks.buffer);
    this.currentChunks = undefined;
    this.workspace.release();
  }
}
