import fc from 'fast-check';
import { FORBIDDEN, type PairTable } from '../../src/grammar/pair-table.js';
import { type Plan, planSparse } from '../../src/plan/plan.js';
import { anySeed } from '../support/arbitraries.js';
import { generator, randomInteger } from '../support/random.js';

/** A packed batch of tagged tokens and a table of who may look at whom. */
export interface TaggedBatch {
  tags: Uint8Array;
  lengths: number[];
  table: PairTable;
}

/** Around the edges of tiles, and long enough for many; few are long, for the checks go over every pair. */
const anyLength = fc.oneof(
  { weight: 25, arbitrary: fc.constantFrom(0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65) },
  { weight: 1, arbitrary: fc.constant(513) },
);

const BIASES = [5, -3, 0.25];

interface Shape {
  tagCount: number;
  /** Share of the pairs of tags that exist. */
  density: number;
  /** Share of those that carry a bias. */
  biased: number;
  /** Share of the tags that tokens carry. */
  used: number;
  lengths: number[];
  seed: number;
}

/** Not `fc.double`, which spreads over exponents: nearly all of its shares are next to 0. */
const anyShare = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100) },
);

const anyShape: fc.Arbitrary<Shape> = fc.record({
  tagCount: fc.oneof(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 64 }), fc.constant(64)),
  density: anyShare,
  biased: anyShare,
  used: anyShare,
  lengths: fc.array(anyLength, { maxLength: 4, size: 'max' }),
  seed: anySeed,
});

function batchOf({ tagCount, density, biased, used, lengths, seed }: Shape): TaggedBatch {
  const random = generator(seed);
  const biases = Float32Array.from({ length: tagCount ** 2 }, () => {
    if (random() >= density) return FORBIDDEN;
    return random() < biased ? BIASES[randomInteger(random, 0, BIASES.length - 1)] : 0;
  });
  const carried = Array.from({ length: tagCount }, (_, tag) => tag).filter(() => random() <= used);
  if (carried.length === 0) carried.push(randomInteger(random, 0, tagCount - 1));
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const tags = Uint8Array.from(
    { length: tokens },
    () => carried[randomInteger(random, 0, carried.length - 1)],
  );
  return { tags, lengths, table: { size: tagCount, biases } };
}

export const anyBatch: fc.Arbitrary<TaggedBatch> = anyShape.map(batchOf);

export function planOf({ tags, lengths, table }: TaggedBatch): Plan {
  return planSparse(tags, lengths, table);
}

/** The first token of each sequence and one past its last. */
export function spansOf(lengths: ArrayLike<number>): [start: number, end: number][] {
  let end = 0;
  return Array.from(lengths, (length): [number, number] => {
    end += length;
    return [end - length, end];
  });
}

/** What the table says of two of the caller's tokens: a bias, or undefined where the pair does not exist. */
export function biasOf({ tags, table }: TaggedBatch, query: number, key: number): number | undefined {
  const bias = table.biases[tags[query] * table.size + tags[key]];
  return bias === Math.fround(FORBIDDEN) ? undefined : bias;
}
