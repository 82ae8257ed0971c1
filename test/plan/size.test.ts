import { describe, expect, it } from 'vitest';
import { planWords } from '../../src/attention/device-plan.js';
import { tagRunChunks } from '../../src/attention/tag-run-chunks.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { NO_SENTENCE, type Scope } from '../../src/grammar/scope.js';
import { type Layout, sparseLayout } from '../../src/plan/layout.js';
import { generator, randomInteger } from '../support/random.js';

function randomTags(tokens: number): Uint8Array {
  const random = generator(tokens);
  return Uint8Array.from({ length: tokens }, () => randomInteger(random, 0, PAPER_RULES.tags.length - 1));
}

/** Sentences of 25 tokens, between a first and a last token that belong to the document and see all of it. */
function sentencesOf(tokens: number): Uint32Array {
  const isOfDocument = (token: number) => token === 0 || token === tokens - 1;
  return Uint32Array.from({ length: tokens }, (_, token) =>
    isOfDocument(token) ? NO_SENTENCE : Math.floor(token / 25),
  );
}

/** The paper's rules, all within the scope. */
function scoped(scope: Scope): RuleSet {
  const hard = PAPER_RULES.hard.map(([query, key]) => [query, key, scope] as const);
  const soft = PAPER_RULES.soft.map(([query, key]) => [query, key, scope] as const);
  return { ...PAPER_RULES, hard, soft };
}

function plan(tokens: number, rules: RuleSet, strategy: Strategy, causal = false): Layout {
  const tables = pairTable(rules, strategy);
  const sentences = sentencesOf(tokens);
  return sparseLayout({ tags: randomTags(tokens), lengths: [tokens], tables, sentences, causal });
}

/** Milliseconds of processor time: on a busy machine, wall time grows more for longer work. */
function timeToPlan(tokens: number, rules: RuleSet, times: number): number {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) planWords(plan(tokens, rules, 'guided'));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

const [SHORT, LONG] = [512, 2048];

/** The growth of linear work for four times the tokens, with a margin; quadratic work grows sixteen times. */
const MOST_GROWTH = 5;

describe("a plan under the paper's rules", () => {
  it.each<Strategy>(['hard', 'soft', 'guided', 'learned'])(
    'has a size linear in the tokens: %s',
    (strategy) => {
      for (const rules of [PAPER_RULES, scoped('sentence'), scoped(128)]) {
        for (const causal of [false, true]) {
          const [short, long] = [SHORT, LONG].map((tokens) => plan(tokens, rules, strategy, causal));
          const words = (made: Layout) => planWords(made).words.length;
          expect(words(long)).toBeLessThan(MOST_GROWTH * words(short));
          // No more chunks than tokens, three words for each, and the start of the list of each tag.
          expect(tagRunChunks(long).words.length).toBeLessThanOrEqual(3 * LONG + rules.tags.length + 1);
        }
      }
    },
  );

  it.each<Scope>(['document', 'sentence', 128])(
    'is made in a time linear in the tokens, scope %s',
    (scope) => {
      const rules = scoped(scope);
      const best = { eightShort: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY };
      for (let attempt = 0; attempt < 3; attempt++) {
        best.eightShort = Math.min(best.eightShort, timeToPlan(SHORT, rules, 8));
        best.long = Math.min(best.long, timeToPlan(8 * SHORT, rules, 1));
      }
      console.log(`8 plans of 512 tokens: ${best.eightShort} ms, one of 4,096: ${best.long} ms`);
      expect(best.long).toBeLessThan(3 * best.eightShort);
    },
  );
});

describe('the work under rules with a scope', () => {
  it.each<Scope>(['sentence', 128])('is linear in the tokens: %s', (scope) => {
    // The texts are so long that windows that are cut off at their ends hardly count.
    const counts = [2 * SHORT, 2 * LONG].map((tokens) => plan(tokens, scoped(scope), 'hard').pairCounts);
    for (const name of ['useful', 'executed', 'executedTransposed'] as const) {
      expect(counts[1][name] / counts[0][name], name).toBeLessThan(MOST_GROWTH);
    }
    console.log(`scope ${scope}: executed/useful ${(counts[1].executed / counts[1].useful).toFixed(2)}`);
  });
});
