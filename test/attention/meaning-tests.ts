import { describe, expect, it } from 'vitest';
import { type AttendOptions, attend } from '../../src/attention/attend.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { type Family, testDevice } from '../support/device.js';
import { type MaskParts, maskOf } from '../support/masks.js';
import { generator, randomFloats } from '../support/random.js';
import { numbered } from './random-case.js';

/** The width of heads and the number of tags are those of random cases, to share their kernels. Two of the tags have rules. */
const RULES: RuleSet = {
  name: 'two tags',
  tags: ['a', 'b', ...numbered(15)],
  hard: [['a', 'b']],
  soft: [['b', 'a']],
  beta: 2,
};

const BY_SENTENCE: RuleSet = { ...RULES, hard: [['a', 'b', 'sentence']] };

const [HEADS, HEAD_DIM] = [2, 16];

const WIDTH = HEADS * HEAD_DIM;

function small(tags: string[], rest: Partial<AttendOptions> & MaskParts = {}): AttendOptions {
  const random = generator(7);
  const [heads, headDim] = [HEADS, HEAD_DIM];
  const draw = () => randomFloats(random, tags.length * heads * headDim);
  return {
    q: draw(),
    k: draw(),
    v: draw(),
    outputGradient: draw(),
    heads,
    headDim,
    tags,
    mask: maskOf({ rules: RULES, ...rest }),
    ...rest,
  };
}

/** The meaning of attention, on a few tokens. */
export function describeMeaning(family: Family): void {
  describe(`attention of a few tokens, ${family} kernels`, () => {
    it('gives a row without keys zeros, a finite sentinel, and no gradient', async () => {
      const result = await attend(await testDevice(family), small(['a', 'a', 'b'], { strategy: 'hard' }));
      const row = (values: Float32Array) => [...values.slice(2 * WIDTH)];
      expect(row(result.output).every((x) => x === 0)).toBe(true);
      expect(row(result.dq!).every((x) => x === 0)).toBe(true);
      expect([...result.logSumExp.slice(4)]).toEqual([Math.fround(-1e30), Math.fround(-1e30)]);
      // No query sees the tokens of tag a.
      expect(
        [...result.dk!.slice(0, 2 * WIDTH), ...result.dv!.slice(0, 2 * WIDTH)].every((x) => x === 0),
      ).toBe(true);
      expect(result.dv!.slice(2 * WIDTH).some((x) => x !== 0)).toBe(true);
    });

    it('gives zeros where no rule names any pair', async () => {
      const noPairs: RuleSet = { ...RULES, hard: [], soft: [] };
      const { output, dq, dk, dv, dBias } = await attend(
        await testDevice(family),
        small(['a', 'b', 'a'], { strategy: 'guided', rules: noPairs }),
      );
      for (const values of [output, dq!, dk!, dv!, dBias!]) expect(values.every((x) => x === 0)).toBe(true);
    });

    const forward = { outputGradient: undefined };

    it('is the same for strategies that are equivalent', async () => {
      const device = await testDevice(family);
      const tags = Array.from({ length: 70 }, (_, i) => 'ab'[(i * i) % 3 === 0 ? 0 : 1]);
      const everyPair: RuleSet = {
        ...RULES,
        hard: ['a', 'b'].flatMap((q) => ['a', 'b'].map((k) => [q, k] as const)),
      };
      const outputOf = async (options: Partial<AttendOptions> & MaskParts) =>
        (await attend(device, small(tags, { ...forward, ...options }))).output;
      const none = await outputOf({ strategy: 'none' });
      const near = everyPair.hard.map(([q, k]) => [q, k, tags.length] as const);
      const others: (Partial<AttendOptions> & MaskParts)[] = [
        { strategy: 'hard', rules: everyPair },
        { strategy: 'hard', rules: { ...RULES, hard: near } },
        { strategy: 'soft', beta: 0 },
        { strategy: 'guided', rules: everyPair },
        { strategy: 'learned', bias: new Float32Array(HEADS * RULES.tags.length ** 2) },
      ];
      for (const options of others) {
        for (const [i, x] of (await outputOf(options)).entries()) expect(x).toBeCloseTo(none[i], 5);
      }
    });

    it('gives each strategy a different result', async () => {
      const device = await testDevice(family);
      const tags = ['a', 'b', 'a', 'b', 'b'];
      const outputs = await Promise.all(
        (['none', 'hard', 'soft', 'guided'] as const).map((strategy) =>
          attend(device, small(tags, { ...forward, strategy })),
        ),
      );
      const texts = outputs.map(({ output }) => output.join());
      expect(new Set(texts).size).toBe(4);
    });
  });
}

