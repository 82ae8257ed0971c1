import { ColumnFinder, type Columns, NO_MASK, ONE_TAG } from './key-columns.js';
import { type ColumnRange, paddedToQuads } from './ranges.js';
import { TagRunSpans } from './tag-run-spans.js';
import type { Sequence, SortedBatch, TagRun } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** What kernels for rows that a tile has alone make of them. */
interface GlobalTokens {
  /** From how many paddedColumns on such a row is theirs. */
  from: number;
  /** What a pair costs there, in pairs of other tiles. */
  pairCost: number;
}

/** What a family of kernels makes of a tile, and what that costs. */
export interface TileConfig {
  /** The name of the kernels' family. */
  family: string;
  /** The most rows of a workgroup. */
  rows: number;
  /** Rows that are computed together: a tile's rows are padded to a multiple of it. */
  rowBlock: number;
  /**
   * How many columns are computed together, the most first: a tile takes as many of the largest step as fill up, and for
   * what is left the smallest that holds it.
   */
  steps: readonly number[];
  /** How many ranges are taken together: each such page of a tile's ranges fills up steps of its own. All where left out. */
  page?: number;
  /** What a tile costs beside its pairs (loading rows, the last reductions, storing), in pairs. */
  tileCost: number;
  /** What looking up biases and places costs, as a share of the pairs' own cost. */
  maskCost: number;
  /** The row kernels of sparse plans, where the family has them. */
  globalTokens?: GlobalTokens;
  /**
   * Whether heavy tiles begin first, as is best where whoever is free takes the next one. A software driver gives each of its
   * threads a half of all beforehand: there tiles stay in the order of their rows.
   */
  heaviestFirst: boolean;
}

/** The tiles for a plan of a kind, over sequences of some lengths. */
export type TileChooser = (kind: 'dense' | 'sparse', lengths: ArrayLike<number>) => TileConfig;

/** What needsMask cost where one row's serve all, as a share of what they cost else. */
const ONE_TAG_SHARE = 0.25;

/** The tiles of plans that no kernel runs, in which pairs are counted: those of GPUs, where no row is alone. */
export const COUNTING_TILE: TileConfig = {
  family: 'none',
  rows: 32,
  rowBlock: 8,
  steps: [64, 32],
  tileCost: 256,
  maskCost: 0.1,
  heaviestFirst: true,
};

/** Some consecutive rows of a sequence and all columns that any of them sees. */
export interface Tile {
  /** The sequence it is in, by its place in the batch. */
  sequence: number;
  rowStart: number;
  rowCount: number;
  ranges: ColumnRange[];
  /** Columns with every range padded to quads. */
  paddedColumns: number;
  /** What must be looked up for each pair: NO_MASK, or a sum of MASK_TAGS, MASK_POSITIONS and ONE_TAG. */
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

/** Whether a tile is one of the row kernels'. */
export function isGlobalToken(
  { rowCount, paddedColumns }: Pick<Tile, 'rowCount' | 'paddedColumns'>,
  { globalTokens }: Pick<TileConfig, 'globalTokens'>,
): boolean {
  return globalTokens !== undefined && rowCount === 1 && paddedColumns >= globalTokens.from;
}

/** The pairs that a kernel multiplies for so many paddedColumns of a tile that are taken together. */
function pairsTogether(
  paddedColumns: number,
  tile: Pick<Tile, 'rowCount' | 'paddedColumns'>,
  config: TileConfig,
): number {
  if (isGlobalToken(tile, config)) return paddedColumns;
  return padded(tile.rowCount, config.rowBlock) * executedColumns(paddedColumns, config.steps);
}

/** The pairs that a kernel multiplies for a tile, padding included, if its ranges are one page. */
function executedPairs(tile: Pick<Tile, 'rowCount' | 'paddedColumns'>, config: TileConfig): number {
  return pairsTogether(tile.paddedColumns, tile, config);
}

/** The same for a tile whose ranges are listed, where they may be several pages. */
export function executedPairsOfTile(tile: Tile, config: TileConfig): number {
  const { page = Number.POSITIVE_INFINITY } = config;
  const { ranges } = tile;
  if (ranges.length <= page) return executedPairs(tile, config);
  let pairs = 0;
  for (let first = 0; first < ranges.length; first += page) {
    const together = ranges.slice(first, first + page);
    const paddedColumns = together.reduce((sum, { length }) => sum + paddedToQuads(length), 0);
    pairs += pairsTogether(paddedColumns, tile, config);
  }
  return pairs;
}

function endOf({ start, length }: TagRun): number {
  return start + length;
}

/** Cuts the rows of one sequence into tiles. */
class SequenceTiler {
  private readonly seen: ColumnFinder | TagRunSpans;
  private readonly first: number;
  private readonly end: number;

