import type { RuleSet, Strategy, Tag, TagPair } from '../src/grammar/rules.js';

/**
 * What a strategy adds to the score of a pair, or undefined where the pair does not exist: section 2 of the method, worded
 * pair by pair. The kernels' own tables are made elsewhere (src/grammar/pair-table.ts); this one is to check them.
 */
export function referenceBias(
  rules: RuleSet,
  strategy: Strategy,
): (query: Tag, key: Tag) => number | undefined {
  const keyOf = (query: Tag, key: Tag) => JSON.stringify([query, key]);
  const setOf = (pairs: readonly TagPair[]) => new Set(pairs.map(([query, key]) => keyOf(query, key)));
  const hard = setOf(rules.hard);
  const soft = setOf(rules.soft);
  return (query, key) => {
    const isHard = hard.has(keyOf(query, key));
    const isSoft = soft.has(keyOf(query, key));
    const bias = isSoft && !isHard ? rules.beta : 0;
    switch (strategy) {
      case 'none':
        return 0;
      case 'hard':
        return isHard ? 0 : undefined;
      case 'soft':
        return bias;
      case 'guided':
        return isHard || isSoft ? bias : undefined;
    }
  };
}

/** The same for tokens by their place, with each pair of tags looked up once: for texts of thousands of tokens. */
export function referenceTokenBias(
  rules: RuleSet,
  strategy: Strategy,
  tags: readonly Tag[],
): (query: number, key: number) => number | undefined {
  const biasOf = referenceBias(rules, strategy);
  const distinct = [...new Set(tags)];
  const table = distinct.map((query) => distinct.map((key) => biasOf(query, key)));
  const places = new Map(distinct.map((tag, place) => [tag, place]));
  const tokens = Int32Array.from(tags, (tag) => places.get(tag)!);
  return (query, key) => table[tokens[query]][tokens[key]];
}
