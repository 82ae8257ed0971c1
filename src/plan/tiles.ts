import { ColumnFinder, type Columns, NO_MASK, ONE_TAG } from './key-columns.js';
import type { Machine } from './machine.js';
import { type ColumnRange, paddedToQuads } from './ranges.js';
import { TagRunSpans } from './tag-run-spans.js';
import type { Sequence, SortedBatch, TagRun } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** How a family of kernels computes a tile, and what a tile costs. */
export interface TileConfig {
  /** The name of the kernels' family. */
  family: string;
  /** The most rows of a workgroup. */
  rows: number;
  /** Rows that are computed together: the rows of a tile are padded to a multiple of it. */
  rowBlock: number;
  /**
   * Columns that are computed together, the largest step first. A tile takes full steps of the largest size, and for the rest the
   * smallest step that holds it.
   */
  steps: readonly number[];
  /** Ranges that are computed together: each page of a tile's ranges is padded to steps. All ranges are one page by default. */
  page?: number;
  /**
   * Whether a tile's columns are one range, with a mask: those between its first and its last. Short texts then need more products, but
   * no range is looked up.
   */
  oneRange?: boolean;
  /** The cost of a tile beside its pairs (loading rows, the last reductions, storing), in pairs. */
  tileCost: number;
  /** The cost of looking up biases and positions, as a share of the cost of the pairs. */
  maskCost: number;
  /**
   * The GPU that runs the tiles: heavy tiles start first, and long tiles are split where it would idle. A software driver has none: it
   * divides the tiles between its threads beforehand, so they stay whole and in the order of their rows.
   */
  machine?: Machine;
}

/** Chooses the tiles for a kind of plan and the lengths of its sequences. `isFull`: a sparse plan has every pair, some with a bias. */
export type TileChooser = (
  kind: 'dense' | 'sparse',
  lengths: ArrayLike<number>,
  isFull?: boolean,
) => TileConfig;

/** The cost of a mask that is looked up for one row of a tile, as a share of the cost of looking it up for all. */
const ONE_TAG_SHARE = 0.25;

/** The share of a step's time that a tile with one row takes, too: loads, barriers and the rows that do not exist. */
const ANY_ROW_SHARE = 0.65;

/** The tiles of plans that only count pairs: those of GPUs. */
export const COUNTING_TILE: TileConfig = {
  family: 'none',
  rows: 32,
  rowBlock: 8,
  steps: [64, 32, 16],
  tileCost: 256,
  maskCost: 0.1,
};

/** Some consecutive rows of a sequence and all columns that any of them attends to. */
export interface Tile {
  /** The index of its sequence in the batch. */
  sequence: number;
  /** Index of the first row in the layout's order, counted over the whole batch. */
  rowStart: number;
  /** Rows, without padding. */
  rowCount: number;
  /** The columns, ascending; none where no row attends to any. */
  ranges: ColumnRange[];
  /** Columns with every range padded to quads. */
  paddedColumns: number;
  /** What kernels look up for each pair: NO_MASK, or a sum of MASK_TAGS, MASK_POSITIONS and ONE_TAG. */
  needsMask: number;
}