  constructor(
    batch: SortedBatch,
    private readonly index: number,
    visibility: Visibility,
    private readonly config: TileConfig,
  ) {
    this.sequence = batch.sequences[index];
    // Sorted by sentence, a sequence may have as many runs as tokens: what every pair of runs sees would be too much to hold.
    this.seen =
      visibility.positional || this.sequence.bySentence
        ? new ColumnFinder(batch, this.sequence, visibility)
        : new TagRunSpans(this.sequence, visibility);
    this.first = this.sequence.start;
    this.end = this.first + this.sequence.length;
  }

  private readonly sequence: Sequence;

  /**
   * The cheapest tiles: shortest path over the rows at which a tile may begin. A tile ends when it is full, or earlier
   * at the end of a run, where its neighbours would see other columns.
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
      this.seen.from(begin);
      const full = Math.min(begin + this.config.rows, end);
      for (let last = run, to = begin; to < full; last++) {
        to = Math.min(full, endOf(runs[last]));
        this.seen.through(to);
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
    this.seen.from(begin);
    this.seen.through(end);
    const { needsMask } = this.seen;
    const ranges: ColumnRange[] = [];
    return { paddedColumns: this.seen.paddedColumns(needsMask, ranges), ranges, needsMask };
  }

  /** What a tile of so many rows costs, up to which the finder has come. */
  private cost(rowCount: number): number {
    const { needsMask } = this.seen;
    const { tileCost, maskCost, globalTokens } = this.config;
    const tile = { rowCount, paddedColumns: this.seen.paddedColumns(needsMask) };
    const pairs = executedPairs(tile, this.config);
    if (isGlobalToken(tile, this.config)) return tileCost + pairs * globalTokens!.pairCost;
    const share = needsMask === NO_MASK ? 0 : (needsMask & ONE_TAG) === 0 ? 1 : ONE_TAG_SHARE;
    return tileCost + pairs * (1 + share * maskCost);
  }
}

/**
 * Cuts every sequence into tiles, which may hold rows of several tags where that is cheaper, and
 * lists for each the columns that its rows see. No tile crosses sequences; a tile may be without columns.
 */
export function tilesOf(batch: SortedBatch, visibility: Visibility, config: TileConfig): Tile[] {
  return batch.sequences.flatMap(({ length }, index) =>
    length > 0 ? new SequenceTiler(batch, index, visibility, config).tiles() : [],
  );
}

/**
 * Tiles in the order in which they begin: those of globalTokens rows last, and by falling work where their family wants it, so that none
 * of the long ones begins last. Only powers of two of work tell tiles apart: others keep their order, so that
 * neighbours, which see many of the same columns, run while a cache still holds them.
 */
export function inOrder(tiles: readonly Tile[], config: TileConfig): Tile[] {
  const classOf = (tile: Tile) =>
    config.heaviestFirst ? Math.floor(Math.log2(1 + executedPairs(tile, config))) : 0;
  const classes = new Map(tiles.map((tile) => [tile, classOf(tile)]));
  const rank = (tile: Tile) => Number(isGlobalToken(tile, config));
  return [...tiles].sort((a, b) => rank(a) - rank(b) || classes.get(b)! - classes.get(a)!);
}
