import fc from 'fast-check';

/** Numbers of rows: at and around the edges of every tile and row block of the kernels, and any other. */
export const anyRows = fc.oneof(
  fc.constantFrom(1, 2, 3, 17, 31, 32, 33, 63, 64, 65, 130, 513),
  fc.integer({ min: 1, max: 20 }).map((blocks) => 8 * blocks),
  fc.integer({ min: 1, max: 140 }),
);

/** Widths that the kernels accept, multiples of four: the edges of tiles among them. */
export const anyWidth = fc.oneof(
  fc.constantFrom(4, 8, 28, 32, 36, 60, 64, 68, 128, 256, 260, 300),
  fc.integer({ min: 1, max: 75 }).map((vectors) => 4 * vectors),
);

/** The seed of a case's data. fast-check draws the shape of the case. */
export const anySeed = fc.integer({ min: 0, max: 2 ** 31 });

/** A factor on the number of cases: `npm run conformance` runs more. */
export const CASES = Number(process.env.PARSIMONY_CASES ?? 1);

/**
 * The same cases on every run, so that a red test stays red until it is fixed.
 * @param usual The number of cases of a usual run.
 */
export function runs(numRuns: number, usual = Math.ceil(numRuns / 2)): { numRuns: number; seed: number } {
  return { numRuns: CASES > 1 ? CASES * numRuns : usual, seed: 42 };
}
