import { describe, expect, it } from 'vitest';
import { describeFamily } from './family-tests.js';
import { type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';

describeFamily('subgroup');

/** So many short sequences that grids count heads before tiles. */
const SENTENCES = Array.from({ length: 60 }, (_, index) => 1 + ((7 * index) % 40));

describe('attention of a large batch of short sequences', () => {
  it.each<[KindName, number]>([
    ['dense, middling', 2],
    ['hard, some tags', 1],
    ['every scope under dropout', 2],
    ['heads of their own', 2],
  ])('is that of the reference: %s', async (kind, seed) => {
    const attention = randomCase(kind, seed, SENTENCES);
    expect(attention.tags.length).toBeGreaterThan(1024);
    expect(attention.heads).toBeGreaterThan(1);
    expectReference(attention, await runAttention(attention, 'subgroup'));
  });
});
