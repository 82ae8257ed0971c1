import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { formatRelabelling, parseRelabelling, relabelled } from '../../src/grammar/relabelling.js';
import { encodeSentence, tagNames } from '../../src/grammar/tagged-pieces.js';

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
const sentences = fc
  .array(fc.constantFrom(...WORDS), { maxLength: 90 })
  .map((words) => encodeSentence(words.join(' '), vocabulary));
const seeds = fc.nat(1000);
const sorted = (tags: Uint8Array) => [...tags].sort((a, b) => a - b);

describe('relabelled sentences', () => {
  it('keep [CLS], [SEP], ids, and the draws of the same seed', () => {
    fc.assert(
      fc.property(
        sentences,
        seeds,
        fc.constantFrom('shuffled', 'noise:0.5', 'blocks:3'),
        (sentence, seed, how) => {
          const before = [...sentence.tags];
          const result = relabelled(sentence, { how: parseRelabelling(how), seed }, vocabulary);
          expect(result.ids).toEqual(sentence.ids);
          const names = tagNames(result);
          expect([names[0], names.at(-1)]).toEqual(['[CLS]', '[SEP]']);
          expect(names.slice(1, -1).some((name) => `${name}`.startsWith('['))).toBe(false);
          expect(relabelled(sentence, { how: parseRelabelling(how), seed }, vocabulary)).toEqual(result);
          expect([...sentence.tags]).toEqual(before);
        },
      ),
    );
  });

  it('have as many of each tag where they are shuffled, in another order for another seed', () => {
    fc.assert(
      fc.property(sentences, seeds, (sentence, seed) => {
        const { tags } = relabelled(sentence, { how: { kind: 'shuffled' }, seed }, vocabulary);
        expect(sorted(tags)).toEqual(sorted(sentence.tags));
      }),
    );
    const long = encodeSentence(WORDS.join(' ').repeat(3), vocabulary);
    const orders = [1, 2, 3].map(
      (seed) => `${relabelled(long, { how: { kind: 'shuffled' }, seed }, vocabulary).tags}`,
    );
    expect(new Set(orders).size).toBe(3);
  });

  it('are wrong as often as asked for, about whole words', () => {
    const words = Array.from({ length: 4000 }, (_, index) => WORDS[index % WORDS.length]);
    const sentence = encodeSentence(words.join(' '), vocabulary);
    const { tags } = relabelled(sentence, { how: { kind: 'noise', probability: 0.2 }, seed: 7 }, vocabulary);
    let [starts, wrong] = [0, 0];
    for (let piece = 1; piece < tags.length - 1; piece++) {
      const isStart = !vocabulary.pieces[sentence.ids[piece]].startsWith('##');
      const by = (tags[piece] + 17 - sentence.tags[piece]) % 17;
      if (isStart) {
        starts++;
        if (by !== 0) wrong++;
      } else {
        expect(by).toBe((tags[piece - 1] + 17 - sentence.tags[piece - 1]) % 17);
      }
    }
    expect(starts).toBe(4000);
    expect(Math.abs(wrong / starts - 0.2)).toBeLessThan(0.03);
    expect(
      relabelled(sentence, { how: { kind: 'noise', probability: 0 }, seed: 7 }, vocabulary).tags,
    ).toEqual(sentence.tags);
  });

  it('are numbered by their place in blocks', () => {
    const sentence = encodeSentence('one two three four five six seven', vocabulary);
    const { tags } = relabelled(sentence, { how: { kind: 'blocks', pieces: 3 }, seed: 1 }, vocabulary);
    expect([...tags.slice(1, -1)]).toEqual([0, 0, 0, 1, 1, 1, 2]);
  });

  it.each(['shuffled', 'noise:0.25', 'blocks:4'])('are written as they were read: %s', (text) => {
    expect(formatRelabelling(parseRelabelling(text))).toBe(text);
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
    expect(() => parseRelabelling(text)).toThrow(/expected shuffled, noise:P/);
  });
});
