import { type Machine, type StepTimes, stepTime } from './machine.js';
import type { Tile, TileConfig } from './tiles.js';

/** The work of a workgroup in each head: a tile, or some steps of one. */
interface WorkItem {
  tile: Tile;
  /** Its padded columns: the first, and the end. */
  firstSlot: number;
  endSlot: number;
  /** The row of the output at which it stores its tile's first row. */
  outputRow: number;
}

/** The work of one pass over some tiles, in the order in which workgroups start. */
export interface WorkItems {
  items: WorkItem[];
  /** Rows of the output: those of the batch, or, where tiles are split, those of all parts, which a combining pass adds. */
  outputRows: number;
  isSplit: boolean;
}

/** The most steps of a part that are tried, ascending. */
const PART_STEPS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24];

/** The time of a step that is at most half full, as a share of that of a full one. */
const HALF_STEP = 0.62;

/** Bytes of a row of partial results in a head of 64, with L, m and log l, where traffic is estimated. */
export const ROW_BYTES = 4 * (64 + 4);

/** Parts into which a tile of `columns` padded columns is split, where a part has at most `most` steps. */
function partsOf(columns: number, step: number, most: number): number {
  return Math.max(1, Math.ceil(Math.ceil(columns / step) / most));
}

function stepsOf(columns: number, step: number): number {
  const rest = columns % step;
  return Math.floor(columns / step) + (rest === 0 ? 0 : rest <= step / 2 ? HALF_STEP : 1);
}

/**
 * The largest sum of steps that a place for workgroups gets, where each of `heads` heads has these items, longest first. Items are dealt
 * out in turns, from the first place to the last and back, as where each place takes the next item once it is free.
 */
function longestShare(items: Float64Array, heads: number, places: number): number {
  const shares = new Float64Array(Math.min(places, items.length * heads));
  for (let item = 0, index = 0; item < items.length; item++) {
    for (let head = 0; head < heads; head++, index++) {
      const place = index % places;
      const isForward = Math.floor(index / places) % 2 === 0;
      shares[isForward ? place : places - 1 - place] += items[item];
    }
  }
  return shares.reduce((longest, share) => Math.max(longest, share), 0);
}

function stepTimesOf({ steps }: Machine, rows: number): StepTimes {
  return steps[rows > 16 ? 32 : 16];
}

/** The expected time of a pass whose tiles are split into parts of at most `most` steps, in microseconds. */
function expectedTime(
  tiles: readonly Tile[],
  { rows, steps: [step] }: TileConfig,
  machine: Machine,
  heads: number,
  most: number,
): number {
  const times = stepTimesOf(machine, rows);
  const items: number[] = [];
  let outputRows = 0;
  for (const { rowCount, paddedColumns } of tiles) {
    const count = partsOf(paddedColumns, step, most);
    const full = Math.ceil(Math.ceil(paddedColumns / step) / count);
    let left = stepsOf(paddedColumns, step);
    for (let part = 0; part < count; part++, left -= full) items.push(Math.min(full, left));
    outputRows += count * rowCount;
  }
  const resident = Math.min(times.resident, Math.ceil((heads * items.length) / machine.multiprocessors));
  const steps = longestShare(
    Float64Array.from(items).sort().reverse(),
    heads,
    machine.multiprocessors * resident,
  );
  const combining =
    items.length === tiles.length
      ? 0
      : machine.launch + machine.combine + (2 * heads * outputRows * ROW_BYTES) / machine.bandwidth;
  return machine.start + steps * stepTime(times, resident) + combining;
}

/** The most steps of a part with which the pass is expected to be fastest; Infinity where no tile is split. */
function bestPart(tiles: readonly Tile[], config: TileConfig, machine: Machine, heads: number): number {
  const places = machine.multiprocessors * stepTimesOf(machine, config.rows).resident;
  // Twice that number of workgroups keep all multiprocessors busy to the end.
  if (heads * tiles.length > 2 * places) return Number.POSITIVE_INFINITY;
  let best = { most: Number.POSITIVE_INFINITY, time: Number.POSITIVE_INFINITY };
  for (const most of [Number.POSITIVE_INFINITY, ...PART_STEPS]) {
    const time = expectedTime(tiles, config, machine, heads, most);
    if (time < best.time) best = { most, time };
  }
  return best.most;
}

/**
 * The work items of a pass. On a GPU the longest start first, so that no long one starts last, and tiles are split where a combining pass
 * costs less than the multiprocessors that would idle. Without a machine in `config`, each tile is an item, in the order of rows.
 * @param heads Heads that run each tile.
 * @param tokens Rows of the batch.
 */
export function workItems(
  tiles: readonly Tile[],
  config: TileConfig,
  heads: number,
  tokens: number,
): WorkItems {
  const { machine, steps } = config;
  const [step] = steps;
  const most = machine ? bestPart(tiles, config, machine, heads) : Number.POSITIVE_INFINITY;
  const isSplit = tiles.some(({ paddedColumns }) => partsOf(paddedColumns, step, most) > 1);
  let outputRows = 0;
  const items = tiles.flatMap((tile) => {
    const { paddedColumns, rowCount, rowStart } = tile;
    const count = partsOf(paddedColumns, step, most);
    const slots = step * Math.ceil(Math.ceil(paddedColumns / step) / count);
    return Array.from({ length: count }, (_, part): WorkItem => {
      const outputRow = isSplit ? outputRows : rowStart;
      outputRows += rowCount;
      return {
        tile,
        firstSlot: part * slots,
        endSlot: Math.min((part + 1) * slots, paddedColumns),
        outputRow,
      };
    });
  });
  if (machine) items.sort((a, b) => b.endSlot - b.firstSlot - (a.endSlot - a.firstSlot));
  return { items, outputRows: isSplit ? outputRows : tokens, isSplit };
}
