import { CallerError } from '../base/errors.js';
import { type ModelRules, ruleSetsOf } from './head-rules.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import { type Reach, reachOf, widest } from './scope.js';

/** A pair of tags for which two rule sets have different rules of a kind. */
export interface RuleChange {
  kind: 'hard' | 'soft';
  query: Tag;
  key: Tag;
  /** How far the rules of either reach; undefined where it has none for this pair. */
  reach: [a: Reach | undefined, b: Reach | undefined];
}

/** The changes of a head; without layer and head, those of all. */
export interface HeadChanges {
  layer?: number;
  head?: number;
  changes: RuleChange[];
}

function reachOfPairs(pairs: readonly TagPair[], where: string): Map<string, Reach> {
  const reach = new Map<string, Reach>();
  for (const [query, key, scope = 'document'] of pairs) {
    const pair = JSON.stringify([query, key]);
    const own = reachOf(scope, where);
    const known = reach.get(pair);
    reach.set(pair, known === undefined ? own : widest(known, own));
  }
  return reach;
}

/** What differs between two rule sets, pair by pair; the order in which they write their rules does not matter. */
export function ruleChanges(a: RuleSet, b: RuleSet): RuleChange[] {
  return (['hard', 'soft'] as const).flatMap((kind) => {
    const [before, after] = [a, b].map((rules) => reachOfPairs(rules[kind], `rules "${rules.name}"`));
    return [...new Set([...before.keys(), ...after.keys()])]
      .filter((pair) => before.get(pair) !== after.get(pair))
      .map((pair): RuleChange => {
        const [query, key]: Tag[] = JSON.parse(pair);
        return { kind, query, key, reach: [before.get(pair), after.get(pair)] };
      });
  });
}

/**
 * What differs between the rules of two models, head by head. Rules for all heads are compared with those of every head.
 * @throws CallerError where both have rules for each head, and of other layers or heads.
 */
export function headChanges(a: ModelRules, b: ModelRules): HeadChanges[] {
  const [before, after] = [ruleSetsOf(a), ruleSetsOf(b)];
  const isOne = (sets: RuleSet[][]) => sets.length === 1 && sets[0].length === 1;
  const shapeOf = (sets: RuleSet[][]) => `${sets.length} layers of ${sets[0].length} heads`;
  if (!isOne(before) && !isOne(after) && shapeOf(before) !== shapeOf(after)) {
    throw new CallerError({
      what: `rules for ${shapeOf(after)}`,
      where: `rules "${b.name}"`,
      expected: `${shapeOf(before)}, as "${a.name}" has`,
    });
  }
  if (isOne(before) && isOne(after)) return [{ changes: ruleChanges(before[0][0], after[0][0]) }];
  const all = isOne(before) ? after : before;
  return all.flatMap((heads, layer) =>
    heads.map((_, head) => {
      const of = (sets: RuleSet[][]) => (isOne(sets) ? sets[0][0] : sets[layer][head]);
      return { layer, head, changes: ruleChanges(of(before), of(after)) };
    }),
  );
}
