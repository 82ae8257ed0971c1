import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset.js';
import {
  EMBEDDED_ROWS,
  embeddedCorpus,
  embeddedSource,
  hasEmbeddedForm,
} from '../../src/data/embedded-corpus.js';
import { dataSource } from '../../src/data/sources.js';
import { sentencesOf } from '../support/sentences.js';
import { bagAccuracy, neighbours, words } from './logistic-regression.js';

const corpus = embeddedCorpus();
const all = [...corpus.train, ...corpus.dev, ...corpus.test];

const WORKS = /^(film|movie|story|comedy|novel)$/;
const GOOD = /^(brilliant|charming|clever|funny|warm|gentle)$/;
const BAD = /^(dull|boring|stupid|ugly|cold|cruel)$/;

function isAdjective(word: string): boolean {
  return GOOD.test(word) || BAD.test(word);
}

/** The label by reading: what the sentence says of the work (the film, for example), and whether it negates that. */
function labelByReading(text: string): number {
  const isClauses = text.includes(' is ');
  const parts = text.split(isClauses ? / (?:and|but|while) / : / (?:needs|follows|meets|shows|finds|knows) /);
  const part = parts.map(words).find((one) => one.some((word) => WORKS.test(word)));
  const praised = part!.some((word) => GOOD.test(word));
  return praised !== part!.includes('not') ? 1 : 0;
}

/** The sentence with its two adjectives swapped. */
function withAdjectivesSwapped(text: string): string {
  const [first, second] = words(text).filter(isAdjective);
  return words(text)
    .map((word) => (word === first ? second : word === second ? first : word))
    .join(' ');
}

/** The sentence with its "not" in the other clause; unchanged where it has none. */
function withNotMoved(text: string): string {
  if (!text.includes(' not ')) return text;
  return text.replace(/ is not | is /g, (link) => (link === ' is ' ? ' is not ' : ' is '));
}

describe('the embedded corpus', () => {
  it('has the sizes that it says', () => {
    const { train, dev, test } = corpus;
    expect({ train: train.length, dev: dev.length, test: test.length }).toEqual(EMBEDDED_ROWS);
  });

  it('has no sentence twice, and its splits share none', () => {
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
  });

  it('is the same for the same seed, and another for another', () => {
    expect(embeddedCorpus()).toEqual(corpus);
    expect(embeddedCorpus(1)).toEqual(corpus);
    const texts = (examples: Example[]) => examples.map(({ text }) => text);
    expect(texts(embeddedCorpus(2).dev)).not.toEqual(texts(corpus.dev));
  });

  it('has the same development set, however long its training set is', () => {
    expect(embeddedCorpus(1, { ...EMBEDDED_ROWS, train: 10 }).dev).toEqual(corpus.dev);
  });

  it.each(['train', 'dev', 'test'] as const)('has about half of its rows in each class: %s', (split) => {
    const examples = corpus[split];
    const positive = examples.filter(({ label }) => label === 1).length;
    const fiveDeviations = 5 * Math.sqrt(examples.length / 4);
    expect(Math.abs(positive - examples.length / 2)).toBeLessThan(fiveDeviations);
    expect(examples.every(({ label }) => label === 0 || label === 1)).toBe(true);
  });

  it('has the labels that the meaning of its sentences gives', () => {
    const wrong = all.filter(({ text, label }) => labelByReading(text) !== label);
    expect(wrong).toEqual([]);
  });

  it('praises one of its two nouns and blames the other', () => {
    const others = all.filter(({ text }) => {
      const adjectives = words(text).filter(isAdjective);
      return adjectives.length !== 2 || GOOD.test(adjectives[0]) === GOOD.test(adjectives[1]);
    });
    expect(others).toEqual([]);
  });

  it.each([
    ['its adjectives change places', withAdjectivesSwapped],
    ['its "not" moves to the other noun', withNotMoved],
  ])('has the other label for the same bag of words, where %s', (_, changed) => {
    const labels = new Map(all.map(({ text, label }) => [text, label]));
    const pairs = all.filter(({ text }) => changed(text) !== text && labels.has(changed(text)));
    expect(pairs.length).toBeGreaterThan(50);
    for (const { text, label } of pairs) {
      expect(words(changed(text)).sort()).toEqual(words(text).sort());
      expect(labels.get(changed(text)), text).toBe(1 - label);
    }
  });

  it('has two forms of sentences', () => {
    expect(all.filter(({ text }) => !hasEmbeddedForm(text))).toEqual([]);
    for (const text of ['the film is not funny .', 'the dull film follows the critic .', 'it is dull .'])
      expect(hasEmbeddedForm(text), text).toBe(false);
  });

  it('depends on which words are neighbours, not on the words alone', () => {
    expect(bagAccuracy(corpus.train, corpus.dev, words)).toBeLessThan(0.6);
    // The same learner must learn this: otherwise the test above could not fail.
    expect(bagAccuracy(corpus.train, corpus.dev, neighbours)).toBeGreaterThan(0.7);
  });
});

describe('--data embedded', () => {
  it('is this corpus, and is marked as generated', async () => {
    const source = dataSource('embedded');
    expect(source).toMatchObject({ name: 'embedded', classes: ['negative', 'positive'] });
    expect(source.note).toMatch(/generated/);
    expect(await source.examples('dev')).toEqual(corpus.dev);
    expect(await sentencesOf(source, 'test')).toEqual(corpus.test.map(({ text }) => text));
    expect(await embeddedSource(3).examples('dev')).toEqual(embeddedCorpus(3).dev);
  });
});
