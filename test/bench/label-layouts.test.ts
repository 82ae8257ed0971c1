import { describe, expect, it } from 'vitest';
import { allowedPairs, tokensWithoutPairs } from '../../bench/allowed-pairs.js';
import { ATTENTION_DEFAULTS, type AttentionSweep } from '../../bench/attention-settings.js';
import { isLabelLayout, labelledWorkload } from '../../bench/label-layouts.js';
import { namesOfRules, rulesOfShape } from '../../bench/swept-rules.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { callerErrorOf } from '../grammar/caller-error.js';

const SHAPE = { heads: 1, headDim: 16 };
const sweepOf = (sweep: Partial<AttentionSweep>): AttentionSweep => ({
  ...ATTENTION_DEFAULTS,
  rules: [],
  ...sweep,
});

describe('layouts of labels', () => {
  it('are blocks, strides, or drawn', () => {
    const tagsOf = (name: string) => labelledWorkload(name, 8, 2, SHAPE, 1).tags;
    expect(tagsOf('blocks:4')).toEqual([0, 0, 1, 1, 2, 2, 3, 3, 0, 0, 1, 1, 2, 2, 3, 3]);
    expect(tagsOf('strided:3')).toEqual([0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 2, 0, 1, 2, 0, 1]);
    const drawn = labelledWorkload('random:5', 1000, 1, SHAPE, 1).tags;
    for (let label = 0; label < 5; label++)
      expect(Math.abs(drawn.filter((tag) => tag === label).length - 200)).toBeLessThan(50);
    expect(labelledWorkload('random:5', 1000, 1, SHAPE, 1).tags).toEqual(drawn);
  });

  it.each(['random:0', 'random:65', 'blocks', 'rows:4', 'toString:4', 'random:4x', 4])(
    'are not %s',
    (name) => {
      expect(isLabelLayout(name)).toBe(false);
    },
  );

  it('attend to the same label where no rules are named', () => {
    const workload = labelledWorkload('strided:4', 64, 1, SHAPE, 1);
    const [rules] = rulesOfShape(sweepOf({ labels: ['strided:4'] }), 'strided:4', workload, undefined);
    expect(rules.name).toBe('strided:4, same label');
    expect(allowedPairs(workload, rules, 'hard')).toBe(4 * 16 ** 2);
  });

  it('refuse rules that do not list them', () => {
    const rules: RuleSet[] = [{ name: 'two', tags: [0, 1], hard: [], soft: [], beta: 0 }];
    const error = callerErrorOf(() => namesOfRules(sweepOf({ labels: ['random:3'], rules })));
    expect(error.message).toMatch(
      /^--labels random:3: rules "two" do not list label 2; expected "tags" with/,
    );
  });
});

describe('a sweep of densities', () => {
  it('draws rules for each, and leaves out what the labels cannot have, with a note', () => {
    const sweep = sweepOf({ labels: ['random:32'], densities: [0.01, 0.1, 0.5] });
    const workload = labelledWorkload('random:32', 256, 1, SHAPE, 1);
    const notes: string[] = [];
    const drawn = rulesOfShape(sweep, 'random:32', workload, (line) => notes.push(line));
    expect(notes.join()).toMatch(/^Left out: density 0\.01\. The nearest .* have is 3\.\d %/);
    expect(drawn.map(({ name }) => name)).toEqual(['random:32, density 0.1', 'random:32, density 0.5']);
    expect(namesOfRules(sweep)).toHaveLength(3);
    for (const [at, density] of [0.1, 0.5].entries())
      expect(allowedPairs(workload, drawn[at], 'hard') / 256 ** 2).toBeCloseTo(density, 1);
  });
});

it('tokens without a pair in their sequence are counted', () => {
  const rules: RuleSet = { name: 'r', tags: [0, 1, 2], hard: [[0, 1, 3]], soft: [[2, 0]], beta: 0 };
  const text = { tags: [0, 0, 1, 2, 0, 2], lengths: [4, 2] };
  expect(tokensWithoutPairs(text, rules, 'hard')).toBe(4);
  expect(tokensWithoutPairs(text, rules, 'guided')).toBe(2);
  expect(tokensWithoutPairs(text, rules, 'none')).toBe(0);
});
