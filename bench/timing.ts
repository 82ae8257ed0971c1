/** Something to be timed: it ends when its work is done, on the GPU too. */
export interface Contender {
  name: string;
  run(): Promise<void>;
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Times contenders in turns, so that whatever else the machine does hits all of them alike.
 *
 * @param repeats Timed runs of each, after one that warms up caches and compiles pipelines.
 * @returns For each contender the milliseconds of its runs, in their order.
 */
export async function timeInTurns(contenders: readonly Contender[], repeats: number): Promise<number[][]> {
  for (const { run } of contenders) await run();
  const times: number[][] = contenders.map(() => []);
  for (let repeat = 0; repeat < repeats; repeat++) {
    for (const [index, { run }] of contenders.entries()) {
      const began = performance.now();
      await run();
      times[index].push(performance.now() - began);
    }
  }
  return times;
}
