import * as v from 'valibot';
import {
  checkArgument,
  device as deviceArgument,
  options as fields,
  number,
  objectWith,
} from '../src/base/argument-schemas.js';
import { hostRandom, shuffle } from '../src/base/random.js';
import type { Device, DispatchClock, KernelTime } from '../src/gpu/device.js';

/** An implementation that can be timed. */
export interface Implementation {
  name: string;
  /** Runs `times` times without waiting in between, and waits until the GPU has finished. */
  run(times: number): Promise<void>;
}

/** How often and for how long implementations are timed. */
export interface TimingOptions extends Pick<TurnOptions, 'repeats' | 'seed' | 'signal' | 'needsMore'> {
  /** The device whose caches are flushed, and whose clock, if any, is used in turns of its own; without it, only the wall is timed. */
  device?: Device;
  /** Consecutive runs of an implementation in a turn, whose time is their mean: one number for all, or one for each; 1 by default. */
  runsPerTurn?: number | readonly number[];
}

/** Milliseconds of an implementation, turn by turn. */
export interface Times {
  /** From the call of `run` to its end, divided by the runs of a turn. */
  wall: number[];
  /** Sums over its kernels by the GPU's own clock, in fewer turns than the wall's; empty where the adapter has none. */
  gpu: number[];
  /** The same kernel by kernel, by name, summed over its dispatches. */
  kernels: Map<string, KernelSum>;
}

/** The dispatches of a kernel and their times, turn by turn, by the clock of the GPU. */
export interface KernelSum {
  /** Dispatches a turn. */
  dispatches: number;
  /** Milliseconds, turn by turn. */
  times: number[];
}

/** Larger than the last-level cache of any GPU. */
const FLUSH_BYTES = 512 * 2 ** 20;

/** Overwrites the caches of a real GPU. A software adapter uses the CPU's, which each implementation fills with its own data. */
export class CacheFlush {
  private readonly buffer: GPUBuffer | undefined;

  constructor(private readonly device: Device | undefined) {
    if (!device || device.isSoftware) return;
    const size = Math.min(FLUSH_BYTES, device.gpu.limits.maxBufferSize);
    this.buffer = device.gpu.createBuffer({ size, usage: GPUBufferUsage.COPY_DST });
  }

  async flush(): Promise<void> {
    if (!this.device || !this.buffer) return;
    const encoder = this.device.gpu.createCommandEncoder();
    encoder.clearBuffer(this.buffer);
    this.device.submit(encoder);
    await this.device.finish();
  }

  /** Keeps the GPU busy until its clocks are high. */
  async warmUp(): Promise<void> {
    await warmUp(this.device, () => this.flush());
  }

  release(): void {
    this.buffer?.destroy();
  }
}

/** Work of a real GPU before anything is timed: an idle GPU needs this time to raise its clocks. */
const WARM_UP_MS = 1000;

/** Keeps a real GPU busy until its clocks are high. */
export async function warmUp(device: Device | undefined, run: () => Promise<unknown>): Promise<void> {
  if (!device || device.isSoftware) return;
  const began = performance.now();
  while (performance.now() - began < WARM_UP_MS) await run();
}

/** One of this many turns is followed by a turn by the GPU's own clock. */
export const TURNS_OF_A_CLOCK = 3;

const IMPLEMENTATIONS = v.array(
  objectWith<Implementation>('an object with name and run', 'run'),
  'a list of implementations',
);
const OPTIONS = fields({ repeats: number, seed: number, device: v.optional(deviceArgument) });

/**
 * Times implementations in turns, so that other work of the machine slows all of them alike. The caller runs each once before, so
 * that pipelines are compiled. The wall is timed without the GPU's clock, whose timestamps need a pass for every dispatch.
 * @returns The times of each implementation, in their order.
 */
export async function timeInTurns(
  implementations: readonly Implementation[],
  options: TimingOptions,
): Promise<Times[]> {
  checkArgument(IMPLEMENTATIONS, implementations, 'implementations');
  checkArgument(OPTIONS, options, 'options');
  const { device, runsPerTurn = 1, ...turns } = options;
  const times = implementations.map((): Times => ({ wall: [], gpu: [], kernels: new Map() }));
  const runsOf = (index: number) => (typeof runsPerTurn === 'number' ? runsPerTurn : runsPerTurn[index]);
  const run = (index: number) => implementations[index].run(runsOf(index));
  const flush = new CacheFlush(device);
  const clock = device?.clock;
  if (device) device.clock = undefined;
  const clocked = async (turn: number, order: readonly number[]) => {
    if (!device || !clock || turn % TURNS_OF_A_CLOCK !== 0) return;
    for (const index of order) {
      await flush.flush();
      addKernels(times[index], await clockedRun(device, clock, () => run(index)), runsOf(index));
    }
  };
  try {
    await warmUp(device, async () => {
      for (const index of implementations.keys()) await run(index);
    });
    const takers = implementations.map((_, index) => async () => {
      const began = performance.now();
      await run(index);
      return (performance.now() - began) / runsOf(index);
    });
    const walls = await takeTurns(takers, {
      ...turns,
      beforeEach: () => flush.flush(),
      afterTurn: clocked,
    });
    for (const [index, wall] of walls.entries()) times[index].wall = wall;
  } finally {
    if (device) device.clock = clock;
    flush.release();
  }
  return times;
}

