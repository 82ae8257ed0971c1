import { Attention } from '../src/attention/attention.js';
import { familiesOn } from '../src/attention/families/families.js';
import { Workspace } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import { denseLayout, type Layout, LONGEST_SEQUENCE } from '../src/plan/layout.js';
import { type Machine, type StepTime, type StepTimes, TYPICAL_GPU } from '../src/plan/machine.js';
import type { TileConfig } from '../src/plan/tiles.js';
import { copyBandwidth, dispatchOverhead } from './limits.js';
import { fitMachine, type Probe } from './machine-fit.js';
import type { MeasuredMachine } from './predicted-schedule.js';
import type { SimulatedMachine } from './schedule-model.js';
import { takeTurns, warmUp } from './timing.js';

/** Steps of the probes' workgroups, few and many. */
const [FEW, MANY] = [2, 16];
const REPEATS = 7;
/** Dispatches of which the mean time is taken. */
const DISPATCHES = 200;
/** Workgroups of the probes: on a software adapter, and the most on a GPU. */
const SOFTWARE_ITEMS = 32;
const MOST_ITEMS = 4096;
/** Growth from one number of workgroups to the next. */
const GROWTH = 1.2;
/** Runs of a probe on a software adapter take this time at least. */
const PROBE_MS = 20;
/**
 * Whether threads get their workgroups beforehand is seen from long workgroups in front: then they take as long as if all were long, else
 * as long as if they were spread out. This share of the way between the two times decides.
 */
const UNEVEN = 1 / 3;

/** Times dispatches of the dense forward kernel whose workgroups have chosen numbers of steps. */
class MachineProbe {
  private readonly layout: Layout;
  private readonly workspace: Workspace;
  private readonly clock: KernelClock | undefined;

  constructor(
    private readonly device: Device,
    private readonly headDim: number,
    tile: TileConfig,
    items: number,
  ) {
    // Without a machine, the planner splits no tile.
    const config = { ...tile, machine: undefined };
    const tokens = Math.max(tile.rows * items, tile.steps[0] * MANY);
    const whole = Array<number>(Math.floor(tokens / LONGEST_SEQUENCE)).fill(LONGEST_SEQUENCE);
    this.layout = denseLayout([...whole, tokens % LONGEST_SEQUENCE], config);
    this.workspace = new Workspace(device, 'probe');
    // The clock of a software adapter also counts the time before a dispatch has a thread.
    this.clock =
      !device.isSoftware && KernelClock.isSupported(device.gpu) ? new KernelClock(device) : undefined;
  }

  /**
   * The least times of some dispatches, which are run in turns, in microseconds.
   * @param dispatches For each, the steps of each workgroup, in their order.
   */
  async times(...dispatches: (readonly number[])[]): Promise<number[]> {
    const attentions = dispatches.map((steps) => new Attention(this.device, this.layoutOf(steps)));
    const runs: number[] = [];
    for (const attention of attentions) {
      await this.run(attention, 1);
      const milliseconds = (await this.timed(attention, 1)) / 1000;
      runs.push(this.clock ? 1 : Math.ceil(PROBE_MS / milliseconds));
    }
    const takers = attentions.map((attention, index) => () => this.timed(attention, runs[index]));
    const times = await takeTurns(takers, { repeats: REPEATS, seed: 1 });
    for (const attention of attentions) attention.release();
    return times.map((each) => Math.min(...each));
  }

  warmUp(): Promise<void> {
    return warmUp(this.device, () => this.times([FEW]));
  }

  get tokens(): number {
    return this.layout.tokens;
  }

  release(): void {
    this.workspace.release();
    this.clock?.release();
  }

  /** The mean time of some runs, in microseconds. */
  private async timed(attention: Attention, runs: number): Promise<number> {
    const { device, clock } = this;
    if (!clock) {
      const began = performance.now();
      await this.run(attention, runs);
      return (1000 * (performance.now() - began)) / runs;
    }
    device.clock = clock;
    clock.restart();
    try {
      await this.run(attention, runs);
      const kernels = await clock.read();
      return kernels.reduce((sum, { begin, end }) => sum + (end - begin) / 1000, 0) / runs;
    } finally {
      device.clock = undefined;
    }
  }

  private layoutOf(stepsOf: readonly number[]): Layout {
    const [all] = this.layout.heads;
    const [step] = this.layout.tileConfig.steps;
    const queryTiles = stepsOf.map((steps, index) => {
      const length = step * steps;
      return { ...all.queryTiles[index], ranges: [{ start: 0, length }], paddedColumns: length };
    });
    return { ...this.layout, heads: [{ ...all, queryTiles }] };
  }

  private async run(attention: Attention, times: number): Promise<void> {
    const matrix = (name: string) => this.workspace.floats(name, this.tokens * this.headDim);
    const buffers = {
      query: matrix('query'),
      key: matrix('key'),
      value: matrix('value'),
      output: matrix('output'),
      logSumExp: this.workspace.floats('log-sum-exp', this.tokens),
    };
    const encoder = this.device.gpu.createCommandEncoder();
    for (let time = 0; time < times; time++) {
      attention.encodeForward(encoder, { heads: 1, headDim: this.headDim }, buffers);
    }
    this.device.submit(encoder);
    await this.device.finish();
  }
}

function repeated(steps: number, items: number): number[] {
  return Array<number>(items).fill(steps);
}

type Probed = SimulatedMachine & { step: StepTime };

