import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset.js';
import {
  documentsOf,
  GRAMPAIR_LABEL_NAMES,
  GRAMPAIR_ROWS,
  GRAMPAIR_TAGS,
  type GrampairLabelName,
  grampair,
} from '../../src/data/grampair.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { type TaggedWord, wordsWithTags } from '../../src/grammar/custom-tags.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { TaggedTokenizer } from '../../src/grammar/tagged-tokenizer.js';
import { tagWords } from '../../src/grammar/tagger.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { bagAccuracy, type Features, neighbours, words } from './logistic-regression.js';

const corpus = grampair(1, { ...GRAMPAIR_ROWS, train: 4096 });
const seenSplits = [...corpus.train, ...corpus.dev];
const all = [...seenSplits, ...corpus.test];

/** The words with a tag, in their order. */
function tagged(text: string, of: readonly TaggedWord[], tag: string): string[] {
  return of.filter((word) => word.tag === tag).map(({ start, end }) => text.slice(start, end));
}

const MUCH = /^(big|huge)$/;
const LITTLE = /^(small|tiny)$/;
const GAIN = /^(gift|prize)s?$/;
const GOOD_FOR = /^(help|save)s?$/;

/** The labels by reading the tagged words. */
function labelsByReading({ text, words: of }: { text: string; words: readonly TaggedWord[] }) {
  const [[subject], [verb]] = ['NOUN', 'VERB'].map((tag) => tagged(text, of, tag));
  const [size] = tagged(text, of, 'ADJ');
  if (MUCH.test(size) === LITTLE.test(size)) throw new Error(`no size, or two: ${text}`);
  const isPlural = subject.endsWith('s');
  return {
    attribution: Number(MUCH.test(size) === GAIN.test(subject)),
    number: Number(verb.endsWith('s') !== isPlural),
    negation: Number(GOOD_FOR.test(verb) === (tagged(text, of, 'PART')[0] === 'indeed')),
    auxiliary: Number((tagged(text, of, 'AUX')[0] === 'are') === isPlural),
    reflexive: Number((tagged(text, of, 'PRON')[0] === 'themselves') === isPlural),
  };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Words that a slot has equally often, each with its opposite: "big/small". */
function opposites(text: string): Map<string, string> {
  const pairs = text.split(' ').map((pair) => pair.split('/'));
  return new Map(
    pairs.flatMap(([one, other]) => [
      [one, other],
      [other, one],
    ]),
  );
}

const NUMBERS = opposites('gift/gifts prize/prizes bill/bills debt/debts');

/** Subject and verb, both in the singular. */
function combinationOf(text: string): string {
  const list = words(text);
  return `${list[3]} ${list[9]}`.replace(/s\b/g, '');
}

/** Each word with the word `distance` positions later. */
function atDistance(distance: number): Features {
  return (text) => {
    const list = words(text);
    return list.slice(distance).map((word, at) => `${at}: ${list[at]} ${word}`);
  };
}

const atPositions: Features = (text) => words(text).map((word, at) => `${at} ${word}`);

function examples(split: 'train' | 'dev' | 'test', label: GrampairLabelName): Example[] {
  return corpus[split].map(({ text, labels }) => ({ text, label: labels[label] }));
}

/** Five standard deviations of the accuracy of a guess. */
const CHANCE = 5 * Math.sqrt(0.25 / (corpus.dev.length + corpus.test.length));

describe('GRAMPAIR', () => {
  it('has the labels of its tagged words, each combination of them equally often', () => {
    const wrong = all.filter((each) => !isSame(labelsByReading(each), each.labels));
    expect(wrong).toEqual([]);
    for (const sentences of Object.values(corpus)) {
      const counts = new Map<string, number>();
      for (const { labels } of sentences) {
        const key = JSON.stringify(labels);
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
      expect([...new Set(counts.values())]).toEqual([sentences.length / 32]);
      expect(counts.size).toBe(32);
    }
  });

  it('has the same tags at the same positions in every sentence, and a token of BERT for each word', () => {
    const vocabulary = bertVocabulary();
    expect(new Set(all.map(({ words: of }) => of.map(({ tag }) => tag).join(' '))).size).toBe(1);
    expect(all.flatMap(({ text }) => words(text)).filter((word) => !vocabulary.has(word))).toEqual([]);
  });

  it('depends on the seed alone, and a shorter one is its beginning', () => {
    const rows = { train: 40, dev: 32, test: 32 };
    const short = grampair(1, rows);
    expect(grampair(1, rows)).toEqual(short);
    expect(grampair(1, { ...rows, train: 80 }).train.slice(0, 40)).toEqual(short.train);
    expect(grampair(2, rows).dev[0].text).not.toBe(short.dev[0].text);
  });

  it('has no sentence twice, and combinations in test that the other splits do not have', () => {
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
    const seen = new Set(seenSplits.map(({ text }) => combinationOf(text)));
    expect(corpus.test.map(({ text }) => combinationOf(text)).filter((one) => seen.has(one))).toEqual([]);
    const seenWords = new Set(seenSplits.flatMap(({ text }) => words(text)));
    expect(corpus.test.flatMap(({ text }) => words(text)).filter((word) => !seenWords.has(word))).toEqual([]);
  });

  it.each<[string, number, GrampairLabelName[], Map<string, string>]>([
    ['the adjective', 1, ['attribution'], opposites('big/small huge/tiny')],
    ['the subject', 3, ['attribution'], opposites('gift/bill gifts/bills prize/debt prizes/debts')],
    ['its number', 3, ['number', 'auxiliary', 'reflexive'], NUMBERS],
    ['the particle', 7, ['negation'], opposites('not/indeed')],
    ['the verb', 9, ['negation'], opposites('helps/hurts help/hurt saves/ruins save/ruin')],
    ['the number of the verb', 9, ['number'], opposites('helps/help saves/save hurts/hurt ruins/ruin')],
    ['the auxiliary', 12, ['auxiliary'], opposites('is/are')],
    ['the reflexive', 10, ['reflexive'], opposites('itself/themselves')],
    ['the attractor', 6, [], opposites('town/towns city/cities village/villages house/houses')],
  ])(
    'is as likely with the opposite of %s, and only the labels that it decides differ',
    (_, at, changed, others) => {
      const seen = new Set(seenSplits.map(({ text }) => combinationOf(text)));
      const wrong = corpus.dev.flatMap(({ text, labels }) => {
        const list = words(text);
        list[at] = others.get(list[at])!;
        const other = list.join(' ');
        const expected = Object.entries(labels).map(([name, label]) => {
          return [name, changed.includes(name as GrampairLabelName) ? 1 - label : label];
        });
        const read = labelsByReading({ text: other, words: wordsWithTags(other, GRAMPAIR_TAGS, 'the test') });
        const isSeen = seen.has(combinationOf(other));
        return isSeen && isSame(read, Object.fromEntries(expected)) ? [] : [other];
      });
      expect(wrong).toEqual([]);
    },
  );

  it.each([
    ['attribution', 2],
    ['number', 6],
    ['negation', 2],
    ['auxiliary', 9],
    ['reflexive', 7],
  ] as const)(
    'has a label that its deciding pairs tell, but not words, neighbours or positions: %s',
    (label, distance) => {
      const train = examples('train', label);
      const unseen = [...examples('dev', label), ...examples('test', label)];
      for (const features of [words, neighbours, atPositions]) {
        expect(Math.abs(bagAccuracy(train, unseen, features) - 0.5)).toBeLessThan(CHANCE);
      }
      // The same learner must learn this: otherwise the test above could not fail.
      expect(bagAccuracy(train, examples('dev', label), atDistance(distance))).toBeGreaterThan(0.9);
    },
  );
});

describe('the tags that wink-nlp gives to GRAMPAIR', () => {
  const labelled = corpus.test.slice(0, 64).map(({ text, words: of }) => {
    const found = new Map(tagWords(text).map(({ start, tag }) => [start, tag]));
    return of.map(({ start, end, tag }) => ({
      word: text.slice(start, end),
      gold: tag,
      tag: found.get(start),
    }));
  });

  it('are never wrong in the pairs of auxiliary, sometimes in those of attribution, always in that of negation', () => {
    const wrong = labelled.flat().filter(({ gold, tag }) => tag !== gold);
    expect([...new Set(wrong.map(({ word, tag }) => `${word} ${tag}`))].sort()).toEqual([
      'big ADV',
      'indeed ADV',
      'not ADV',
      'small ADV',
      'there PRON',
      'today NOUN',
    ]);
  });
});

describe('documents of GRAMPAIR', () => {
  const [train, unseen] = [corpus.train.slice(0, 2048), [...corpus.dev, ...corpus.test]].map((split) =>
    documentsOf(split, 4, 1),
  );

  it('have the label of their first sentence, which words, neighbours and positions do not tell', () => {
    const first = ({ text, words: of }: (typeof train)[number]) => ({ text, words: of.slice(0, 15) });
    expect(unseen.filter((each) => !isSame(labelsByReading(first(each)), each.labels))).toEqual([]);
    const [trainExamples, unseenExamples] = [train, unseen].map((split) =>
      split.map(({ text, labels }) => ({ text, label: labels.negation })),
    );
    for (const features of [words, neighbours, atPositions])
      expect(Math.abs(bagAccuracy(trainExamples, unseenExamples, features) - 0.5)).toBeLessThan(CHANCE);
    const ofVerb: Features = (text) => [`${words(text)[7]} ${words(text)[9]}`];
    expect(bagAccuracy(trainExamples, unseenExamples, ofVerb)).toBeGreaterThan(0.9);
  });

  it('tell the tokenizer the sentence of each word, so that rules can be within sentences', async () => {
    const [document] = await dataSource('grampair:negation:32:1:2').texts('dev');
    const [{ sentences }] = new TaggedTokenizer({ vocabulary: bertVocabulary(), customTags: true }).encode([
      document,
    ]);
    const numbers = [...new Array(15).fill(0), ...new Array(15).fill(1)];
    expect([...sentences]).toEqual([NO_SENTENCE, ...numbers, NO_SENTENCE]);
  });
});

describe('--data grampair:LABEL', () => {
  it('is this corpus with gold tags, its classes and the pairs that decide', async () => {
    const source = dataSource('grampair:negation:4096');
    expect(source).toMatchObject({ classes: ['negative', 'positive'], pairs: [['VERB', 'PART']] });
    const [{ text, words: of, labels }] = corpus.train;
    expect((await source.examples('train'))[0]).toEqual({ text, words: of, label: labels.negation });
    expect(GRAMPAIR_LABEL_NAMES.map((name) => dataSource(`grampair:${name}:32`).name)).toHaveLength(5);
  });

  it('is the same from the files of `parsimony grampair`', async () => {
    const folder = temporaryFolder();
    const { status, stderr } = await runHere(['grampair', '--out', 'pairs', '--rows', '64'], { cwd: folder });
    expect(status, stderr).toBe(0);
    const files = dataSource(join(folder, 'pairs'), { labelColumn: 'number', tagsColumn: 'tags' });
    for (const split of ['train', 'dev', 'test'] as const)
      expect(await files.examples(split)).toEqual(await dataSource('grampair:number:64').examples(split));
  });

  it.each([
    'grampair',
    'grampair:tense',
    'grampair:number:0',
    'grampair:number:32:x',
    'grampair:number:32:1:0',
  ])('refuses %s', (name) => {
    expect(() => dataSource(name)).toThrow(/no such data.*grampair:LABEL.*attribution, number, negation/);
  });
});
