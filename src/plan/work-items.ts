import type { HeadLayout, Layout } from './layout.js';
import { type Machine, stepTime } from './machine.js';
import type { Tile } from './tiles.js';

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

/** Which tiles are split: those of more than `whole` steps, into parts of at most `most`. */
interface Split {
  whole: number;
  most: number;
}

const UNSPLIT: Split = { whole: Number.POSITIVE_INFINITY, most: Number.POSITIVE_INFINITY };

/** The splits that are tried, by ascending parts. Tiles that are little longer than a part may be better whole. */
const SPLITS = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 14, 16, 18, 20, 24].flatMap((most) =>
  [...new Set([most, most + 1, Math.round(1.5 * most)])].map((whole): Split => ({ whole, most })),
);

/** The share of a step's time that does not depend on its columns. */
const STEP_OVERHEAD = 0.24;

/** The time of a step over ranges of columns, alone, over that of a step over all columns of a sequence: ranges are looked up first. */
const RANGES_LATENCY = 1.16;

/** Bytes of a row of partial results in a head of 64, with L, m and log l, where traffic is estimated. */
export const ROW_BYTES = 4 * (64 + 4);

/** Parts into which a tile of `columns` padded columns is split. */
function partsOf(columns: number, step: number, { whole, most }: Split): number {
  const steps = Math.ceil(columns / step);
  return steps > whole ? Math.ceil(steps / most) : 1;
}

/** The time of some columns of a tile, in full steps. */
export function stepsOf(columns: number, sizes: readonly number[], overhead = STEP_OVERHEAD): number {
  const [full] = sizes;
  const rest = columns % full;
  const whole = (columns - rest) / full;
  if (rest === 0) return whole;
  const last = sizes.findLast((size) => size >= rest)!;
  return whole + overhead + (1 - overhead) * (last / full);
}

/**
 * The largest sum of steps that one of `places` resident workgroups gets, where each of `heads` heads has these items, longest first, and
 * the place that is free first takes the next one.
 */
function longestShare(items: Float64Array, heads: number, places: number): number {
  const shares = new Float64Array(Math.min(places, items.length * heads)); // a heap: none is below that of its parent
  let longest = 0;
  for (const item of items) {
    for (let head = 0; head < heads; head++) {
      const share = shares[0] + item;
      longest = Math.max(longest, share);
      let at = 0;
      for (let next = 1; next < shares.length; next = 2 * at + 1) {
        if (next + 1 < shares.length && shares[next + 1] < shares[next]) next++;
        if (shares[next] >= share) break;
        shares[at] = shares[next];
        at = next;
      }
      shares[at] = share;
    }
  }
  return longest;
}

/** A layout, and its tiles for some heads, as a pass over these sees them. */
type Plan = Pick<Layout, 'tileConfig' | 'tokens'> & Pick<HeadLayout, 'isFull'>;

/** The times of a machine's steps for a plan's tiles. */
function stepTimesOf({ isFull, tileConfig }: Plan, { steps }: Machine) {
  const { resident, alone, busy } = steps[tileConfig.rows > 16 ? 32 : 16];
  return { resident, busy, alone: isFull || tileConfig.oneRange ? alone : RANGES_LATENCY * alone };
}

/** The expected time of a pass with a split, in microseconds. */
function expectedTime(
  tiles: readonly Tile[],
  plan: Plan,
  machine: Machine,
  heads: number,
  split: Split,
): number {
  const times = stepTimesOf(plan, machine);
  const sizes = plan.tileConfig.steps;
  const [step] = sizes;
  const items: number[] = [];
  let outputRows = 0;
  for (const { rowCount, paddedColumns } of tiles) {
    const count = partsOf(paddedColumns, step, split);
    const full = Math.ceil(Math.ceil(paddedColumns / step) / count);
    let left = stepsOf(paddedColumns, sizes);
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

/** The split with which the pass is expected to be fastest. */
function bestSplit(tiles: readonly Tile[], plan: Plan, machine: Machine, heads: number): Split {
  const places = machine.multiprocessors * stepTimesOf(plan, machine).resident;
  // Twice that number of workgroups keep all multiprocessors busy to the end.
  if (heads * tiles.length > 2 * places) return UNSPLIT;
  const columns = tiles.reduce((most, { paddedColumns }) => Math.max(most, paddedColumns), 0);
  const longest = Math.ceil(columns / plan.tileConfig.steps[0]);
  let best = UNSPLIT;
  let least = Number.POSITIVE_INFINITY;
  for (const split of [UNSPLIT, ...SPLITS.filter(({ whole }) => whole < longest)]) {
    const time = expectedTime(tiles, plan, machine, heads, split);
    if (time < least) {
      best = split;
      least = time;
    }
  }
  return best;
}

/**
 * The work items of a pass. On a GPU the longest start first, so that no long one starts last, and tiles are split where a combining pass
 * costs less than the multiprocessors that would idle. Without a machine in the plan, each tile is an item, in the order of rows.
 * @param tiles Tiles of `plan`.
 * @param heads Heads that run each tile.
 */
export function workItems(tiles: readonly Tile[], plan: Plan, heads: number): WorkItems {
  const { machine, steps } = plan.tileConfig;
  const [step] = steps;
  const split = machine ? bestSplit(tiles, plan, machine, heads) : UNSPLIT;
  const isSplit = tiles.some(({ paddedColumns }) => partsOf(paddedColumns, step, split) > 1);
  let outputRows = 0;
  const items = tiles.flatMap((tile) => {
    const { paddedColumns, rowCount, rowStart } = tile;
    const count = partsOf(paddedColumns, step, split);
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
  const columns = ({ firstSlot, endSlot }: WorkItem) => endSlot - firstSlot;
  const hasMask = ({ tile }: WorkItem) => Number(tile.needsMask > 0);
  if (machine) items.sort((a, b) => columns(b) - columns(a) || hasMask(b) - hasMask(a));
  return { items, outputRows: isSplit ? outputRows : plan.tokens, isSplit };
}
