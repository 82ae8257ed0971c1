import { describe, expect, it } from 'vitest';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { readRules } from '../../src/data/named-rules.js';
import { presetRules } from '../../src/grammar/presets.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { callerErrorOf } from './caller-error.js';

const TAGS = '[CLS] DET NOUN PUNCT VERB ADV ADJ NOUN NOUN ADP X PUNCT [SEP]'.split(' ');

describe('sepllm', () => {
  it.each([
    ['sepllm', 4],
    ['sepllm:4', 4],
    ['sepllm:2', 2],
    ['sepllm:1', 1],
    ['sepllm:0', 0],
    ['sepllm:16777215', TAGS.length],
    ['sepllm:2@document', 2],
  ])(
    '%s lets a token see punctuation, [CLS], [SEP] and tokens up to %i away, and [CLS] see everything',
    (name, window) => {
      const biasOf = referenceTokenBias(presetRules(name), 'hard', TAGS);
      let seenPairs = 0;
      TAGS.forEach((query, from) => {
        TAGS.forEach((key, to) => {
          const seen = query === '[CLS]' || /PUNCT|\[/.test(key) || Math.abs(from - to) <= window;
          expect(biasOf(from, to), `${from} -> ${to}`).toBe(seen ? 0 : undefined);
          if (seen) seenPairs++;
        });
      });
      expect(AttentionMask.fromRules(name).layout({ tags: TAGS }).pairCounts.useful).toBe(seenPairs);
    },
  );

  it('has its window as part of its name, which edits follow', async () => {
    expect(presetRules('sepllm:2').name).toBe('sepllm:2');
    expect({ ...presetRules('sepllm:4'), name: 'sepllm' }).toEqual(presetRules('sepllm'));
    const edited = await readRules('sepllm:2@sentence readout:VERB +ADJ:ADV@9');
    expect(edited.name).toBe('sepllm:2@sentence readout:VERB +ADJ:ADV@9');
    const scopes = ([query, key]: [string, string]) =>
      edited.hard.filter((pair) => pair[0] === query && pair[1] === key).map(([, , scope]) => scope);
    expect(scopes(['NOUN', 'PUNCT']), 'separators').toEqual(['sentence']);
    expect(scopes(['NOUN', 'VERB']), 'neighbours').toEqual([2]);
    expect(scopes(['ADJ', 'ADV'])).toEqual([9]);
    expect(scopes(['[CLS]', 'PUNCT'])).toEqual([]);
  });

  it.each(['sepllm:', 'sepllm:x', 'sepllm:-1', 'sepllm:1.5', 'sepllm:04', 'sepllm:16777216', 'sepllm:2:2'])(
    'refuses %s',
    async (name) => {
      const says =
        /^rules "sepllm:.*": a window ".*"; expected sepllm:W, with a whole number of tokens from 0 to 16777215$/;
      expect(callerErrorOf(() => presetRules(name)).message).toMatch(says);
      await expect(readRules(`${name} readout:VERB`)).rejects.toThrow(says);
    },
  );

  it.each(['sepllm@2', 'sepllm:8@7'])(
    'refuses %s, where separators would be seen less far than others',
    (name) => {
      expect(callerErrorOf(() => presetRules(name)).message).toMatch(
        /^rules ".*": separators within \d tokens, and other tokens within \d; expected a scope of \d tokens at least/,
      );
    },
  );
});

it('other presets have no window', () => {
  expect(callerErrorOf(() => presetRules('paper:2')).message).toMatch(/no rules named "paper:2".*sepllm:W/);
});
