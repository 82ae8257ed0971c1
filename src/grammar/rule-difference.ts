import { CallerError } from '../base/errors.js';
import { type ModelRules, ruleSetsOf } from './head-rules.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import { type Reach, reachOf, widest } from './scope.js';

/** A pair of tags whose hard or soft rules differ between two rule sets. */
export interface RuleChange {
  kind: 'hard' | 'soft';
  query: Tag;
  key: Tag;
  /** The reach in each rule set; undefined where it has no rule for this pair. */
  reach: [a: Reach | undefined, b: Reach | undefined];
}

/** The changes of a head, or of all heads where `layer` and `head` are left out. */
export interface HeadChanges {
  layer?: number;
  head?: number;
  changes: RuleChange[];
}

function reachOfPairs(pairs: readonly TagPair[], where: string): Map<string, Reach> {
  const reach = new Map<string, Reach>();
  for (const [query, key, scope = 'document'] of pairs) {
    const pair = JSON.stringify([query, key]);
    const added = reachOf(scope, where);
    const before = reach.get(pair);
    reach.set(pair, before === undefined ? added : widest(before, added));
  }
  return reach;
}

/** The differences between two rule sets, pair by pair, without regard to the order of rules. */
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
 * The differences between the rules of two models, head by head. Rules for all heads are compared with the rules of every
 * head.
 * @throws CallerError where both have rules for each head, but for different numbers of layers or heads.
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
