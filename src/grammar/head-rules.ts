import { CallerError } from '../base/errors.js';
import type { RuleSet, Tag, TagPair } from './rules.js';
import { type Scope, scopeError } from './scope.js';

/** Ten times the layers of the deepest encoders. Each layer has its pipelines, tensors and buffers. */
export const MOST_LAYERS = 1024;

/** The rules of one head. All heads share tags and β. */
export type RulePairs = Pick<RuleSet, 'hard' | 'soft'>;

/** Rules for each head of each layer of a model, over the same tags. */
export interface HeadRules {
  /** The name in outputs and errors. */
  name: string;
  /** The tags that tokens may have, at most 64. */
  tags: readonly Tag[];
  /** The bias that a soft rule adds to the score of a pair. */
  beta: number;
  /** [layers][heads]; every layer has the same number of heads. */
  heads: readonly (readonly RulePairs[])[];
}

/** The rules of a model: one rule set for all heads, or rules for each head. */
export type ModelRules = RuleSet | HeadRules;

export function isPerHead(rules: ModelRules): rules is HeadRules {
  return 'heads' in rules;
}

/** The same text for the same rules in any order. */
function contentOf({ hard, soft }: RulePairs): string {
  const sorted = (pairs: readonly TagPair[]) => pairs.map((pair) => JSON.stringify(pair)).sort();
  return JSON.stringify([sorted(hard), sorted(soft)]);
}

/**
 * The rule set of each head, [layers][heads]; [1][1] where one rule set is for all heads. Heads with the same rules get the
 * same object: a layout then shares their tiles.
 */
export function ruleSetsOf(rules: ModelRules): RuleSet[][] {
  if (!isPerHead(rules)) return [[rules]];
  const { name, tags, beta, heads } = rules;
  const sets = new Map<string, RuleSet>();
  return heads.map((layer) =>
    layer.map(({ hard, soft }) => {
      const content = contentOf({ hard, soft });
      const set = sets.get(content) ?? { name, tags, hard, soft, beta };
      sets.set(content, set);
      return set;
    }),
  );
}

/** A name with a scope: `paper@sentence`, `rules.json@128`. */
const SCOPED = /^(.+)@(document|sentence|\d+)$/;

/** Splits a name of rules into the name and its scope, undefined where it has none. */
export function splitScope(name: string): { base: string; scope: Scope | undefined } {
  const [, base, scope] = SCOPED.exec(name) ?? [];
  if (base === undefined) return { base: name, scope: undefined };
  return { base, scope: scope === 'document' || scope === 'sentence' ? scope : Number(scope) };
}

/**
 * The same rules, where rules without a scope get this one. Rules of [CLS] stay unchanged: [CLS] represents the whole
 * document.
 * @throws CallerError where a rule then allows no pair.
 */
export function withScope<Rules extends ModelRules>(rules: Rules, scope: Scope | undefined): Rules {
  if (scope === undefined) return rules;
  const name = `${rules.name}@${scope}`;
  const scoped = (pairs: readonly TagPair[]) =>
    pairs.map((pair): TagPair => {
      const [query, key, pairScope] = pair;
      if (pairScope !== undefined || query === '[CLS]') return pair;
      const wrong = scopeError(query, key, scope);
      if (wrong) throw new CallerError({ ...wrong, where: `rules "${name}"` });
      return [query, key, scope];
    });
  const ofHead = ({ hard, soft }: RulePairs): RulePairs => ({ hard: scoped(hard), soft: scoped(soft) });
  const pairs = isPerHead(rules) ? { heads: rules.heads.map((layer) => layer.map(ofHead)) } : ofHead(rules);
  return { ...rules, ...pairs, name };
}

/**
 * Checks that rules for each head fit the layers and heads of a model.
 * @param where The rules' name in an error: their file, for example.
 * @throws CallerError where they do not.
 */
export function checkHeads(
  rules: ModelRules,
  { layers, heads }: { layers: number; heads: number },
  where = `rules "${rules.name}"`,
): void {
  if (!isPerHead(rules)) return;
  const found = { layers: rules.heads.length, heads: rules.heads[0].length };
  if (found.layers === layers && found.heads === heads) return;
  throw new CallerError({
    what: `rules for ${found.layers} layers of ${found.heads} heads`,
    where,
    expected: `${layers} layers of ${heads}, as the model has`,
  });
}
