import { describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { testDevice } from '../support/device.js';
import { generator, randomFloats } from '../support/random.js';
import { describeAnyBuffers, describeBuffers } from './buffers-tests.js';
import { describeExtremes } from './extreme-tests.js';
import { describeFamily } from './family-tests.js';
import { describeAttend, describeMeaning } from './meaning-tests.js';
import { type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';

// All in one process, whose kernels are compiled once.
// Cases of few rules, of all rules, and of a long sequence.
describeFamily('subgroup', [0, 4, 5]);
describeMeaning('subgroup');
describeBuffers('subgroup');
describeAttend();
describeAnyBuffers();
describeExtremes('subgroup');

function largestDifference(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - b[index])), 0);
}

/** With this many short sequences, grids count heads before tiles. */
const SENTENCES = Array.from({ length: 60 }, (_, index) => 1 + ((7 * index) % 40));

describe('attention of 65,536 sequences of one token', () => {
  it('needs more tiles than a grid has, and gives each token its value', async () => {
    const device = await testDevice('subgroup');
    const [tokens, heads, headDim] = [65_536, 1, 16];
    expect(device.mostWorkgroups).toBeLessThan(tokens);
    const [q, v] = [1, 2].map((seed) => randomFloats(generator(seed), tokens * heads * headDim));
    const lengths = new Uint32Array(tokens).fill(1);
    const mask = AttentionMask.all();
    const { output } = await attend(device, { q, k: q, v, heads, headDim, lengths, mask });
    // The softmax of one score is 1, and does not depend on it.
    expect(largestDifference(output, v)).toBe(0);
  });
});

describe('attention of a large batch of short sequences', () => {
  it.each<[KindName, number]>([
    ['dense', 2],
    ['hard, some tags', 0],
    ['head rules with scopes', 2],
    ['head rules, dropout', 2],
  ])('is that of the reference: %s', async (kind, seed) => {
    const attention = randomCase(kind, seed, SENTENCES);
    expect(attention.tags.length).toBeGreaterThan(1024);
    expect(attention.heads).toBeGreaterThan(1);
    expectReference(attention, await runAttention(attention, 'subgroup'));
  });
});
