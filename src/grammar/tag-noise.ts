import { CallerError } from '../base/errors.js';
import { hostRandom, shuffle } from '../base/random.js';
import type { Tag } from './rules.js';
import { SPECIAL_TAGS, UNIVERSAL_TAGS } from './tags.js';

/**
 * A control: texts keep their words, and their tags are replaced.
 *
 * | written     | the new tags                                                                         |
 * |-------------|--------------------------------------------------------------------------------------|
 * | `shuffled`  | the text's tags in random order: the same number of each, without grammar            |
 * | `noise:0.2` | each word gets, with probability 0.2, another of the 17 tags, all equally likely     |
 * | `blocks:4`  | by position: the first four tokens have one tag, the next four the next of the 17 …  |
 *
 * [CLS] and [SEP] keep their tags. The random numbers depend on the seed and the text alone, not on other texts.
 */
export type TagNoise =
  | { kind: 'shuffled' }
  | { kind: 'noise'; probability: number }
  | { kind: 'blocks'; tokens: number };

/** Tag noise with the seed of its random numbers. */
export interface SeededTagNoise {
  how: TagNoise;
  /** The same seed gives a text the same tags. */
  seed: number;
}

/** Makes these random numbers independent of others with the same seed. */
const STREAM = 0x5f3c91d7;

/** Parses `shuffled`, `noise:P` or `blocks:N`. @throws CallerError for any other text. */
export function parseTagNoise(text: string): TagNoise {
  const [kind, number, ...rest] = text.split(':');
  const value = number === undefined || number.trim() === '' ? Number.NaN : Number(number);
  if (rest.length === 0) {
    if (text === 'shuffled') return { kind: 'shuffled' };
    if (kind === 'noise' && value >= 0 && value <= 1) return { kind, probability: value };
    if (kind === 'blocks' && Number.isInteger(value) && value >= 1) return { kind, tokens: value };
  }
  throw new CallerError({
    what: `tag noise "${text}"`,
    expected: 'shuffled, noise:P with a probability P, or blocks:N with a number of tokens N',
  });
}

/** Formats tag noise for `parseTagNoise`. */
export function formatTagNoise(noise: TagNoise): string {
  if (noise.kind === 'noise') return `noise:${noise.probability}`;
  return noise.kind === 'blocks' ? `blocks:${noise.tokens}` : noise.kind;
}

/** The parts of a token that tag noise reads and changes. */
interface NoisyToken {
  id: number;
  text: string;
  tag: Tag;
}

/**
 * The tokens of a text with noisy tags.
 * @param where The text's name in an error.
 * @throws CallerError where a token has a tag that is not universal.
 */
export function withTagNoise<Token extends NoisyToken>(
  tokens: readonly Token[],
  { how, seed }: SeededTagNoise,
  where: string,
): Token[] {
  const noisy = tokens.map((token) => ({ ...token }));
  const inner = noisy.filter(({ tag }) => !SPECIAL_TAGS.some((special) => special === tag));
  const numbers = inner.map(({ tag }) => (UNIVERSAL_TAGS as readonly Tag[]).indexOf(tag));
  const custom = numbers.indexOf(-1);
  if (custom >= 0) {
    throw new CallerError({
      what: `tag noise on the tag "${inner[custom].tag}"`,
      where,
      expected: 'universal tags',
    });
  }
  const random = hostRandom(STREAM, seed, ...tokens.map(({ id }) => id));
  if (how.kind === 'shuffled') shuffle(numbers, random);
  let isWrong = false;
  let shift = 0;
  inner.forEach((token, at) => {
    let number = numbers[at];
    if (how.kind === 'blocks') number = Math.floor(at / how.tokens);
    else if (how.kind === 'noise') {
      // All tokens of a word get the same wrong tag.
      if (!token.text.startsWith('##')) {
        isWrong = random() < how.probability;
        shift = 1 + Math.floor(random() * (UNIVERSAL_TAGS.length - 1));
      }
      if (isWrong) number += shift;
    }
    token.tag = UNIVERSAL_TAGS[number % UNIVERSAL_TAGS.length];
  });
  return noisy;
}
