import { describe, expect, it } from 'vitest';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { NO_SENTENCE, type Scope } from '../../src/grammar/scope.js';
import { type Plan, planSparse } from '../../src/plan/plan.js';
import { planWords } from '../../src/plan/plan-words.js';
import { runChunks } from '../../src/plan/run-chunks.js';
import { generator, randomInteger } from '../support/random.js';

function randomTags(tokens: number): Uint8Array {
  const random = generator(tokens);
  return Uint8Array.from({ length: tokens }, () => randomInteger(random, 0, PAPER_RULES.tags.length - 1));
}

/** Sentences of 25 tokens, with one of the document's between them. */
function sentencesOf(tokens: number): Uint32Array {
  return Uint32Array.from({ length: tokens }, (_, token) =>
    token % 26 === 0 ? NO_SENTENCE : Math.floor(token / 26),
  );
}

/** The paper's rules, none reaching further than the scope. */
function scoped(scope: Scope): RuleSet {
  const hard = PAPER_RULES.hard.map(([query, key]) => [query, key, scope] as const);
  const soft = PAPER_RULES.soft.map(([query, key]) => [query, key, scope] as const);
  return { ...PAPER_RULES, hard, soft };
}

function plan(tokens: number, rules: RuleSet, strategy: Strategy, causal = false): Plan {
  const tables = pairTable(rules, strategy);
  const sentences = sentencesOf(tokens);
  return planSparse({ tags: randomTags(tokens), lengths: [tokens], tables, sentences, causal });
}

/** Milliseconds of this process, not of the clock: a busy machine interrupts the longer work more often. */
function timeToPlan(tokens: number, rules: RuleSet, times: number): number {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) planWords(plan(tokens, rules, 'guided'));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe("the size of a plan under the paper's rules", () => {
  it.each<Strategy>(['hard', 'soft', 'guided', 'learned'])('is linear in the tokens: %s', (strategy) => {
    for (const rules of [PAPER_RULES, scoped('sentence'), scoped(128)]) {
      for (const causal of [false, true]) {
        const made = plan(16_384, rules, strategy, causal);
        expect(planWords(made).words.length).toBeLessThan(16 * 16_384);
        expect(runChunks(made).words.length).toBeLessThan(16_384);
      }
    }
  });

  it.each<Scope>(['document', 'sentence', 128])('and so is the time to make it, scope %s', (scope) => {
    const rules = scoped(scope);
    const best = { eightShort: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY };
    for (let attempt = 0; attempt < 5; attempt++) {
      best.eightShort = Math.min(best.eightShort, timeToPlan(2048, rules, 8));
      best.long = Math.min(best.long, timeToPlan(16_384, rules, 1));
    }
    console.log(`8 plans of 2,048 tokens: ${best.eightShort} ms, one of 16,384: ${best.long} ms`);
    expect(best.long).toBeLessThan(3 * best.eightShort);
  });
});

describe('the work under rules with a scope', () => {
  it.each<Scope>(['sentence', 128])('is linear in the tokens: %s', (scope) => {
    const ledgers = [4096, 16_384].map((tokens) => plan(tokens, scoped(scope), 'hard').ledger);
    for (const name of ['useful', 'executed', 'executedTransposed'] as const) {
      const growth = ledgers[1][name] / ledgers[0][name];
      expect(growth, name).toBeLessThan(scope === 'sentence' ? 6 : 4.5);
    }
    console.log(`scope ${scope}: executed/useful ${(ledgers[1].executed / ledgers[1].useful).toFixed(2)}`);
  });
});
