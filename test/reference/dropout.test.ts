import { describe, expect, it } from 'vitest';
import { attentionFactor, hiddenFactor, streamOf } from './dropout.js';

/** Five standard deviations of a share of `count` independent draws. */
function fiveDeviations(probability: number, count: number): number {
  return 5 * Math.sqrt((probability * (1 - probability)) / count);
}

describe('dropout masks', () => {
  const rows = 300;
  const channels = 128;

  it.each([0.1, 0.5])('drop a share of %d', (probability) => {
    const mask = { probability, stream: streamOf(42, 1, 0, 0) };
    let dropped = 0;
    for (let row = 0; row < rows; row++) {
      for (let channel = 0; channel < channels; channel++) {
        const factor = hiddenFactor(mask, row, channel);
        if (factor === 0) dropped++;
        else expect(factor).toBe(1 / (1 - probability));
      }
    }
    const share = dropped / (rows * channels);
    expect(Math.abs(share - probability)).toBeLessThan(fiveDeviations(probability, rows * channels));
  });

  // A counter-based generator is most likely to fail between neighbours in one of its counters.
  const here = { probability: 0.5, stream: streamOf(42, 1, 0, 1) };
  const neighbours: [string, (query: number, key: number) => number][] = [
    ['key', (query, key) => attentionFactor(here, 0, query, key + 1)],
    ['query', (query, key) => attentionFactor(here, 0, query + 1, key)],
    ['pair the other way round', (query, key) => attentionFactor(here, 0, key, query)],
    ['head', (query, key) => attentionFactor(here, 1, query, key)],
    ['site', (query, key) => attentionFactor({ ...here, stream: streamOf(42, 1, 0, 2) }, 0, query, key)],
    ['layer', (query, key) => attentionFactor({ ...here, stream: streamOf(42, 1, 1, 1) }, 0, query, key)],
    ['step', (query, key) => attentionFactor({ ...here, stream: streamOf(42, 2, 0, 1) }, 0, query, key)],
    ['seed', (query, key) => attentionFactor({ ...here, stream: streamOf(43, 1, 0, 1) }, 0, query, key)],
  ];
  it.each(neighbours)('are independent of those of the next %s', (_, neighbour) => {
    let equal = 0;
    let pairs = 0;
    for (let query = 0; query < 200; query++) {
      for (let key = query + 1; key < 200; key++) {
        pairs++;
        if (attentionFactor(here, 0, query, key) === neighbour(query, key)) equal++;
      }
    }
    expect(Math.abs(equal / pairs - 0.5)).toBeLessThan(fiveDeviations(0.5, pairs));
  });
});
