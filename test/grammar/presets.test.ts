import { expect, it } from 'vitest';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { presetRules } from '../../src/grammar/presets.js';

it('sepllm lets a token see punctuation, [CLS], [SEP] and the nearest four tokens, and [CLS] see everything', () => {
  const tags = [
    '[CLS]',
    'DET',
    'NOUN',
    'PUNCT',
    'VERB',
    'ADV',
    'ADJ',
    'NOUN',
    'NOUN',
    'ADP',
    'X',
    'PUNCT',
    '[SEP]',
  ];
  const biasOf = referenceTokenBias(presetRules('sepllm'), 'hard', tags);
  tags.forEach((query, from) => {
    tags.forEach((key, to) => {
      const seen = query === '[CLS]' || /PUNCT|\[/.test(key) || Math.abs(from - to) <= 4;
      expect(biasOf(from, to), `${from} -> ${to}`).toBe(seen ? 0 : undefined);
    });
  });
});