/** The arguments that `attend` accepts and refuses. */
export function describeAttend(): void {
  describe('attend', () => {
    it('takes tags by name, by index, and integers of the rule set', async () => {
      const device = await testDevice();
      const byName = await attend(device, small(['a', 'b', 'a'], { strategy: 'hard' }));
      const byIndex = await attend(device, small(['a', 'b', 'a'], { strategy: 'hard', tags: [0, 1, 0] }));
      const integers: RuleSet = {
        ...RULES,
        tags: [-7, 1_000_003, ...Array.from({ length: 15 }, (_, tag) => tag)],
        hard: [[-7, 1_000_003]],
        soft: [[1_000_003, -7]],
      };
      const labels = [-7, 1_000_003, -7];
      const byLabel = await attend(
        device,
        small(['a', 'b', 'a'], { strategy: 'hard', tags: labels, rules: integers }),
      );
      expect(byIndex).toEqual(byName);
      expect(byLabel).toEqual(byName);
    });

    it('takes an empty batch', async () => {
      const result = await attend(await testDevice(), small([], { strategy: 'hard' }));
      expect(result.output).toHaveLength(0);
    });

    const wrong: [string, Partial<AttendOptions> & MaskParts, RegExp][] = [
      ['an unknown tag', { tags: ['a', 'x', 'a'] }, /tags\[1\]: unknown tag "x".*a, b/],
      ['an index out of range', { tags: [0, 17, 0] }, /tags\[1\]: unknown tag 17/],
      ['lengths that do not add up', { lengths: [1, 1] }, /lengths: .*add up to 2 tokens; expected 3/],
      [
        'lengths of fewer tokens than the arrays have',
        { tags: undefined, lengths: [2], mask: AttentionMask.all() },
        /lengths: the lengths add up to 2 tokens; expected 3/,
      ],
      [
        'lengths that are not numbers',
        { lengths: [3n] as unknown as number[] },
        /options.lengths is a list; expected a list of numbers/,
      ],
      ['a part of a token', { q: new Float32Array(97) }, /q: 97 numbers; expected a multiple of 32/],
      ['an unknown preset', { rules: 'papers' }, /no rules named "papers"; expected one of: paper/],
      ['an unknown strategy', { strategy: 'hart' as 'hard' }, /unknown strategy "hart"/],
      ['too few numbers', { k: new Float32Array(5) }, /k: 5 numbers; expected 96/],
      [
        'a head dimension of 12',
        { headDim: 12 },
        /head dimension 12; expected a multiple of 4 from 16 to 128/,
      ],
      ['no head', { heads: 0 }, /0 heads; expected a positive integer/],
      ['more heads than a grid has', { heads: 65_536 }, /65536 heads; expected at most 65535/],
      ['an infinite β', { beta: Number.POSITIVE_INFINITY }, /β is Infinity/],
      ['a scale that is not a number', { scale: Number.NaN }, /scale NaN/],
      [
        'a wrong number of biases',
        { strategy: 'learned', bias: new Float32Array(7) },
        /bias: 7 numbers; expected 578/,
      ],
      ['no biases', { strategy: 'learned' }, /"learned" without a buffer "biasTable"/],
      ['rules for too few heads', { rules: [RULES, { ...RULES }, RULES] }, /rules for 3 heads; expected 2/],
      ['an empty list of rules', { rules: [] }, /an empty list of masks/],
      [
        'sentences that descend',
        { rules: BY_SENTENCE, sentences: [1, 0, 0] },
        /sentences\[1\]: sentence 0 after/,
      ],
      ['no tags', { tags: undefined, lengths: [3] }, /mask "two tags, hard" without tags/],
    ];
    it.each(wrong)('refuses %s', async (_name, options, message) => {
      const device = await testDevice();
      const refused = async () => attend(device, small(['a', 'b', 'a'], { strategy: 'hard', ...options }));
      await expect(refused()).rejects.toThrow(message);
    });
  });
}