/** @param multiprocessors Their number, where it is known. */
async function probeGpu(probe: MachineProbe, multiprocessors?: number): Promise<Probed> {
  const probes: Probe[] = [];
  const add = async (items: number, steps: number) => {
    const [microseconds] = await probe.times(repeated(steps, items));
    probes.push({ items, steps, microseconds });
  };
  for (const steps of [FEW, MANY]) await add(1, steps);
  for (let items = 2; items <= MOST_ITEMS; items = Math.ceil(GROWTH * items)) await add(items, FEW);
  return { ...fitMachine(probes, multiprocessors), sharesBeforehand: false };
}

/** The playground measures, too: a browser has no module of Node. */
function threadsOfMachine(): number {
  // Node 20 has no navigator. A bundler for browsers would warn of an import.
  if (typeof navigator === 'undefined') return process.getBuiltinModule('node:os').availableParallelism();
  return (navigator as { hardwareConcurrency?: number }).hardwareConcurrency ?? 1;
}

/** Threads of a software adapter run one workgroup each: nothing overlaps. */
async function probeSoftware(device: Device, probe: MachineProbe): Promise<Probed> {
  const threads = threadsOfMachine();
  const half = SOFTWARE_ITEMS / 2;
  const [fewer, short, long, spread, inFront] = await probe.times(
    repeated(FEW, half),
    repeated(FEW, SOFTWARE_ITEMS),
    repeated(MANY, SOFTWARE_ITEMS),
    Array.from({ length: SOFTWARE_ITEMS }, (_, index) => (index % 2 ? FEW : MANY)),
    [...repeated(MANY, half), ...repeated(FEW, half)],
  );
  const overheads: number[] = [];
  for (let repeat = 0; repeat < 3; repeat++) overheads.push(await dispatchOverhead(device, DISPATCHES));
  const busy = (threads * (long - short)) / SOFTWARE_ITEMS / (MANY - FEW);
  return {
    multiprocessors: threads,
    resident: 1,
    sharesBeforehand: inFront - spread > UNEVEN * (long - spread),
    dispatch: Math.min(...overheads),
    item: Math.max(0, (threads * (short - fewer)) / half - FEW * busy),
    step: { alone: 0, busy },
  };
}

/** By device of WebGPU, then by lanes, which select the kernels, and head dimension. */
const MACHINES = new WeakMap<GPUDevice, Map<string, Promise<MeasuredMachine>>>();

/**
 * Describes an adapter by measurements of its dense forward kernel, once for a device and a head dimension: how long a step takes alone and
 * among others, how many workgroups run at a time, and whether threads get theirs beforehand. Takes a second or two. All kernels are
 * described as this one, without the costs of masks, of short steps and of combining: the times are those that a plan allows.
 */
export function machineOf(device: Device, headDim: number): Promise<MeasuredMachine> {
  const machines = MACHINES.get(device.gpu) ?? new Map<string, Promise<MeasuredMachine>>();
  MACHINES.set(device.gpu, machines);
  const key = `${device.lanes} ${headDim}`;
  const machine = machines.get(key) ?? measureMachine(device, headDim);
  machines.set(key, machine);
  return machine;
}

async function measureMachine(device: Device, headDim: number): Promise<MeasuredMachine> {
  const { clock } = device;
  device.clock = undefined;
  try {
    const families = familiesOn(device);
    // Where the planner needs a machine, it is the machine of the kernels that are planned for one.
    const { tile, shortTile } = families.find((family) => family.tile.machine) ?? families[0];
    const tall = await probed(device, headDim, tile);
    const kernels = [kernelOf(tile, tall)];
    if (shortTile.rows !== tile.rows)
      kernels.push(kernelOf(shortTile, await probed(device, headDim, shortTile, tall.multiprocessors)));
    const { multiprocessors, sharesBeforehand, dispatch, item } = tall;
    return {
      multiprocessors,
      sharesBeforehand,
      dispatch,
      item,
      kernels,
      // A software adapter's plans have no parts to combine.
      combining: {
        latency: 0,
        gigabytesPerSecond: device.isSoftware ? Number.POSITIVE_INFINITY : await copyBandwidth(device),
      },
    };
  } finally {
    device.clock = clock;
  }
}

/** Probes tiles of one height. */
async function probed(
  device: Device,
  headDim: number,
  tile: TileConfig,
  multiprocessors?: number,
): Promise<Probed> {
  const probe = new MachineProbe(device, headDim, tile, device.isSoftware ? SOFTWARE_ITEMS : MOST_ITEMS);
  try {
    await probe.warmUp();
    return device.isSoftware ? await probeSoftware(device, probe) : await probeGpu(probe, multiprocessors);
  } finally {
    probe.release();
  }
}

function kernelOf({ rows }: TileConfig, { resident, step }: Probed): MeasuredMachine['kernels'][number] {
  return { rows, resident, dense: step, sparse: step, stepOverhead: 0, masked: { dense: 1, sparse: 1 } };
}

/** A measured GPU, as the planner sees it. The latency of combining is that of a typical GPU. */
export function plannersMachine(machine: MeasuredMachine): Machine {
  const { multiprocessors, dispatch, item, kernels, combining } = machine;
  const stepsOf = (rows: number): StepTimes => {
    const { resident, dense } = kernels.find((each) => each.rows === rows) ?? kernels[0];
    return { resident, ...dense };
  };
  return {
    multiprocessors,
    launch: dispatch,
    start: item,
    steps: { 32: stepsOf(32), 16: stepsOf(16) },
    combine: TYPICAL_GPU.combine,
    bandwidth: 1000 * combining.gigabytesPerSecond,
  };
}