function padded(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/** Columns with the padding of the last step. */
function executedColumns(paddedColumns: number, steps: readonly number[]): number {
  const rest = paddedColumns % steps[0];
  if (rest === 0) return paddedColumns;
  let last = 0;
  while (last + 1 < steps.length && steps[last + 1] >= rest) last++;
  return paddedColumns - rest + steps[last];
}

/** The pairs that a kernel multiplies for a tile, or for some of its columns that are computed together, padding included. */
function executedPairs(
  tile: Pick<Tile, 'rowCount' | 'paddedColumns'>,
  config: TileConfig,
  columns = tile.paddedColumns,
): number {
  return padded(tile.rowCount, config.rowBlock) * executedColumns(columns, config.steps);
}

/** The same for a tile whose ranges may be several pages. */
export function executedPairsOfTile(tile: Tile, config: TileConfig): number {
  const { page = Number.POSITIVE_INFINITY } = config;
  const { ranges } = tile;
  if (ranges.length <= page) return executedPairs(tile, config);
  let pairs = 0;
  for (let first = 0; first < ranges.length; first += page) {
    const together = ranges.slice(first, first + page);
    const paddedColumns = together.reduce((sum, { length }) => sum + paddedToQuads(length), 0);
    pairs += executedPairs(tile, config, paddedColumns);
  }
  return pairs;
}

function endOf({ start, length }: TagRun): number {
  return start + length;
}

/** Cuts the rows of one sequence into tiles. */
class SequenceTiler {
  private readonly finder: ColumnFinder | TagRunSpans;
  private readonly first: number;
  private readonly end: number;

  constructor(
    batch: SortedBatch,
    private readonly index: number,
    visibility: Visibility,
    private readonly config: TileConfig,
  ) {
    this.sequence = batch.sequences[index];
    // A sequence that is sorted by sentence may have a tag run for each token: a table of all pairs of runs would be too large.
    this.finder =
      visibility.positional || this.sequence.bySentence
        ? new ColumnFinder(batch, this.sequence, visibility, config.oneRange)
        : new TagRunSpans(this.sequence, visibility, config.oneRange);
    this.first = this.sequence.start;
    this.end = this.first + this.sequence.length;
  }

  private readonly sequence: Sequence;

  /**
   * The cheapest tiles: a shortest path over the rows at which a tile may start. A tile ends when it is full, or earlier at the
   * end of a tag run, where the next rows attend to other columns.
   */
  tiles(): Tile[] {
    const { first, end } = this;
    const count = end - first;
    const cheapest = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
    const beginOf = new Uint32Array(count + 1);
    cheapest[0] = 0;
    const { runs } = this.sequence;
    for (let begin = first, run = 0; begin < end; begin++) {
      while (endOf(runs[run]) <= begin) run++;
      if (cheapest[begin - first] === Number.POSITIVE_INFINITY) continue;
      this.finder.from(begin);
      const full = Math.min(begin + this.config.rows, end);
      for (let last = run, to = begin; to < full; last++) {
        to = Math.min(full, endOf(runs[last]));
        this.finder.through(to);
        const cost = cheapest[begin - first] + this.cost(to - begin);
        if (cost < cheapest[to - first]) {
          cheapest[to - first] = cost;
          beginOf[to - first] = begin;
        }
      }
    }
    const tiles: Tile[] = [];
    for (let to = end; to > first; to = beginOf[to - first]) {
      const rowStart = beginOf[to - first];
      tiles.push({ sequence: this.index, rowStart, rowCount: to - rowStart, ...this.columns(rowStart, to) });
    }
    return tiles.reverse();
  }

  private columns(begin: number, end: number): Columns {
    this.finder.from(begin);
    this.finder.through(end);
    const { needsMask } = this.finder;
    const ranges: ColumnRange[] = [];
    return { paddedColumns: this.finder.paddedColumns(needsMask, ranges), ranges, needsMask };
  }

  /** The cost of a tile of `rowCount` rows, those that were added to the finder. */
  private cost(rowCount: number): number {
    const { needsMask } = this.finder;
    const { rows, rowBlock, steps, tileCost, maskCost } = this.config;
    const rowsPaid = ANY_ROW_SHARE * rows + (1 - ANY_ROW_SHARE) * padded(rowCount, rowBlock);
    const pairs = rowsPaid * executedColumns(this.finder.paddedColumns(needsMask), steps);
    const share = needsMask === NO_MASK ? 0 : (needsMask & ONE_TAG) === 0 ? 1 : ONE_TAG_SHARE;
    return tileCost + pairs * (1 + share * maskCost);
  }
}

/**
 * Cuts every sequence into tiles, which may hold rows of several tags where that is cheaper, and lists the columns that the rows of
 * each attend to. No tile crosses sequences. A tile may have no columns.
 */
export function tilesOf(batch: SortedBatch, visibility: Visibility, config: TileConfig): Tile[] {
  return batch.sequences.flatMap(({ length }, index) =>
    length > 0 ? new SequenceTiler(batch, index, visibility, config).tiles() : [],
  );
}
