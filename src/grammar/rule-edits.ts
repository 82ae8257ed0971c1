import { CallerError } from '../base/errors.js';
import { parseTag } from './custom-tags.js';
import { isPerHead, type ModelRules, type RulePairs, splitScope } from './head-rules.js';
import type { Tag, TagPair } from './rules.js';
import { scopeError } from './scope.js';

/**
 * `+VERB:PART` adds a hard pair, `-VERB:NOUN` removes a pair, `readout:VERB` lets [CLS] see only itself and tokens of this tag. All take a
 * scope: `+VERB:PART@sentence`, `readout:VERB@15`.
 */
const EDIT = /^(?:([+-])([^:]+):(.+)|readout:(.+))$/;

/** Splits a name of rules, `paper readout:VERB +VERB:PART`, into the name and its edits. */
export function splitEdits(name: string): { base: string; edits: string[] } {
  const parts = name.split(' ');
  const last = parts.findLastIndex((part) => !EDIT.test(part));
  return { base: parts.slice(0, last + 1).join(' '), edits: parts.slice(last + 1) };
}

function without(pairs: readonly TagPair[], isRemoved: (pair: TagPair) => boolean): TagPair[] {
  return pairs.filter((pair) => !isRemoved(pair));
}

/** Applies one edit to the rules of a head. */
function edited({ hard, soft }: RulePairs, edit: string, tags: readonly Tag[], where: string): RulePairs {
  const [, sign, from, to, seen] = EDIT.exec(edit)!;
  const { base, scope } = splitScope(seen ?? to);
  const tagOf = (written: string) => parseTag(written, tags, where);
  const [query, key] = [seen === undefined ? tagOf(from) : '[CLS]', tagOf(base)];
  const added: TagPair = scope === undefined ? [query, key] : [query, key, scope];
  const wrong = scopeError(query, key, scope);
  if (wrong && sign !== '-') throw new CallerError({ ...wrong, where });
  if (seen !== undefined) {
    const isReadout = ([other]: TagPair) => other === query;
    const closed: TagPair[] = key === query ? [added] : [[query, query], added];
    return { hard: [...without(hard, isReadout), ...closed], soft: without(soft, isReadout) };
  }
  const isPair = (pair: TagPair) =>
    pair[0] === query && pair[1] === key && (sign === '+' || scope === undefined || pair[2] === scope);
  const others = { hard: without(hard, isPair), soft: without(soft, isPair) };
  return sign === '+' ? { hard: [...others.hard, added], soft } : others;
}

function pairsIn(rules: ModelRules): number {
  const heads: readonly RulePairs[] = isPerHead(rules) ? rules.heads.flat() : [rules];
  return heads.reduce((sum, { hard, soft }) => sum + hard.length + soft.length, 0);
}

/**
 * Rules with edits of `splitEdits`, in every head.
 * @throws CallerError for a tag, or a pair to remove, that the rules do not have.
 */
export function withEdits<Rules extends ModelRules>(rules: Rules, edits: readonly string[]): Rules {
  let after = rules;
  for (const edit of edits) {
    const before = after;
    const where = `rules "${before.name} ${edit}"`;
    const change = (head: RulePairs) => edited(head, edit, before.tags, where);
    const pairs = isPerHead(before)
      ? { heads: before.heads.map((layer) => layer.map(change)) }
      : change(before);
    after = { ...before, ...pairs, name: `${before.name} ${edit}` };
    if (edit.startsWith('-') && pairsIn(after) === pairsIn(before))
      throw new CallerError({ what: 'no pair to remove', where, expected: 'a pair of the rules' });
  }
  return after;
}
