import { CallerError } from '../base/errors.js';
import { MOST_TAGS, type RuleSet, type Strategy, type TagPair } from './rules.js';
import { EVERYWHERE, isWithin, NOWHERE, type Reach, reachOf, widest } from './scope.js';

/** The entry of a pair that does not exist: a finite number so low that no score brings it back. */
export const FORBIDDEN = -1e30;

/** Far beyond any bias that means something, and far from FORBIDDEN. */
const LARGEST_BETA = 1e6;

/** What a strategy makes of a rule set: for each pair of tag indexes a bias, or FORBIDDEN. */
export interface PairTable {
  /** Number of tags. */
  size: number;
  /** [size, size] by query tag, then key tag; FORBIDDEN where no pair of these tags exists, however near. */
  biases: Float32Array;
  /** Given where some rule does not reach over the whole document: the biases then hold within the nearest reach. */
  scopes?: PairScopes;
  /** True where the biases are no constants but a parameter, which each head has one of. */
  learned?: boolean;
}

/** How far the rules of each pair of tags reach: bias 0 within the hard one, else β within the soft one, else `elsewhere`. */
interface PairScopes {
  /** [size, size] */
  hard: Float32Array;
  soft: Float32Array;
  beta: number;
  /** 0 or FORBIDDEN. */
  elsewhere: number;
}

/** True where the pair exists at all. */
export function allows(table: PairTable, query: number, key: number): boolean {
  return table.biases[query * table.size + key] > 0.5 * FORBIDDEN;
}

/**
 * What a table adds to the score of two tokens, or undefined where their pair does not exist. The kernels ask for whole tiles;
 * this is for whoever shows pairs one by one.
 * @param query Index of the query's tag, `key` that of the key's.
 * @param distance Tokens from one to the other.
 * @param inOneSentence Whether they are in one sentence, or one of them is the document's.
 */
export function biasOfPair(
  table: PairTable,
  query: number,
  key: number,
  distance: number,
  inOneSentence: boolean,
): number | undefined {
  const at = query * table.size + key;
  if (!allows(table, query, key)) return undefined;
  if (!table.scopes) return table.biases[at];
  const { hard, soft, beta, elsewhere } = table.scopes;
  if (isWithin(hard[at], distance, inOneSentence)) return 0;
  if (isWithin(soft[at], distance, inOneSentence)) return beta;
  return elsewhere === FORBIDDEN ? undefined : elsewhere;
}

/**
 * [tags, tags] by query tag, then key tag: the union of what some rules of each pair of tags reach.
 * @param rules Whose tags they are over. @throws CallerError for a tag that is not among them, or a scope that is none.
 */
export function reaches(pairs: readonly TagPair[], rules: Pick<RuleSet, 'name' | 'tags'>): Float32Array {
  const size = rules.tags.length;
  const index = new Map(rules.tags.map((tag, at) => [tag, at]));
  const table = new Float32Array(size * size).fill(NOWHERE);
  const where = `rules "${rules.name}"`;
  for (const [query, key, scope = 'document'] of pairs) {
    const row = index.get(query);
    const column = index.get(key);
    if (row === undefined || column === undefined) {
      throw new CallerError({
        what: `a rule from ${JSON.stringify(query)} to ${JSON.stringify(key)}`,
        where,
        expected: `tags among: ${rules.tags.join(', ')}`,
      });
    }
    table[row * size + column] = widest(table[row * size + column], reachOf(scope, where));
  }
  return table;
}

function isScoped(table: Float32Array): boolean {
  return table.some((reach: Reach) => reach !== NOWHERE && reach !== EVERYWHERE);
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
 * | learned  | all                | a parameter for each head and pair of tags      |
 *
 * A rule with a scope matches only the pairs within it.
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
  if (strategy === 'none') return { size, biases: new Float32Array(size * size) };
  if (strategy === 'learned') return { size, biases: new Float32Array(size * size), learned: true };
  const hard = reaches(rules.hard, rules);
  const soft = reaches(strategy === 'hard' ? [] : rules.soft, rules);
  const elsewhere = strategy === 'soft' ? 0 : FORBIDDEN;
  const biases = Float32Array.from(hard, (reach, pair) => {
    if (reach !== NOWHERE) return 0;
    return soft[pair] === NOWHERE ? elsewhere : beta;
  });
  if (!isScoped(hard) && !isScoped(soft)) return { size, biases };
  return { size, biases, scopes: { hard, soft, beta, elsewhere } };
}
