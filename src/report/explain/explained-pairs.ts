import { biasOfPair, type PairTable, reaches } from '../../grammar/pair-table.js';
import type { RuleSet, Strategy } from '../../grammar/rules.js';
import { areInOneSentence, isWithin } from '../../grammar/scope.js';
import type { TaggedTokens } from '../../grammar/tagged-tokenizer.js';

/** The kind of a pair of tokens: it does not exist; a hard rule allows it; β is added; or it exists without a rule. */
export const [ABSENT, HARD, SOFT, PLAIN] = [0, 1, 2, 3] as const;

export type PairKind = typeof ABSENT | typeof HARD | typeof SOFT | typeof PLAIN;

/**
 * The kind of each pair, [tokens, tokens] by query, then key, in the text's order. The engine's pair table decides whether a pair
 * exists; the rules only say why.
 * @param table Undefined where every pair exists.
 * @param tags For each token, the index of its tag in the rules' tags.
 */
export function pairKinds(
  table: PairTable | undefined,
  rules: RuleSet,
  strategy: Strategy,
  tags: Uint8Array,
  sentences: TaggedTokens['sentences'],
): Uint8Array {
  const count = tags.length;
  const kinds = new Uint8Array(count * count).fill(PLAIN);
  if (!table || strategy === 'none' || strategy === 'learned') return kinds;
  const size = rules.tags.length;
  const hard = reaches(rules.hard, rules);
  const soft = reaches(rules.soft, rules);
  for (let query = 0; query < count; query++) {
    for (let key = 0; key < count; key++) {
      const distance = Math.abs(query - key);
      const inOneSentence = areInOneSentence(sentences[query], sentences[key]);
      const at = tags[query] * size + tags[key];
      let kind: PairKind = ABSENT;
      if (biasOfPair(table, tags[query], tags[key], distance, inOneSentence) !== undefined) {
        const isHard = isWithin(hard[at], distance, inOneSentence);
        const isSoft = isWithin(soft[at], distance, inOneSentence);
        kind = isHard ? HARD : isSoft ? SOFT : PLAIN;
      }
      kinds[query * count + key] = kind;
    }
  }
  return kinds;
}

/** The number of pairs of a kind, or of all that exist. */
export function countPairs(kinds: Uint8Array, kind?: PairKind): number {
  return kinds.reduce(
    (count, each) => count + Number(kind === undefined ? each !== ABSENT : each === kind),
    0,
  );
}

/** The share of blocks of `side` x `side` pairs that hold a pair that exists, with the tokens in some order. */
export function filledBlocks(kinds: Uint8Array, order: ArrayLike<number>, side: number): number {
  const count = order.length;
  const across = Math.ceil(count / side);
  const filled = new Set<number>();
  for (let query = 0; query < count; query++) {
    for (let key = 0; key < count; key++) {
      if (kinds[order[query] * count + order[key]] === ABSENT) continue;
      filled.add(Math.floor(query / side) * across + Math.floor(key / side));
    }
  }
  return filled.size / across ** 2;
}

/** The number of rectangles in which the pairs that exist lie, with the tokens in some order. Equal consecutive rows count once. */
export function rectangleCount(kinds: Uint8Array, order: readonly number[]): number {
  const count = order.length;
  const rows = order.map((query) => order.map((key) => (kinds[query * count + key] === ABSENT ? 0 : 1)));
  let rectangles = 0;
  let last = '';
  for (const row of rows) {
    const text = row.join('');
    if (text !== last) rectangles += text.match(/1+/g)?.length ?? 0;
    last = text;
  }
  return rectangles;
}
