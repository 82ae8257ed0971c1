import { describe, expect, it } from 'vitest';
import { checkConfig } from '../../src/nn/model-checks.js';
import { BERT_TINY, type ModelConfig } from '../../src/nn/model-config.js';
import { checkFits, weightBytes } from '../../src/nn/model-size.js';
import { callerErrorOf } from '../grammar/caller-error.js';

const BERT_BASE = { ...BERT_TINY, hidden: 768, layers: 12, heads: 12, feedForward: 3072 };

describe("a model's bytes", () => {
  it('are those of BERT and DistilBERT', () => {
    // Parameters by Hugging Face's own count, with two classes; ours have two more rows in the classifier, which stay zero.
    const padding = 4 * 2 * (768 + 1);
    expect(weightBytes(BERT_BASE)).toBe(4 * 109_483_778 + padding);
    const distilbert = { ...BERT_BASE, family: 'distilbert' as const, layers: 6, types: 0 };
    expect(weightBytes(distilbert)).toBe(4 * 66_955_010 + padding);
    expect(weightBytes({ ...BERT_BASE, layers: 1e9 })).toBeGreaterThan(1e9 * 4 * 7e6);
  });

  it('of BERT-large are allowed', () => {
    checkConfig({ ...BERT_TINY, hidden: 1024, layers: 24, heads: 16, feedForward: 4096 });
  });
});

describe('a model that is too large for any machine is refused', () => {
  it.each<[string, Partial<ModelConfig>, RegExp]>([
    ['layers', { layers: 1e9 }, /1000000000 layers; expected at most 1024; use fewer layers$/],
    [
      'wide layers',
      { layers: 1000, hidden: 1024, heads: 8 },
      /GB; expected at most 2\.15 GB.*; use fewer layers$/,
    ],
    [
      'width',
      { hidden: 1e9, heads: 1e7 },
      /weights of .* GB; expected .*; use a smaller hidden or feed-forward size$/,
    ],
    ['feed-forward', { feedForward: 4e9 }, /; use a smaller hidden or feed-forward size$/],
    [
      'vocabulary',
      { vocabulary: 1e10 },
      /; use a smaller vocabulary, fewer positions or a smaller hidden size$/,
    ],
    [
      'positions',
      { positions: 1e15 },
      /; use a smaller vocabulary, fewer positions or a smaller hidden size$/,
    ],
    ['classes', { classes: 1e6 }, /1000000 classes; expected at most 65536$/],
    [
      'heads',
      { heads: 1e9 },
      /over 1000000000 heads; expected a head dimension .*; change the hidden size or/,
    ],
    ['beyond integers', { layers: 2 ** 60 }, /layers is 1152921504606847000; expected a positive integer$/],
    ['no number', { hidden: Number.NaN }, /hidden is NaN; expected a positive integer$/],
    ['a text', { hidden: '128' as unknown as number }, /hidden is "128"; expected a positive integer$/],
    [
      'a list',
      { hiddenDropout: [] as unknown as number },
      /hiddenDropout is an empty list; expected a probability/,
    ],
    ['an infinite deviation', { initializerRange: Number.POSITIVE_INFINITY }, /initializerRange is Infinity/],
  ])('by its %s', (_, shape, says) => {
    expect(callerErrorOf(() => checkConfig({ ...BERT_TINY, ...shape })).message).toMatch(says);
  });
});

describe("a model that does not fit this machine's memory is refused", () => {
  const largestBuffer = 2 ** 30;
  const software = { isSoftware: true, largestBuffer };
  const hardware = { isSoftware: false, largestBuffer };
  it.each([
    [1, hardware, true],
    [2, software, false],
    [5, software, true],
  ])('where it needs %d times its weights: %o, training %s', (copies, device, isTraining) => {
    const bytes = copies * weightBytes(BERT_BASE);
    checkFits(BERT_BASE, device, isTraining, bytes);
    const { message } = callerErrorOf(() => checkFits(BERT_BASE, device, isTraining, bytes - 1));
    expect(message).toMatch(
      /^a model whose weights.* take .* GB; expected at most .* GB, the memory of this machine; use fewer/,
    );
  });

  it('where a tensor does not fit a buffer, for any number of layers', () => {
    const device = { ...software, largestBuffer: 4 * 30_522 * 768 };
    checkFits(BERT_BASE, device, false, 1e12);
    const config = { ...BERT_BASE, vocabulary: 30_523, layers: 1000 };
    expect(() => checkFits(config, device, false, 1e15)).toThrow(
      /word_embeddings\.weight" of 30523 x 768 takes \d+ bytes; expected at most 93763584/,
    );
  });

  it('but not where the memory is larger', () => checkFits(BERT_BASE, software, true, 1e12));
});
