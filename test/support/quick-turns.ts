import { vi } from 'vitest';

/** Makes every reading of the clock a second later, so that no turn of a benchmark repeats what it times. */
export function quickTurns(): { mockRestore(): void } {
  let clock = performance.now();
  return vi.spyOn(performance, 'now').mockImplementation(() => {
    clock += 1000;
    return clock;
  });
}
