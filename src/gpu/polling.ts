/** Made at the first nap: a page that is not isolated from others has no shared memory, and takes no naps. */
let cell: Int32Array<SharedArrayBuffer> | undefined;

/** A nap is this share of the time waited so far, so that no wait grows by more than it. */
const SHARE_OF_WAIT = 0.04;
const SHORTEST_NAP_MS = 0.02;
const LONGEST_NAP_MS = 1;

/**
 * Waits for a promise of Dawn's without keeping a core busy. While any is pending, Dawn for Node asks the driver in every
 * turn of the event loop, which then never rests; a software driver computes on the very cores that this takes. On two
 * cores a dispatch ended 1.4 times sooner beside a thread that naps between the turns than beside one that asks on.
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
    const nap = SHORTEST_NAP_MS + SHARE_OF_WAIT * (performance.now() - began);
    cell ??= new Int32Array(new SharedArrayBuffer(4));
    Atomics.wait(cell, 0, 0, Math.min(LONGEST_NAP_MS, nap));
    await new Promise((resolve) => setImmediate(resolve));
  }
  return promise;
}
