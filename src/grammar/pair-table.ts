import { CallerError } from '../base/errors.js';
import { MOST_TAGS, type RuleSet, type Strategy, type TagPair } from './rules.js';
import { EVERYWHERE, isWithin, NOWHERE, type Reach, reachOf, widest } from './scope.js';

/** The entry of a pair that does not exist. It is finite, and low enough that no score can outweigh it. */
export const FORBIDDEN = -1e30;

/** Far above any useful bias, and far from FORBIDDEN. */
const LARGEST_BETA = 1e6;

/** A rule set under a strategy: for each pair of tag indexes a bias, or FORBIDDEN. */
export interface PairTable {
  /** Number of tags. */
  size: number;
  /** [size, size] by query tag, then key tag; FORBIDDEN where no pair of these tags exists at any distance. */
  biases: Float32Array;
  /** Present where a rule reaches less than the whole document. The biases then hold within the narrowest reach. */
  scopes?: PairScopes;
  /** True where the biases are a parameter of each head, not constants. */
  learned?: boolean;
}

/** How far the rules of each pair of tags reach: bias 0 within the hard one, else β within the soft one, else `elsewhere`. */
export interface PairScopes {
  /** By query tag, then key tag, as `biases`. */
  hard: Float32Array;
  /** The reaches of the soft rules, as `hard`. */
  soft: Float32Array;
  /** What is added to the score of a pair within the soft reach only. */
  beta: number;
  /** 0 or FORBIDDEN. */
  elsewhere: number;
}

function isAllowed(bias: number): boolean {
  return bias > 0.5 * FORBIDDEN;
}

/** Whether tokens with these tags can form a pair at any distance. */
export function allows(table: PairTable, query: number, key: number): boolean {
  return isAllowed(table.biases[query * table.size + key]);
}

/** Whether tokens with any tags form a pair at any distance. */
export function allowsAll({ biases, scopes }: PairTable): boolean {
  return biases.every(isAllowed) && scopes?.elsewhere !== FORBIDDEN;
}

/**
 * The bias of a pair of tokens, or undefined where the pair does not exist. Kernels work on whole tiles; this function is for
 * callers that need single pairs.
 * @param query Index of the query's tag.
 * @param key Index of the key's tag.
 * @param distance Tokens from one to the other.
 * @param inOneSentence Whether both are in one sentence, or one of them belongs to the document.
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
 * The union of the reaches of the rules of each pair of tags.
 * @param rules Gives the tags, and the name in errors.
 * @returns [tags, tags] by query tag, then key tag.
 * @throws CallerError for a tag that the rules do not list, or an invalid scope.
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
 * Makes the pair table of a rule set under a strategy:
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
 * @param beta The bias of soft pairs; the rule set's by default.
 * @throws CallerError where β is out of range, there are too many tags, or a rule has a tag that is not among them.
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