/** Turns before `needsMore` is asked again, as a share of those so far. */
const MORE_TURNS = 0.25;

interface TurnOptions {
  /** Turns, in each of which all run. */
  repeats: number;
  /** Whether turns continue after `repeats`, from the times so far. Asked less and less often. */
  needsMore?(times: readonly number[][]): boolean;
  /** Draws the order of each turn, so that none always runs after the same one. */
  seed: number;
  /** Ends the turns early: the complete ones so far are returned. */
  signal?: AbortSignal;
  /** Called before each timed run. */
  beforeEach?(): Promise<void>;
  /** Called after each complete turn, with its order. */
  afterTurn?(turn: number, order: readonly number[]): Promise<void>;
  /** Called where a run fails: that run takes no more turns. By default a failure ends all turns. */
  onFailure?(index: number, error: Error): void;
}

/**
 * Times several runs in turns, one at a time. One that fails has no times and no further turns; the others continue.
 *
 * @param takers Each runs once, and returns its milliseconds.
 * @returns The times of each, of complete turns only.
 */
export async function takeTurns(
  takers: readonly (() => Promise<number>)[],
  { repeats, needsMore, seed, signal, beforeEach, afterTurn, onFailure }: TurnOptions,
): Promise<number[][]> {
  const times: number[][] = takers.map(() => []);
  const random = hostRandom(seed);
  const remaining = new Set(takers.keys());
  let wanted = repeats;
  for (let turn = 0; turn < wanted && remaining.size > 0 && !signal?.aborted; turn++) {
    const order = [...remaining];
    shuffle(order, random);
    const taken = new Map<number, number>();
    for (const index of order) {
      await beforeEach?.();
      try {
        taken.set(index, await takers[index]());
      } catch (error) {
        if (signal?.aborted) return times;
        if (!onFailure) throw error;
        onFailure(index, error as Error);
        remaining.delete(index);
        times[index] = [];
      }
      if (signal?.aborted && taken.size < remaining.size) return times;
    }
    for (const [index, time] of taken) times[index].push(time);
    await afterTurn?.(turn, order);
    if (turn + 1 === wanted && needsMore?.(times)) wanted += Math.ceil(wanted * MORE_TURNS);
  }
  return times;
}

/** The times of all kernels of a run. */
export async function clockedRun(
  device: Device,
  clock: DispatchClock,
  run: () => Promise<void>,
): Promise<KernelTime[]> {
  device.clock = clock;
  clock.restart();
  try {
    await run();
    return await clock.read();
  } finally {
    device.clock = undefined;
  }
}

function addKernels(times: Times, kernels: readonly KernelTime[], runs: number): void {
  const sums = new Map<string, { dispatches: number; milliseconds: number }>();
  for (const { label, begin, end } of kernels) {
    const name = label.split(' ')[0];
    const sum = sums.get(name) ?? { dispatches: 0, milliseconds: 0 };
    sums.set(name, {
      dispatches: sum.dispatches + 1 / runs,
      milliseconds: sum.milliseconds + (end - begin) / 1e6 / runs,
    });
  }
  for (const [name, { dispatches, milliseconds }] of sums) {
    const kernel = times.kernels.get(name) ?? { dispatches, times: [] };
    kernel.times.push(milliseconds);
    times.kernels.set(name, kernel);
  }
  times.gpu.push([...sums.values()].reduce((total, { milliseconds }) => total + milliseconds, 0));
}

/** The shortest turn: other work of the machine would disturb a shorter one. */
const SHORTEST_TURN_MS = 100;

/** The most runs in a turn: a clock counts a limited number of kernels (`DispatchClock`), up to ten a run. */
const MOST_RUNS = 100;

/**
 * The number of runs that makes a turn of an implementation long enough. A turn has the costs of one submit and one wait, so that the
 * number must not depend on a single run, which may be slow: runs are doubled until half of a turn was timed.
 */
export async function runsForTurn({ run }: Implementation): Promise<number> {
  for (let runs = 1; ; runs *= 2) {
    const began = performance.now();
    await run(runs);
    const milliseconds = performance.now() - began;
    if (milliseconds < SHORTEST_TURN_MS / 2 && runs < MOST_RUNS) continue;
    return Math.max(1, Math.min(MOST_RUNS, Math.ceil((SHORTEST_TURN_MS * runs) / milliseconds)));
  }
}
