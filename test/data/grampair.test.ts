import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset.js';
import { GRAMPAIR_LABEL_NAMES, type GrampairLabelName, grampair } from '../../src/data/grampair.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import type { TaggedWord } from '../../src/grammar/custom-tags.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { bagAccuracy, type Features, neighbours, words } from './logistic-regression.js';

const corpus = grampair(1, { train: 4096, dev: 1024, test: 1024 });
const seenSplits = [...corpus.train, ...corpus.dev];
const all = [...seenSplits, ...corpus.test];

/** The words with a tag, in their order. */
function tagged(text: string, of: readonly TaggedWord[], tag: string): string[] {
  return of.filter((word) => word.tag === tag).map(({ start, end }) => text.slice(start, end));
}

const GOOD_OR_BAD =
  /^(?:(brilliant|charming|clever|funny|warm|gentle|honest|elegant)|dull|boring|stupid|ugly|cold|cruel|awful|bitter)$/;
const OF_A_WORK = /^(film|movie|stor|novel|song|album|poem|drama)/;
const IS_LIKED = /^(love|like|trust|respect|support|value|enjoy|help)s?$/;

/** The labels by reading the tagged words. */
function labelsByReading({ text, words: of }: { text: string; words: readonly TaggedWord[] }) {
  const [[first, second], [verb]] = ['NOUN', 'VERB'].map((tag) => tagged(text, of, tag));
  const judgements = tagged(text, of, 'ADJ').flatMap((word) => {
    const [isJudgement, isGood] = GOOD_OR_BAD.exec(word) ?? [];
    return isJudgement ? [isGood !== undefined] : [];
  });
  const isPlural = first.endsWith('s');
  if (OF_A_WORK.test(first) === OF_A_WORK.test(second)) throw new Error(`no work, or no person: ${text}`);
  if (second.endsWith('s') === isPlural) throw new Error(`the attractor has the subject's number: ${text}`);
  return {
    attribution: Number(judgements[OF_A_WORK.test(first) ? 0 : 1]),
    number: Number(verb.endsWith('s') !== isPlural),
    negation: Number(IS_LIKED.test(verb) === (tagged(text, of, 'PART')[0] === 'indeed')),
    auxiliary: Number((tagged(text, of, 'AUX')[0] === 'are') === isPlural),
    reflexive: Number((tagged(text, of, 'PRON')[0] === 'themselves') === isPlural),
  };
}

function isSame(one: object, other: object): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

/** Swaps the words at pairs of positions. */
function swapped(text: string, ...pairs: readonly (readonly [number, number])[]): string {
  const list = words(text);
  for (const [one, other] of pairs) [list[one], list[other]] = [list[other], list[one]];
  return list.join(' ');
}

function combinationsOf(text: string): string[] {
  const list = words(text);
  return [
    [1, 3],
    [6, 8],
    [3, 11],
  ].map(([one, other]) => `${list[one]} ${list[other]}`.replace(/s\b/g, '').replace(/ie\b/g, 'y'));
}

/** Words with the word some places later. */
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

  it('is the same for the same seed, another for another, and starts with a shorter one', () => {
    const rows = { train: 40, dev: 32, test: 32 };
    const short = grampair(1, rows);
    expect(grampair(1, rows)).toEqual(short);
    expect(grampair(1, { ...rows, train: 80 }).train.slice(0, 40)).toEqual(short.train);
    expect(grampair(2, rows).dev[0].text).not.toBe(short.dev[0].text);
  });

  it('has no sentence twice, and combinations in test that the other splits do not have', () => {
    expect(new Set(all.map(({ text }) => text)).size).toBe(all.length);
    const seen = new Set(seenSplits.flatMap(({ text }) => combinationsOf(text)));
    expect(corpus.test.flatMap(({ text }) => combinationsOf(text)).filter((one) => seen.has(one))).toEqual(
      [],
    );
    const seenWords = new Set(seenSplits.flatMap(({ text }) => words(text)));
    expect(corpus.test.flatMap(({ text }) => words(text)).filter((word) => !seenWords.has(word))).toEqual([]);
  });

  it.each<[string, GrampairLabelName[], (text: string) => string]>([
    ['the judgements', ['attribution'], (text) => swapped(text, [1, 6])],
    ['the particles', ['negation'], (text) => swapped(text, [9, 15])],
    ['the noun phrases', ['number', 'auxiliary', 'reflexive'], (text) => swapped(text, [1, 6], [3, 8])],
  ])(
    'changes a label where %s are swapped, to sentences that are as likely: bags of words tell nothing',
    (_, changed, swap) => {
      const seen = new Set(seenSplits.flatMap(({ text }) => combinationsOf(text)));
      const wrong: string[] = [];
      for (const { text, words: of, labels } of corpus.dev) {
        const other = swap(text);
        const tags = [...other.matchAll(/\S+/g)].map(({ index, 0: word }, at) => {
          return { start: index, end: index + word.length, tag: of[at].tag };
        });
        const expected = Object.entries(labels).map(([name, label]) => {
          return [name, changed.includes(name as GrampairLabelName) ? 1 - label : label];
        });
        const isRight = isSame(labelsByReading({ text: other, words: tags }), Object.fromEntries(expected));
        const isSeen = combinationsOf(other).every((one) => seen.has(one));
        if (!isRight || !isSeen) wrong.push(other);
      }
      expect(wrong).toEqual([]);
    },
  );

  it.each([
    ['attribution', 2],
    ['number', 8],
    ['negation', 2],
    ['auxiliary', 11],
    ['reflexive', 9],
  ] as const)(
    'is not told by words, neighbours or positions, but by its deciding pairs: %s',
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

  it.each(['grampair', 'grampair:tense', 'grampair:number:0', 'grampair:number:32:x'])(
    'refuses %s',
    (name) => {
      expect(() => dataSource(name)).toThrow(/no such data.*grampair:LABEL.*attribution, number, negation/);
    },
  );
});
