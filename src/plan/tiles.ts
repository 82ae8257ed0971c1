import type { Run } from './runs.js';
import { contains, type TagSet, type Visibility } from './visibility.js';

/** What a family of kernels makes of a tile. */
export interface TileShape {
  /** The most rows of a workgroup. */
  rows: number;
  /** Rows that are computed together: a tile's rows are padded to a multiple of it. */
  strip: number;
  /** Columns that are computed together: a tile's columns are padded to a multiple of it. */
  step: number;
}

/** The tiles of the kernels that share work through workgroup memory. */
export const WORKGROUP_TILE: TileShape = { rows: 32, strip: 8, step: 32 };

/** What a tile costs beside its pairs (loading rows, the last reductions, storing), in pairs. A guess. */
const TILE_OVERHEAD = 256;

/** A part of a sequence's tokens, as the columns of a tile. */
export interface ColumnRange {
  start: number;
  length: number;
}

/** Some consecutive rows of a sequence and all columns that any of them sees. */
export interface Tile {
  rowStart: number;
  rowCount: number;
  ranges: ColumnRange[];
  columnCount: number;
  /** True where some pair of the tile does not exist or carries a bias, so that the kernel must look each one up. */
  tested: boolean;
}

function padded(count: number, multiple: number): number {
  return Math.ceil(count / multiple) * multiple;
}

/** The pairs that a kernel multiplies for a tile, padding included. */
export function executedPairs(tile: Tile, { strip, step }: TileShape): number {
  return padded(tile.rowCount, strip) * padded(tile.columnCount, step);
}

/** Cuts the rows of one sequence into tiles. */
class SequenceTiler {
  private readonly end: number;

  constructor(
    private readonly runs: Run[],
    private readonly visibility: Visibility,
    private readonly shape: TileShape,
  ) {
    const last = runs[runs.length - 1];
    this.end = last.start + last.length;
  }

  /**
   * The cheapest tiles: shortest path over the rows at which a tile may begin. A tile ends when it is full, or earlier
   * at the end of a run, where its neighbours would see other columns.
   */
  tiles(): Tile[] {
    const first = this.runs[0].start;
    const ends = new Map<number, number[]>();
    const pending = [first];
    for (let begin = pending.pop(); begin !== undefined; begin = pending.pop()) {
      if (begin === this.end || ends.has(begin)) continue;
      ends.set(begin, this.candidateEnds(begin));
      pending.push(...ends.get(begin)!);
    }
    const best = new Map<number, { cost: number; tile?: Tile }>([[this.end, { cost: 0 }]]);
    for (const begin of [...ends.keys()].sort((a, b) => b - a)) {
      for (const end of ends.get(begin)!) {
        const tile = this.tile(begin, end);
        const cost = executedPairs(tile, this.shape) + TILE_OVERHEAD + best.get(end)!.cost;
        if (cost < (best.get(begin)?.cost ?? Number.POSITIVE_INFINITY)) best.set(begin, { cost, tile });
      }
    }
    const tiles: Tile[] = [];
    for (let begin = first; begin < this.end; ) {
      const { tile } = best.get(begin)!;
      tiles.push(tile!);
      begin += tile!.rowCount;
    }
    return tiles;
  }

  private candidateEnds(begin: number): number[] {
    const full = Math.min(begin + this.shape.rows, this.end);
    const ends = [full];
    for (const run of this.runs) {
      const end = run.start + run.length;
      if (end > begin && end < full) ends.push(end);
    }
    return ends;
  }

  private tile(begin: number, end: number): Tile {
    const rows = this.runs.filter((run) => run.start < end && run.start + run.length > begin);
    let seen: TagSet = 0n;
    for (const run of rows) seen |= this.visibility.seen[run.tag];
    const columns = this.runs.filter((run) => contains(seen, run.tag));
    const tested = rows.some(({ tag }) =>
      columns.some((column) => {
        return (
          !contains(this.visibility.seen[tag], column.tag) ||
          contains(this.visibility.biased[tag], column.tag)
        );
      }),
    );
    return { rowStart: begin, rowCount: end - begin, ...joined(columns), tested };
  }
}

/** Neighbouring runs become one range. */
function joined(runs: Run[]): { ranges: ColumnRange[]; columnCount: number } {
  const ranges: ColumnRange[] = [];
  let columnCount = 0;
  for (const { start, length } of runs) {
    const last = ranges[ranges.length - 1];
    if (last && last.start + last.length === start) last.length += length;
    else ranges.push({ start, length });
    columnCount += length;
  }
  return { ranges, columnCount };
}

/**
 * Cuts every sequence into tiles, which may hold rows of several tags where that is cheaper, and
 * lists for each the columns that its rows see. No tile crosses sequences; a tile may be without columns.
 */
export function tilesOf(sequences: Run[][], visibility: Visibility, shape: TileShape): Tile[] {
  return sequences.flatMap((runs) =>
    runs.length > 0 ? new SequenceTiler(runs, visibility, shape).tiles() : [],
  );
}
