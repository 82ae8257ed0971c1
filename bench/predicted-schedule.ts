import type { Layout } from '../src/plan/layout.js';
import type { StepTime } from '../src/plan/machine.js';
import { paddedToQuads } from '../src/plan/ranges.js';
import type { Tile, TileConfig } from '../src/plan/tiles.js';
import { ROW_BYTES, stepsOf, workItems } from '../src/plan/work-items.js';
import type { Pass } from './attention-settings.js';
import { type SimulatedMachine, timeOfItems, type WorkItem } from './schedule-model.js';

/** The forward kernels of a tile's height on a machine. */
export interface KernelTimes {
  /** The most rows of a tile. */
  rows: number;
  /** Workgroups that are on one multiprocessor at a time. */
  resident: number;
  /** A step of the most columns: over all columns of a sequence, as in dense attention, and over ranges of columns. */
  dense: StepTime;
  sparse: StepTime;
  /** The share of a step's time that does not depend on its columns. */
  stepOverhead: number;
  /** The time of a step with a mask over that of one without, of the same two: over all columns only masks look up labels. */
  masked: Readonly<Record<Layout['kind'], number>>;
}

/** A machine and the kernels of attention on it, as measured. Times are in microseconds. */
export interface MeasuredMachine extends Omit<SimulatedMachine, 'resident'> {
  /** The kernels by the height of a tile. */
  kernels: readonly KernelTimes[];
  /** A pass that adds up the parts of split tiles: its latency, and the rate at which it reads and writes them. */
  combining: { latency: number; gigabytesPerSecond: number };
}

/** One dispatch of an attention: work items, or bytes of parts that a combining pass reads and writes. */
type PlannedDispatch = { items: WorkItem[]; resident: number } | { bytes: number };

/** Steps over all columns of a tile, whose pages of ranges are padded to steps one by one. */
function stepsOfTile({ ranges, paddedColumns }: Tile, config: TileConfig, stepOverhead: number): number {
  const { page = Number.POSITIVE_INFINITY } = config;
  if (ranges.length <= page) return stepsOf(paddedColumns, config.steps, stepOverhead);
  let steps = 0;
  for (let first = 0; first < ranges.length; first += page) {
    const columns = ranges
      .slice(first, first + page)
      .reduce((sum, { length }) => sum + paddedToQuads(length), 0);
    steps += stepsOf(columns, config.steps, stepOverhead);
  }
  return steps;
}

function scaled({ alone, busy }: StepTime, factor: number): StepTime {
  return { alone: factor * alone, busy: factor * busy };
}

/** A kernel's tiles, and its operations for a pair over those of the forward kernel. */
interface Kernel {
  tiles: 'queryTiles' | 'keyTiles';
  cost: number;
}

/** The kernels of each pass: the backward ones compute three and four products instead of two. */
const FORWARD: readonly Kernel[] = [{ tiles: 'queryTiles', cost: 1 }];
const BACKWARD: readonly Kernel[] = [
  { tiles: 'queryTiles', cost: 1.5 },
  { tiles: 'keyTiles', cost: 2 },
];
const KERNELS: Readonly<Record<Pass, readonly Kernel[]>> = {
  forward: FORWARD,
  backward: BACKWARD,
  'forward+backward': [...FORWARD, ...BACKWARD],
};

/**
 * The dispatches of a kernel, in their order: for each group of heads its work items, and the sums of the parts of tiles. On a
 * GPU the heads of an item are side by side; a software adapter runs head after head.
 */
function dispatchesOf(
  layout: Layout,
  heads: number,
  machine: MeasuredMachine,
  kernel: Kernel,
): PlannedDispatch[] {
  const { tileConfig, tokens } = layout;
  const kernels =
    machine.kernels.find(({ rows }) => rows === tileConfig.rows) ??
    machine.kernels[machine.kernels.length - 1];
  return layout.heads.flatMap((group): PlannedDispatch[] => {
    const { isFull } = group;
    const count = group.heads?.length ?? heads;
    const kind = isFull || tileConfig.oneRange ? 'dense' : 'sparse';
    const unmasked = scaled(kernels[kind], kernel.cost);
    const masked = scaled(unmasked, kernels.masked[kind]);
    const plan = { tileConfig, tokens, isFull };
    const { items, outputRows, isSplit } = workItems(group[kernel.tiles], plan, count);
    const ofHead = items.map(({ tile, firstSlot, endSlot }): WorkItem => {
      const steps = isSplit
        ? stepsOf(endSlot - firstSlot, tileConfig.steps, kernels.stepOverhead)
        : stepsOfTile(tile, tileConfig, kernels.stepOverhead);
      return { steps, step: tile.needsMask ? masked : unmasked };
    });
    if (ofHead.length === 0) return [];
    const ofHeads = Array.from({ length: count }, () => ofHead);
    const workgroups = tileConfig.machine
      ? ofHead.flatMap((item) => ofHeads.map(() => item))
      : ofHeads.flat();
    const pass = { items: workgroups, resident: kernels.resident };
    return isSplit ? [pass, { bytes: 2 * outputRows * count * ROW_BYTES }] : [pass];
  });
}

function timeOf(dispatch: PlannedDispatch, machine: MeasuredMachine): number {
  if ('items' in dispatch) {
    return machine.dispatch + timeOfItems(dispatch.items, { ...machine, resident: dispatch.resident });
  }
  const { latency, gigabytesPerSecond } = machine.combining;
  return machine.dispatch + latency + dispatch.bytes / (1000 * gigabytesPerSecond);
}

/** The predicted time of a pass, in microseconds. */
export function predictedTime(layout: Layout, heads: number, machine: MeasuredMachine, pass: Pass): number {
  const dispatches = KERNELS[pass].flatMap((kernel) => dispatchesOf(layout, heads, machine, kernel));
  return dispatches.reduce((sum, each) => sum + timeOf(each, machine), 0);
}
