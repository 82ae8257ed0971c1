import type { Plan } from './plan.js';
import { concatenated, tileWords } from './plan-words.js';
import { type Tile, WORKGROUP_TILE } from './tiles.js';
import { contains, visibilityOf } from './visibility.js';

/** The rectangles of a plan (run of query tag x run of key tag) as words, for the gradient of the bias table. */
export interface RectangleWords {
  words: Uint32Array;
  tileCount: number;
  rangeCount: number;
  tilesAt: number;
  rangesAt: number;
  /** For each pair of tags, and one past the last, where its list of ranges begins. */
  pairsAt: number;
  entriesAt: number;
}

/** Groups `values` by pair: the beginnings of each pair's list, and the lists one behind another. */
function groupedByPair(pairs: number[], pairCount: number): { starts: Uint32Array; entries: Uint32Array } {
  const starts = new Uint32Array(pairCount + 1);
  for (const pair of pairs) starts[pair + 1]++;
  for (let pair = 0; pair < pairCount; pair++) starts[pair + 1] += starts[pair];
  const next = starts.slice();
  const entries = new Uint32Array(pairs.length);
  pairs.forEach((pair, range) => {
    entries[next[pair]++] = range;
  });
  return { starts, entries };
}

/**
 * Cuts the runs of a sparse plan into tiles of at most 32 rows of one tag, with a range for every run of keys that the
 * tag sees, and lists the ranges of every pair of tags.
 */
export function rectangleWords(plan: Plan): RectangleWords {
  const table = plan.table!;
  const tileRows = WORKGROUP_TILE.rows;
  const { seen } = visibilityOf(table, 'queries');
  const tiles: Tile[] = [];
  const pairs: number[] = [];
  for (const runs of plan.sequences) {
    for (const rows of runs) {
      const columns = runs.filter((run) => contains(seen[rows.tag], run.tag));
      const columnCount = columns.reduce((count, run) => count + run.length, 0);
      for (let done = 0; done < rows.length && columns.length > 0; done += tileRows) {
        const rowCount = Math.min(tileRows, rows.length - done);
        tiles.push({ rowStart: rows.start + done, rowCount, ranges: columns, columnCount, tested: true });
        for (const column of columns) pairs.push(rows.tag * table.size + column.tag);
      }
    }
  }
  const { starts, entries } = groupedByPair(pairs, table.size ** 2);
  const { tiles: tileArray, ranges } = tileWords(tiles);
  const { words, offsets } = concatenated([tileArray, ranges, starts, entries]);
  const [tilesAt, rangesAt, pairsAt, entriesAt] = offsets;
  return { words, tileCount: tiles.length, rangeCount: pairs.length, tilesAt, rangesAt, pairsAt, entriesAt };
}
