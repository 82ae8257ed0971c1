import { CallerError } from '../base/errors.js';
import type { Scope } from './scope.js';

/** A tag: a name, or an integer label of the caller's. */
export type Tag = string | number;

/** A query tag that may attend to a key tag, within a scope. The scope is the whole document by default. */
export type TagPair = readonly [query: Tag, key: Tag, scope?: Scope];

/** Which tag may attend to which. Presets, rules files and generated rules all have this form. */
export interface RuleSet {
  /** The name in outputs and errors. */
  name: string;
  /** The tags that tokens may have, at most 64. `tagIndexes` says how integer labels select one. */
  tags: readonly Tag[];
  /** Pairs of tags that attend without a bias under `hard`, `soft` and `guided`, each written out: no `*` or `=`. */
  hard: readonly TagPair[];
  /** Pairs of tags that get β under `soft` and `guided`, where no hard rule matches; under `hard` they do not exist. */
  soft: readonly TagPair[];
  /** The bias that a soft rule adds to the score of a pair. */
  beta: number;
}

/** How rules become attention scores; see the table of `pairTable`. */
export type Strategy = 'none' | 'hard' | 'soft' | 'guided' | 'learned';

export const STRATEGIES: readonly Strategy[] = ['none', 'hard', 'soft', 'guided', 'learned'];

export const MOST_TAGS = 64;

export const DEFAULT_BETA = 5;

/** As query or key of a written rule: every tag. */
export const EVERY_TAG = '*';

/** As key of a written rule: the query's tag. */
export const SAME_TAG = '=';

/** Keys by query tag, as rules files and presets have them: `{ "ADJ": ["NOUN", "PROPN"], "*": ["="] }`. */
export type RuleLists = Readonly<Record<string, readonly Tag[]>>;

/** Expands one written rule: `*` on either side, `=` as key. */
function expandPair([query, key, ...scope]: TagPair, tags: readonly Tag[]): TagPair[] {
  const queries = query === EVERY_TAG ? tags : [query];
  return queries.flatMap((from) => {
    const keys = key === EVERY_TAG ? tags : [key === SAME_TAG ? from : key];
    return keys.map((to): TagPair => [from, to, ...scope]);
  });
}

/** Expands written rules to pairs, without repetitions. */
export function expandPairs(pairs: readonly TagPair[], tags: readonly Tag[]): TagPair[] {
  const expanded = new Map<string, TagPair>();
  for (const written of pairs) {
    for (const pair of expandPair(written, tags)) expanded.set(JSON.stringify(pair), pair);
  }
  return [...expanded.values()];
}

/** Expands lists of keys by query tag to pairs, without repetitions. */
export function expandLists(lists: RuleLists, tags: readonly Tag[]): TagPair[] {
  const written = Object.entries(lists).flatMap(([query, keys]) => keys.map((key): TagPair => [query, key]));
  return expandPairs(written, tags);
}

/**
 * The index in `rules.tags` of each token's tag. An integer is the index itself where the rules' tags are all names, and is
 * looked up as a tag where some are integers.
 *
 * @throws CallerError for a tag that the rule set does not have.
 */
export function tagIndexes(rules: Pick<RuleSet, 'name' | 'tags'>, tags: ArrayLike<Tag>): Uint8Array {
  const index = new Map(rules.tags.map((tag, at) => [tag, at]));
  const integersAreIndexes = !rules.tags.some((tag) => typeof tag === 'number');
  const indexes = new Uint8Array(tags.length);
  for (let token = 0; token < tags.length; token++) {
    const tag = tags[token];
    let at = index.get(tag);
    if (
      typeof tag === 'number' &&
      integersAreIndexes &&
      Number.isInteger(tag) &&
      tag >= 0 &&
      tag < rules.tags.length
    ) {
      at = tag;
    }
    if (at === undefined) {
      throw new CallerError({
        what: `unknown tag ${JSON.stringify(tag)}`,
        where: `tags[${token}]`,
        expected: `a tag of the rules "${rules.name}": ${rules.tags.join(', ')}`,
      });
    }
    indexes[token] = at;
  }
  return indexes;
}
