import { setTimeout as sleep } from 'node:timers/promises';
import { hostRandom, shuffle } from '../../src/base/random.js';

/** One who takes turns. */
export interface TurnTaker {
  /** Milliseconds of one run. */
  time(): Promise<number>;
  /** Is told once that a run failed; it then takes no more turns. */
  onFailure(error: Error): void;
}

export interface TurnOptions {
  repeats: number;
  /** Draws the order of each turn, so that none always runs after the same other. */
  seed: number;
  signal?: AbortSignal;
  /** Is done before each timed run. */
  beforeEach?(): Promise<void>;
}

/** The last one's threads may spin for a moment before they sleep, which would slow the next one. */
const PAUSE_MS = 20;

/**
 * Times several in turns, one at a time. Who fails is left out from then on, and has no times; the others go on.
 *
 * @returns The times of each, of complete turns only.
 */
export async function takeTurns(
  takers: readonly TurnTaker[],
  { repeats, seed, signal, beforeEach }: TurnOptions,
): Promise<number[][]> {
  const times: number[][] = takers.map(() => []);
  const random = hostRandom(seed);
  const remaining = new Set(takers.keys());
  for (let turn = 0; turn < repeats && remaining.size > 0 && !signal?.aborted; turn++) {
    const order = [...remaining];
    shuffle(order, random);
    const taken = new Map<number, number>();
    for (const index of order) {
      if (signal?.aborted) return times;
      await sleep(PAUSE_MS);
      await beforeEach?.();
      try {
        taken.set(index, await takers[index].time());
      } catch (error) {
        if (signal?.aborted) return times;
        takers[index].onFailure(error as Error);
        remaining.delete(index);
        times[index] = [];
      }
    }
    for (const [index, time] of taken) times[index].push(time);
  }
  return times;
}
