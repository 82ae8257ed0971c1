import type { RuleSet, TagPair } from '../../src/grammar/rules.js';
import { NO_SENTENCE, type Scope } from '../../src/grammar/scope.js';
import { randomInteger } from './random.js';

/** A kind of scope; each rule gets one at random. */
export type ScopeKind = 'document' | 'sentence' | 'window';

export interface RuleShape {
  /** Share of the pairs of tags that rules name. */
  density: number;
  /** Share of these pairs whose rule is soft. */
  soft: number;
  scopes: readonly ScopeKind[];
  betas: readonly number[];
}

/** Narrow and wide windows, down to 0 tokens. */
function randomScope(random: () => number, kinds: readonly ScopeKind[]): Scope {
  const kind = kinds[randomInteger(random, 0, kinds.length - 1)];
  if (kind !== 'window') return kind;
  return randomInteger(random, 0, random() < 0.5 ? 3 : 40);
}

/** Rules for some pairs of tags, sometimes several with different scopes for one pair. */
export function randomRules(
  random: () => number,
  tags: readonly string[],
  { density, soft: softShare, scopes, betas }: RuleShape,
  name: string,
): RuleSet {
  const hard: TagPair[] = [];
  const soft: TagPair[] = [];
  for (const query of tags) {
    for (const key of tags) {
      if (random() >= density) continue;
      const count = random() < 0.2 ? randomInteger(random, 2, 3) : 1;
      for (let rule = 0; rule < count; rule++) {
        (random() < softShare ? soft : hard).push([query, key, randomScope(random, scopes)]);
      }
    }
  }
  return { name, tags, hard, soft, beta: betas[randomInteger(random, 0, betas.length - 1)] };
}

/** Ascending numbers with gaps, which start at any number in each sequence, with tokens of no sentence between them. */
export function randomSentences(
  random: () => number,
  lengths: readonly number[],
  ofDocument: number,
): Uint32Array {
  const numbers = lengths.flatMap((length) => {
    let sentence = randomInteger(random, 0, 3);
    const ends = 1 / randomInteger(random, 1, 30);
    return Array.from({ length }, () => {
      if (random() < ends) sentence += randomInteger(random, 1, 3);
      return random() < ofDocument ? NO_SENTENCE : sentence;
    });
  });
  return Uint32Array.from(numbers);
}
