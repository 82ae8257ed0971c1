import { describe, expect, it } from 'vitest';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { Strategy } from '../../src/grammar/rules.js';
import { planSparse } from '../../src/plan/plan.js';
import { planWords } from '../../src/plan/plan-words.js';
import { rectangleWords } from '../../src/plan/rectangles.js';
import { generator, randomInteger } from '../support/random.js';

function randomTags(tokens: number): Uint8Array {
  const random = generator(tokens);
  return Uint8Array.from({ length: tokens }, () => randomInteger(random, 0, PAPER_RULES.tags.length - 1));
}

/** Milliseconds of this process, not of the clock: a busy machine interrupts the longer work more often. */
function timeToPlan(tags: Uint8Array, times: number): number {
  const table = pairTable(PAPER_RULES, 'guided');
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) planWords(planSparse(tags, [tags.length], table));
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

describe("the size of a plan under the paper's rules", () => {
  it.each<Strategy>(['hard', 'soft', 'guided'])('is linear in the tokens: %s', (strategy) => {
    const plan = planSparse(randomTags(16_384), [16_384], pairTable(PAPER_RULES, strategy));
    expect(planWords(plan).words.length).toBeLessThan(8 * 16_384);
    expect(rectangleWords(plan).words.length).toBeLessThan(8 * 16_384);
  });

  it('and so is the time to make it', () => {
    const [short, long] = [randomTags(2048), randomTags(16_384)];
    const best = { eightShort: Number.POSITIVE_INFINITY, long: Number.POSITIVE_INFINITY };
    for (let attempt = 0; attempt < 12; attempt++) {
      best.eightShort = Math.min(best.eightShort, timeToPlan(short, 8));
      best.long = Math.min(best.long, timeToPlan(long, 1));
    }
    console.log(`8 plans of 2,048 tokens: ${best.eightShort} ms, one of 16,384: ${best.long} ms`);
    expect(best.long).toBeLessThan(3 * best.eightShort);
  });
});
