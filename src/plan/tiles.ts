import { ColumnFinder, type Columns, ONE_TAG, UNTESTED } from './key-columns.js';
import { type ColumnRange, paddedToQuads } from './ranges.js';
import { RunSpans } from './run-spans.js';
import type { Run, Sequence, SortedBatch } from './runs.js';
import type { Visibility } from './visibility.js';

/** What kernels for rows that a tile has alone make of them. */
interface LoneRows {
  /** From how many slots on such a row is theirs. */
  from: number;
  /** What a pair costs there, in pairs of other tiles. */
  pairCost: number;
}

/** What a family of kernels makes of a tile, and what that costs. */
export interface TileShape {
  /** The name of the kernels' family. */
  family: string;
  /** The most rows of a workgroup. */
  rows: number;
  /** Rows that are computed together: a tile's rows are padded to a multiple of it. */
  strip: number;
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
  testCost: number;
  /** The row kernels of sparse plans, where the family has them. */
  lone?: LoneRows;
  /**
   * Whether heavy tiles begin first, as is best where whoever is free takes the next one. A software driver gives each of its
   * threads a half of all beforehand: there tiles stay in the order of their rows.
   */
  heaviestFirst: boolean;
}

/** The tiles for a plan of a kind, over sequences of some lengths. */
export type ShapeOfTiles = (kind: 'dense' | 'sparse', lengths: ArrayLike<number>) => TileShape;

/** What tests cost where one row's serve all, as a share of what they cost else. */
const ONE_TAG_SHARE = 0.25;

/** The tiles of plans that no kernel runs, in which pairs are counted: those of GPUs, where no row is alone. */
export const COUNTING_TILE: TileShape = {
  family: 'none',
  rows: 32,
  strip: 8,
  steps: [64, 32],
  tileCost: 256,
  testCost: 0.1,
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
  slots: number;
  /** What must be looked up for each pair: UNTESTED, or a sum of TEST_TAGS, TEST_PLACES and ONE_TAG. */
  tests: number;
}

function padded(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/** Columns with the padding of the last step. */
function executedColumns(slots: number, steps: readonly number[]): number {
  const rest = slots % steps[0];
  if (rest === 0) return slots;
  let last = 0;
  while (last + 1 < steps.length && steps[last + 1] >= rest) last++;
  return slots - rest + steps[last];
}

/** Whether a tile is one of the row kernels'. */
export function isLone(
  { rowCount, slots }: Pick<Tile, 'rowCount' | 'slots'>,
  { lone }: Pick<TileShape, 'lone'>,
): boolean {
  return lone !== undefined && rowCount === 1 && slots >= lone.from;
}

/** The pairs that a kernel multiplies for so many slots of a tile that are taken together. */
function pairsTogether(slots: number, tile: Pick<Tile, 'rowCount' | 'slots'>, shape: TileShape): number {
  if (isLone(tile, shape)) return slots;
  return padded(tile.rowCount, shape.strip) * executedColumns(slots, shape.steps);
}

/** The pairs that a kernel multiplies for a tile, padding included, if its ranges are one page. */
function executedPairs(tile: Pick<Tile, 'rowCount' | 'slots'>, shape: TileShape): number {
  return pairsTogether(tile.slots, tile, shape);
}

/** The same for a tile whose ranges are listed, where they may be several pages. */
export function executedPairsOfTile(tile: Tile, shape: TileShape): number {
  const { page = Number.POSITIVE_INFINITY } = shape;
  const { ranges } = tile;
  if (ranges.length <= page) return executedPairs(tile, shape);
  let pairs = 0;
  for (let first = 0; first < ranges.length; first += page) {
    const together = ranges.slice(first, first + page);
    const slots = together.reduce((sum, { length }) => sum + paddedToQuads(length), 0);
    pairs += pairsTogether(slots, tile, shape);
  }
  return pairs;
}

function endOf({ start, length }: Run): number {
  return start + length;
}

/** Cuts the rows of one sequence into tiles. */
class SequenceTiler {
  private readonly seen: ColumnFinder | RunSpans;
  private readonly first: number;
  private readonly end: number;

  constructor(
    batch: SortedBatch,
    private readonly index: number,
    visibility: Visibility,
    private readonly shape: TileShape,
  ) {
    this.sequence = batch.sequences[index];
    // Sorted by sentence, a sequence may have as many runs as tokens: what every pair of runs sees would be too much to hold.
    this.seen =
      visibility.placed || this.sequence.bySentence
        ? new ColumnFinder(batch, this.sequence, visibility)
        : new RunSpans(this.sequence, visibility);
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
      const full = Math.min(begin + this.shape.rows, end);
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
    const { tests } = this.seen;
    const ranges: ColumnRange[] = [];
    return { slots: this.seen.slots(tests, ranges), ranges, tests };
  }

  /** What a tile of so many rows costs, up to which the finder has come. */
  private cost(rowCount: number): number {
    const { tests } = this.seen;
    const { tileCost, testCost, lone } = this.shape;
    const tile = { rowCount, slots: this.seen.slots(tests) };
    const pairs = executedPairs(tile, this.shape);
    if (isLone(tile, this.shape)) return tileCost + pairs * lone!.pairCost;
    const share = tests === UNTESTED ? 0 : (tests & ONE_TAG) === 0 ? 1 : ONE_TAG_SHARE;
    return tileCost + pairs * (1 + share * testCost);
  }
}

/**
 * Cuts every sequence into tiles, which may hold rows of several tags where that is cheaper, and
 * lists for each the columns that its rows see. No tile crosses sequences; a tile may be without columns.
 */
export function tilesOf(batch: SortedBatch, visibility: Visibility, shape: TileShape): Tile[] {
  return batch.sequences.flatMap(({ length }, index) =>
    length > 0 ? new SequenceTiler(batch, index, visibility, shape).tiles() : [],
  );
}

/**
 * Tiles in the order in which they begin: those of lone rows last, and by falling work where their family wants it, so that none
 * of the long ones begins last. Only powers of two of work tell tiles apart: others keep their order, so that
 * neighbours, which see many of the same columns, run while a cache still holds them.
 */
export function inOrder(tiles: readonly Tile[], shape: TileShape): Tile[] {
  const classOf = (tile: Tile) =>
    shape.heaviestFirst ? Math.floor(Math.log2(1 + executedPairs(tile, shape))) : 0;
  const classes = new Map(tiles.map((tile) => [tile, classOf(tile)]));
  const lone = (tile: Tile) => Number(isLone(tile, shape));
  return [...tiles].sort((a, b) => lone(a) - lone(b) || classes.get(b)! - classes.get(a)!);
}
