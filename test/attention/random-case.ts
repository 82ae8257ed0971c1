import type { RuleSet, Strategy, TagPair } from '../../src/grammar/rules.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

/** An attention of random shape, rules and tags, with its data. */
export interface AttentionCase {
  rules: RuleSet;
  tags: string[];
  lengths: number[];
  strategy: Strategy;
  heads: number;
  headDim: number;
  scale: number;
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  outputGradient: Float32Array;
}

const LENGTHS = [0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65];
const BETAS = [5, 0, -3, 0.25];

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${index}`);
}

function randomPairs(random: () => number, tags: readonly string[], density: number): TagPair[] {
  return tags.flatMap((query) => tags.filter(() => random() < density).map((key): TagPair => [query, key]));
}

/**
 * Case number `seed`. Every strategy comes in turn; one case in eight has one tag only, one in eight 64 of them, one in eight
 * tags without any partner, and one in sixteen a sequence of 513 tokens.
 */
export function randomCase(seed: number): AttentionCase {
  const random = generator(seed);
  const kind = Math.floor(seed / 4) % 8;
  const tagCount = kind === 0 ? 1 : kind === 1 ? 64 : randomInteger(random, 2, 6);
  const tagNames = numbered(tagCount);
  const density = kind === 2 ? 0 : random();
  const long = Math.floor(seed / 4) % 16 === 3;
  const lengths = long
    ? [513]
    : Array.from(
        { length: randomInteger(random, 1, 4) },
        () => LENGTHS[randomInteger(random, 0, LENGTHS.length - 1)],
      );
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const heads = long ? 1 : randomInteger(random, 1, 3);
  const headDim = long ? 16 : 4 * randomInteger(random, 4, 32);
  const draw = () => randomFloats(random, tokens * heads * headDim, 2);
  return {
    rules: {
      name: `random ${seed}`,
      tags: tagNames,
      hard: randomPairs(random, tagNames, density),
      soft: randomPairs(random, tagNames, density),
      beta: BETAS[randomInteger(random, 0, BETAS.length - 1)],
    },
    tags: Array.from({ length: tokens }, () => tagNames[randomInteger(random, 0, tagCount - 1)]),
    lengths,
    strategy: (['none', 'hard', 'soft', 'guided'] as const)[seed % 4],
    heads,
    headDim,
    scale: random() < 0.5 ? 1 / Math.sqrt(headDim) : 0.3 * random(),
    q: draw(),
    k: draw(),
    v: draw(),
    outputGradient: draw(),
  };
}
