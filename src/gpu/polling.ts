/** Created at the first pause: a browser page without cross-origin isolation has no shared memory, and never pauses. */
let cell: Int32Array<SharedArrayBuffer> | undefined;

/** A pause is this share of the time waited so far, so that no wait grows by more than this share. */
const SHARE_OF_WAIT = 0.04;
const SHORTEST_PAUSE_MS = 0.02;
const LONGEST_PAUSE_MS = 1;

/**
 * Waits for a promise of Dawn without keeping a core busy. While a promise is pending, Dawn for Node polls the driver in every turn of
 * the event loop, and a software driver needs the same cores. With pauses between the turns, a dispatch on two cores ended 1.4 times
 * sooner.
 */
export async function pollUntil<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  promise.then(settle, settle);
  const began = performance.now();
  await undefined;
  while (!settled) {
    const pause = SHORTEST_PAUSE_MS + SHARE_OF_WAIT * (performance.now() - began);
    cell ??= new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, Math.min(LONGEST_PAUSE_MS, pause));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}
