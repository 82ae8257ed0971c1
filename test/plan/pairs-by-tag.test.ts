import { expect, it } from 'vitest';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import { sparseLayout } from '../../src/plan/layout.js';
import { pairsByTag } from '../../src/plan/pairs-by-tag.js';
import { generator, randomInteger } from '../support/random.js';
import { randomRules, randomSentences } from '../support/random-rules.js';

const TAGS = ['a', 'b', 'c', 'd'];
const SCOPED = { density: 0.6, soft: 0.4, scopes: ['document', 'sentence', 'window'], betas: [2] } as const;

it('pairs by tag follow the rules for each pair of tokens, as the mean over heads; their sums are the pair counts', () => {
  for (let seed = 0; seed < 20; seed++) {
    const random = generator(seed);
    const lengths = [randomInteger(random, 0, 30), randomInteger(random, 1, 30)];
    const tokens = lengths[0] + lengths[1];
    const tags = Uint8Array.from({ length: tokens }, () => randomInteger(random, 0, TAGS.length - 1));
    const sentences = randomSentences(random, lengths, 0.1);
    const [one, other] = ['one', 'other'].map((name) => randomRules(random, TAGS, SCOPED, name));
    const [first, second] = [one, other].map((rules) => pairTable(rules, 'guided'));
    const layout = sparseLayout({ tags, lengths, tables: [first, second, first], sentences });
    const names = Array.from(tags, (tag) => TAGS[tag]);
    const biases = [one, other, one].map((rules) =>
      referenceTokenBias(rules, 'guided', names, { sentences }),
    );
    const expected = { useful: new Float64Array(TAGS.length), dense: new Float64Array(TAGS.length) };
    for (const [from, to] of [
      [0, lengths[0]],
      [lengths[0], tokens],
    ]) {
      for (let query = from; query < to; query++) {
        for (let key = from; key < to; key++) {
          expected.dense[tags[query]]++;
          for (const biasOf of biases)
            if (biasOf(query, key) !== undefined) expected.useful[tags[query]] += 1 / 3;
        }
      }
    }
    const { useful, dense } = pairsByTag(layout);
    expect(dense).toEqual(expected.dense);
    useful.forEach((pairs, tag) => {
      expect(pairs).toBeCloseTo(expected.useful[tag], 6);
    });
    const total = useful.reduce((sum, pairs) => sum + pairs, 0);
    expect(total).toBeCloseTo(layout.pairCounts.useful, 6);
  }
});
