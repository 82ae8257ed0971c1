import type { RuleSet, Strategy, Tag, TagPair } from '../src/grammar/rules.js';
import { NO_SENTENCE, type Scope } from '../src/grammar/scope.js';

/** The bias of two tokens by their positions in the caller's order; undefined where the pair does not exist. */
export type TokenBias = (query: number, key: number) => number | undefined;

/** Whether two tokens of a text are within a scope of each other. */
type Within = (scope: Scope) => boolean;

/** The properties of tokens, beside their tags, on which pairs depend. */
export interface ReferencePlaces {
  /** The sentence of each token, or NO_SENTENCE; all are in one by default. */
  sentences?: ArrayLike<number>;
  /** Whether a query sees only keys that do not come after it. */
  causal?: boolean;
  /** The bias of a pair of tags under strategy `learned`. */
  learned?: (query: Tag, key: Tag) => number;
}

/** For two tags, the scopes of all rules that name them. */
function scopesOf(pairs: readonly TagPair[]): (query: Tag, key: Tag) => readonly Scope[] {
  const keyOf = (query: Tag, key: Tag) => JSON.stringify([query, key]);
  const scopes = new Map<string, Scope[]>();
  for (const [query, key, scope = 'document'] of pairs) {
    scopes.set(keyOf(query, key), [...(scopes.get(keyOf(query, key)) ?? []), scope]);
  }
  return (query, key) => scopes.get(keyOf(query, key)) ?? [];
}

/** Whether pairs depend on positions under a strategy, causal order apart. */
export function isPositional({ hard, soft }: RuleSet, strategy: Strategy): boolean {
  if (strategy === 'none' || strategy === 'learned') return false;
  return [...hard, ...soft].some(([, , scope = 'document']) => scope !== 'document');
}

/**
 * The bias of a pair of tags under a strategy; undefined where the pair does not exist. It checks the engine's own tables
 * (src/grammar/pair-table.ts), and shares no code with them.
 */
function referenceBias(
  { hard, soft, beta }: RuleSet,
  strategy: Strategy,
  learned: ReferencePlaces['learned'],
): (query: Tag, key: Tag) => (within: Within) => number | undefined {
  const hardScopes = scopesOf(hard);
  const softScopes = scopesOf(soft);
  return (query, key) => {
    const [hardOnes, softOnes] = [hardScopes(query, key), softScopes(query, key)];
    switch (strategy) {
      case 'none':
        return () => 0;
      case 'hard':
        return (within) => (hardOnes.some(within) ? 0 : undefined);
      case 'soft':
        return (within) => (softOnes.some(within) && !hardOnes.some(within) ? beta : 0);
      case 'guided':
        return (within) => (hardOnes.some(within) ? 0 : softOnes.some(within) ? beta : undefined);
      case 'learned':
        return () => learned!(query, key);
    }
  };
}

/** The bias of tokens by their positions. Each pair of tags is looked up once, for texts of thousands of tokens. */
export function referenceTokenBias(
  rules: RuleSet,
  strategy: Strategy,
  tags: readonly Tag[],
  { sentences, causal = false, learned }: ReferencePlaces = {},
): TokenBias {
  const biasOf = referenceBias(rules, strategy, learned);
  const distinct = [...new Set(tags)];
  const table = distinct.map((query) => distinct.map((key) => biasOf(query, key)));
  const indexes = new Map(distinct.map((tag, index) => [tag, index]));
  const tokens = Int32Array.from(tags, (tag) => indexes.get(tag)!);
  const inOneSentence = (query: number, key: number) => {
    if (!sentences || sentences[query] === sentences[key]) return true;
    return sentences[query] === NO_SENTENCE || sentences[key] === NO_SENTENCE;
  };
  return (query, key) => {
    if (causal && key > query) return undefined;
    return table[tokens[query]][tokens[key]]((scope) => {
      if (scope === 'document') return true;
      return scope === 'sentence' ? inOneSentence(query, key) : Math.abs(query - key) <= scope;
    });
  };
}
