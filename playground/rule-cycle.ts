import type { RuleSet, Tag, TagPair } from '../src/grammar/rules.js';

/** What a pair of tags is by the rules: the hard rule counts where there are both. */
function ruleOf({ hard, soft }: RuleSet, query: Tag, key: Tag): 'hard' | 'soft' | 'absent' {
  const isOf = (pair: TagPair) => pair[0] === query && pair[1] === key;
  if (hard.some(isOf)) return 'hard';
  return soft.some(isOf) ? 'soft' : 'absent';
}

/** The rules with one pair of tags changed: from absent to hard, from hard to soft, from soft to absent; over the whole document. */
export function cycled(rules: RuleSet, query: Tag, key: Tag): RuleSet {
  const without = (pairs: readonly TagPair[]) => pairs.filter((pair) => pair[0] !== query || pair[1] !== key);
  const [hard, soft] = [without(rules.hard), without(rules.soft)];
  const pair: TagPair = [query, key];
  const kind = ruleOf(rules, query, key);
  return {
    ...rules,
    name: rules.name.endsWith(', edited') ? rules.name : `${rules.name}, edited`,
    hard: kind === 'absent' ? [...hard, pair] : hard,
    soft: kind === 'hard' ? [...soft, pair] : soft,
  };
}
