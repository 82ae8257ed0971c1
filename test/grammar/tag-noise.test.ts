import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { formatTagNoise, parseTagNoise, type TagNoise } from '../../src/grammar/tag-noise.js';
import { TaggedTokenizer, tagNames } from '../../src/grammar/tagged-tokenizer.js';
import { encodedText } from '../support/tagged-text.js';

const vocabulary = bertVocabulary();
const WORDS = [
  'the',
  'unforgettably',
  'brilliant',
  'film',
  'follows',
  'a',
  'dull',
  'antihero',
  '.',
  'but',
  'slowly',
];
const sentences = fc.array(fc.constantFrom(...WORDS), { maxLength: 90 }).map((words) => words.join(' '));
const encoded = (text: string) => encodedText(text, vocabulary);
const noisy = (text: string, how: TagNoise, seed: number) =>
  new TaggedTokenizer({ vocabulary, tagNoise: { how, seed } }).encode([text])[0];
const seeds = fc.nat(1000);
const sorted = (tags: Uint8Array) => [...tags].sort((a, b) => a - b);

describe('tags with noise', () => {
  it('keep [CLS], [SEP], ids, and the draws of the same seed', () => {
    fc.assert(
      fc.property(
        sentences,
        seeds,
        fc.constantFrom('shuffled', 'noise:0.5', 'blocks:3'),
        (text, seed, how) => {
          const result = noisy(text, parseTagNoise(how), seed);
          expect(result.ids).toEqual(encoded(text).ids);
          const names = tagNames(result);
          expect([names[0], names.at(-1)]).toEqual(['[CLS]', '[SEP]']);
          expect(names.slice(1, -1).some((name) => `${name}`.startsWith('['))).toBe(false);
          expect(noisy(text, parseTagNoise(how), seed)).toEqual(result);
        },
      ),
    );
  });

  it('keep the count of each tag when shuffled, in another order for another seed', () => {
    fc.assert(
      fc.property(sentences, seeds, (text, seed) => {
        const { tags } = noisy(text, { kind: 'shuffled' }, seed);
        expect(sorted(tags)).toEqual(sorted(encoded(text).tags));
      }),
    );
    const long = WORDS.join(' ').repeat(3);
    const orders = [1, 2, 3].map((seed) => `${noisy(long, { kind: 'shuffled' }, seed).tags}`);
    expect(new Set(orders).size).toBe(3);
  });

  it('are wrong with the requested probability, for whole words', () => {
    const words = Array.from({ length: 4000 }, (_, index) => WORDS[index % WORDS.length]);
    const text = words.join(' ');
    const sentence = encoded(text);
    const { tags } = noisy(text, { kind: 'noise', probability: 0.2 }, 7);
    let [starts, wrong] = [0, 0];
    for (let token = 1; token < tags.length - 1; token++) {
      const isStart = !vocabulary.tokens[sentence.ids[token]].startsWith('##');
      const by = (tags[token] + 17 - sentence.tags[token]) % 17;
      if (isStart) {
        starts++;
        if (by !== 0) wrong++;
      } else {
        expect(by).toBe((tags[token - 1] + 17 - sentence.tags[token - 1]) % 17);
      }
    }
    expect(starts).toBe(4000);
    expect(Math.abs(wrong / starts - 0.2)).toBeLessThan(0.03);
    expect(noisy(text, { kind: 'noise', probability: 0 }, 7).tags).toEqual(sentence.tags);
  });

  it('are numbered by their position in blocks', () => {
    const { tags } = noisy('one two three four five six seven', { kind: 'blocks', tokens: 3 }, 1);
    expect([...tags.slice(1, -1)]).toEqual([0, 0, 0, 1, 1, 1, 2]);
  });

  it('are refused where tags are custom', () => {
    const tagNoise = { how: parseTagNoise('shuffled'), seed: 1 };
    const tokenizer = new TaggedTokenizer({ vocabulary, tagNoise, customTags: true }, ['DT', 'NN']);
    const text = { text: 'film', words: [{ start: 0, end: 4, tag: 'NN' }] };
    expect(() => tokenizer.encode([text])).toThrow(
      'text 1: tag noise on the tag "NN"; expected universal tags',
    );
  });

  it.each(['shuffled', 'noise:0.25', 'blocks:4'])('are written as they were read: %s', (text) => {
    expect(formatTagNoise(parseTagNoise(text))).toBe(text);
  });

  it.each([
    '',
    'noise',
    'noise:',
    'noise:2',
    'noise:-0.1',
    'blocks:0',
    'blocks:1.5',
    'shuffled:1',
    'blocks:3:4',
    'random',
  ])('written as "%s" are refused', (text) => {
    expect(() => parseTagNoise(text)).toThrow(/expected shuffled, noise:P/);
  });
});
