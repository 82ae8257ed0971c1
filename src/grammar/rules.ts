import { CallerError } from '../base/errors.js';
import type { Scope } from './scope.js';

/** A tag by name, or a label of the caller's own, which may be any integer. */
export type Tag = string | number;

/** A pair of tags: who looks, and at whom; and how far, the whole document where it is left out. */
export type TagPair = readonly [query: Tag, key: Tag, scope?: Scope];

/** Which tag may look at which. Rules are data: presets, JSON files and generated rule sets are all of this shape. */
export interface RuleSet {
  name: string;
  /** The tags that a token may carry, at most 64. An integer label of a token counts into this list (see `tagIndexes`). */
  tags: readonly Tag[];
  hard: readonly TagPair[];
  soft: readonly TagPair[];
  /** What a soft rule adds to the score of a pair. */
  beta: number;
}

/** How rules become scores; see the table in the README. */
export type Strategy = 'none' | 'hard' | 'soft' | 'guided' | 'learned';

export const STRATEGIES: readonly Strategy[] = ['none', 'hard', 'soft', 'guided', 'learned'];

export const MOST_TAGS = 64;

export const DEFAULT_BETA = 5;

/** Stands for every tag in a rule, as query or as key. */
export const EVERY_TAG = '*';

/** Stands, as key, for the query's own tag. */
export const SAME_TAG = '=';

/** Keys by query tag, as rule files and presets write them: `{ "ADJ": ["NOUN", "PROPN"], "*": ["="] }`. */
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
 * The index in `rules.tags` of each token's tag. A name is looked up. An integer is looked up too where the rule set's
 * own tags are integers; where they are names, it is the index itself.
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
