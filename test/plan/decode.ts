import type { PassWords, PlanWords } from '../../src/attention/device-plan.js';
import { planWordNames as W } from '../../src/gpu/kernel-sources.generated.js';
import { EVERYWHERE, NO_SENTENCE } from '../../src/grammar/scope.js';
import { MASK_POSITIONS } from '../../src/plan/key-columns.js';
import type { Layout } from '../../src/plan/layout.js';
import type { Side } from './random-batch.js';

/** A work item as the kernels read it. */
export interface DecodedItem {
  rowStart: number;
  rowCount: number;
  ranges: { start: number; length: number; slot: number }[];
  firstSlot: number;
  endSlot: number;
  outputRow: number;
  needsMask: number;
  /** The index of a label's byte minus that of its token. */
  shift: number;
  firstColumn: number;
}

/** Work items and their ranges, read from the words by the names that kernels use. */
export function decodedItems(words: Uint32Array, { itemsAt, rangesAt, items }: PassWords): DecodedItem[] {
  return Array.from({ length: items }, (_, index) => {
    const tile = words.subarray(itemsAt + W.ITEM_WORDS * index);
    const ranges = Array.from({ length: tile[W.RANGE_COUNT] }, (_, range) => {
      const at = rangesAt + W.RANGE_WORDS * (tile[W.FIRST_RANGE] + range);
      return {
        start: words[at + W.RANGE_START],
        length: words[at + W.RANGE_LENGTH],
        slot: words[at + W.RANGE_SLOT],
      };
    });
    return {
      rowStart: tile[W.FIRST_ROW],
      rowCount: tile[W.ROW_COUNT],
      ranges,
      firstSlot: tile[W.FIRST_SLOT],
      endSlot: tile[W.END_SLOT],
      outputRow: tile[W.OUTPUT_ROW],
      needsMask: tile[W.NEEDS_MASK],
      shift: tile[W.LABEL_SHIFT] | 0,
      firstColumn: tile[W.FIRST_COLUMN],
    };
  });
}

/** The parameters that `recordForward` passes to a kernel of a sparse plan. */
type SparsePlan = Pick<Layout, 'heads' | 'positional' | 'causal'>;

/** Reads a sparse plan's words as the kernels do; positions of tokens are those of the sorted order. */
export class WordReader {
  private readonly floats: Float32Array;

  constructor(
    private readonly plan: SparsePlan,
    private readonly written: PlanWords,
    private readonly headCount: number,
  ) {
    this.floats = new Float32Array(written.words.buffer, written.words.byteOffset, written.words.length);
  }

  /** The heads that the n-th list of items is for. */
  headsOf(index: number): number[] {
    const { headsAt } = this.written.heads[index];
    if (headsAt === W.ALL_HEADS) return Array.from({ length: this.headCount }, (_, head) => head);
    const count = this.plan.heads[index].heads!.length;
    return [...this.written.words.subarray(headsAt, headsAt + count)];
  }

  items(index: number, side: Side): DecodedItem[] {
    const { query, key } = this.written.heads[index];
    return decodedItems(this.written.words, side === 'queries' ? query : key);
  }

  /** The bias that a kernel finds for a pair of a tile, or undefined where it finds that the pair does not exist. */
  bias(
    index: number,
    head: number,
    tile: DecodedItem,
    side: Side,
    row: number,
    column: number,
  ): number | undefined {
    if (tile.needsMask === 0) return 0;
    const [query, key] = side === 'queries' ? [row, column] : [column, row];
    const { size, scopes, learned } = this.plan.heads[index].table!;
    const { tableAt } = this.written.heads[index];
    const entry = this.label(query, tile.shift) * size + this.label(key, tile.shift);
    const found = this.floats[tableAt + (learned ? head * size * size : 0) + entry];
    const near = found > -1e29 ? found : undefined;
    if ((tile.needsMask & MASK_POSITIONS) === 0 || !this.plan.positional) return near;
    const reachesAt = tableAt + (learned ? this.headCount : 1) * size * size;
    const { words, positionsAt } = this.written;
    if (this.plan.causal && words[positionsAt + key] > words[positionsAt + query]) return undefined;
    if (this.isWithin(this.floats[reachesAt + entry], query, key)) return near;
    if (this.isWithin(this.floats[reachesAt + size * size + entry], query, key)) return scopes?.beta ?? 0;
    return scopes?.elsewhere === 0 ? 0 : undefined;
  }

  private label(token: number, shift: number): number {
    const byte = token + shift;
    return (this.written.words[this.written.labelsAt + (byte >> 2)] >> (8 * (byte & 3))) & 255;
  }

  private isWithin(reach: number, query: number, key: number): boolean {
    const { words, positionsAt, sentencesAt } = this.written;
    if (reach === EVERYWHERE) return true;
    if (Math.abs(words[positionsAt + query] - words[positionsAt + key]) <= reach) return true;
    if (reach % 1 === 0) return false;
    const [a, b] = [words[sentencesAt + query], words[sentencesAt + key]];
    return a === b || a === NO_SENTENCE || b === NO_SENTENCE;
  }
}
