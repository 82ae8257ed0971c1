import type { RuleSet, TagPair } from './rules.js';
import type { Scope } from './scope.js';

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
export function withScope(rules: RuleSet, scope: Scope | undefined): RuleSet {
  if (scope === undefined) return rules;
  const scoped = (pair: TagPair): TagPair => {
    const [query, key, own] = pair;
    return own === undefined && query !== '[CLS]' ? [query, key, scope] : pair;
  };
  return {
    ...rules,
    name: `${rules.name}@${scope}`,
    hard: rules.hard.map(scoped),
    soft: rules.soft.map(scoped),
  };
}
