import { CallerError } from '../base/errors.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import type { Scope } from './scope.js';

/** The rules of one head; tags and β are those of all. */
export type RulePairs = Pick<RuleSet, 'hard' | 'soft'>;

/** Rules for each head of each layer of a model, over the same tags. */
export interface HeadRules {
  name: string;
  tags: readonly Tag[];
  /** What a soft rule adds to the score of a pair. */
  beta: number;
  /** [layers][heads]; every layer has as many heads. */
  heads: readonly (readonly RulePairs[])[];
}

/** What a model reads by: one rule set for all of its heads, or rules for each. */
export type ModelRules = RuleSet | HeadRules;

export function isPerHead(rules: ModelRules): rules is HeadRules {
  return 'heads' in rules;
}

/** One text for all lists of the same rules, whatever their order. */
function contentOf({ hard, soft }: RulePairs): string {
  const sorted = (pairs: readonly TagPair[]) => pairs.map((pair) => JSON.stringify(pair)).sort();
  return JSON.stringify([sorted(hard), sorted(soft)]);
}

/**
 * The rule set of each head, [layers][heads]; one for all heads where the rules are so. Heads with the same rules get the
 * same object, so that a plan may share their tiles.
 */
export function ruleSetsOf(rules: ModelRules): RuleSet[][] {
  if (!isPerHead(rules)) return [[rules]];
  const { name, tags, beta, heads } = rules;
  const known = new Map<string, RuleSet>();
  return heads.map((layer) =>
    layer.map(({ hard, soft }) => {
      const content = contentOf({ hard, soft });
      const same = known.get(content) ?? { name, tags, hard, soft, beta };
      known.set(content, same);
      return same;
    }),
  );
}

/** What leads from a name to a scope: `paper@sentence`, `rules.json@128`. */
const SCOPED = /^(.+)@(document|sentence|\d+)$/;

/** A name of rules, and the scope that is added to it. */
export function splitScope(name: string): { base: string; scope: Scope | undefined } {
  const [, base, scope] = SCOPED.exec(name) ?? [];
  if (base === undefined) return { base: name, scope: undefined };
  return { base, scope: scope === 'document' || scope === 'sentence' ? scope : Number(scope) };
}

/**
 * The same rules, those without a scope of their own within this one. What [CLS] sees stays as it is: it stands for the
 * document, from wherever it looks.
 */
export function withScope<Rules extends ModelRules>(rules: Rules, scope: Scope | undefined): Rules {
  if (scope === undefined) return rules;
  const scoped = (pairs: readonly TagPair[]) =>
    pairs.map((pair): TagPair => {
      const [query, key, ownScope] = pair;
      return ownScope === undefined && query !== '[CLS]' ? [query, key, scope] : pair;
    });
  const ofHead = ({ hard, soft }: RulePairs): RulePairs => ({ hard: scoped(hard), soft: scoped(soft) });
  const pairs = isPerHead(rules) ? { heads: rules.heads.map((layer) => layer.map(ofHead)) } : ofHead(rules);
  return { ...rules, ...pairs, name: `${rules.name}@${scope}` };
}

/**
 * @param where What the error calls the rules: a file, where they are of one.
 * @throws CallerError where rules for each head are not for as many layers and heads as a model has.
 */
export function checkHeads(
  rules: ModelRules,
  { layers, heads }: { layers: number; heads: number },
  where = `rules "${rules.name}"`,
): void {
  if (!isPerHead(rules)) return;
  const given = { layers: rules.heads.length, heads: rules.heads[0].length };
  if (given.layers === layers && given.heads === heads) return;
  throw new CallerError({
    what: `rules for ${given.layers} layers of ${given.heads} heads`,
    where,
    expected: `${layers} layers of ${heads}, as the model has`,
  });
}
