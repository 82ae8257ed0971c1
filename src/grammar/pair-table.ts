import { CallerError } from '../gpu/errors.js';
import { MOST_TAGS, type RuleSet, type Strategy, type TagPair } from './rules.js';

/** The entry of a pair that does not exist: a finite number so low that no score brings it back. */
export const FORBIDDEN = -1e30;

/** Far beyond any bias that means something, and far from FORBIDDEN. */
const LARGEST_BETA = 1e6;

/** What a strategy makes of a rule set: for each pair of tag indexes a bias, or FORBIDDEN. */
export interface PairTable {
  /** Number of tags. */
  size: number;
  /** [size, size] by query tag, then key tag. */
  biases: Float32Array;
}

/** True where the pair exists at all. */
export function allows(table: PairTable, query: number, key: number): boolean {
  return table.biases[query * table.size + key] > 0.5 * FORBIDDEN;
}

/** The number of tokens of each tag. */
export function tagCounts(table: PairTable, tags: Uint8Array): Uint32Array {
  const counts = new Uint32Array(table.size);
  for (const tag of tags) counts[tag]++;
  return counts;
}

/**
 * Makes the pair table of a strategy:
 *
 * | strategy | pairs that exist   | bias                                            |
 * |----------|--------------------|-------------------------------------------------|
 * | none     | all                | 0                                               |
 * | hard     | of the hard rules  | 0                                               |
 * | soft     | all                | β where a soft rule and no hard rule matches    |
 * | guided   | of either          | β where a soft rule and no hard rule matches    |
 *
 * @param beta The bias of soft pairs; the rule set's own by default.
 * @throws CallerError where β is out of range, the tags are too many, or a rule has a tag that is not among them.
 */
export function pairTable(rules: RuleSet, strategy: Strategy, beta = rules.beta): PairTable {
  if (!(Math.abs(beta) <= LARGEST_BETA)) {
    throw new CallerError({
      what: `β is ${beta}`,
      expected: `a number from -${LARGEST_BETA} to ${LARGEST_BETA}`,
    });
  }
  const size = rules.tags.length;
  if (size === 0 || size > MOST_TAGS)
    throw new CallerError({ what: `${size} tags`, expected: `1 to ${MOST_TAGS}` });
  const index = new Map(rules.tags.map((tag, at) => [tag, at]));
  const everyPairExists = strategy === 'none' || strategy === 'soft';
  const biases = new Float32Array(size * size).fill(everyPairExists ? 0 : FORBIDDEN);
  const write = (pairs: readonly TagPair[], bias: number) => {
    for (const [query, key] of pairs) {
      const row = index.get(query);
      const column = index.get(key);
      if (row === undefined || column === undefined) {
        throw new CallerError({
          what: `a rule from ${JSON.stringify(query)} to ${JSON.stringify(key)}`,
          where: `rules "${rules.name}"`,
          expected: `tags among: ${rules.tags.join(', ')}`,
        });
      }
      biases[row * size + column] = bias;
    }
  };
  if (strategy === 'soft' || strategy === 'guided') write(rules.soft, beta);
  if (strategy !== 'none') write(rules.hard, 0);
  return { size, biases };
}
