import { basename, resolve } from 'node:path';
import { CallerError } from '../base/errors.js';
import { tagWords } from '../grammar/tagger.js';
import { type BlimpPair, blimpFiles, plainForm, readBlimp } from './blimp-files.js';
import { changedTags } from './changed-tags.js';
import type { DataSource, Split } from './dataset.js';
import { drawnSplit } from './drawn-split.js';
import { pairSource, type TextPair } from './pair-source.js';
import { isFolder } from './split-files.js';

/** Before the path in a name of BLiMP's data. */
export const BLIMP_PREFIX = 'blimp:';

/** Whether a name of data is that of BLiMP's files: `blimp:PATH`. */
export function isBlimp(name: string): boolean {
  return name.startsWith(BLIMP_PREFIX);
}

/** All runs split the pairs alike, so that a model can be evaluated on each file. */
const SEED = 1;

/** From the most important: a text of a split does not occur in those after it. */
const ORDER: readonly Split[] = ['test', 'dev', 'train'];

/**
 * The pairs by split. The good text of a pair draws its split, whatever else is read. A pair is left out where a text of it occurs in a
 * more important split, or has the other label in another pair.
 */
function bySplit(pairs: readonly BlimpPair[]): Record<Split, BlimpPair[]> {
  const drawn: Record<Split, BlimpPair[]> = { train: [], dev: [], test: [] };
  for (const pair of pairs) drawn[drawnSplit(plainForm(pair.good), SEED, ['dev', 'test'])].push(pair);
  const good = new Set(pairs.map((pair) => plainForm(pair.good)));
  const bad = new Set(pairs.map((pair) => plainForm(pair.bad)));
  const taken = new Set<string>();
  const kept = { ...drawn };
  for (const split of ORDER) {
    const texts = drawn[split].map((pair) => [plainForm(pair.good), plainForm(pair.bad)]);
    kept[split] = drawn[split].filter((_, at) => {
      const [first, second] = texts[at];
      return !taken.has(first) && !taken.has(second) && !bad.has(first) && !good.has(second);
    });
    for (const text of texts.flat()) taken.add(text);
  }
  return kept;
}

/** Both texts of a pair with tags. Those of the bad one are the good one's where both have as many words. */
function tagged({ good, bad }: BlimpPair): TextPair {
  // A text is one sentence, wherever the tagger would end it.
  const wordsOf = (text: string) => tagWords(text).map(({ start, end, tag }) => ({ start, end, tag }));
  const [words, changed] = [wordsOf(good), wordsOf(bad)];
  const original = { text: good, words };
  if (words.length !== changed.length) return { original, corrupted: { text: bad, words: changed } };
  const tags = changedTags(
    words.map(({ start, end, tag }) => ({ word: good.slice(start, end), tag })),
    changed.map(({ start, end }) => bad.slice(start, end)),
  );
  const corrupted = { text: bad, words: changed.map((word, at) => ({ ...word, tag: tags[at] })) };
  return { original, corrupted };
}

/**
 * BLiMP (Warstadt et al. 2020), from files of the user's, as data whose class is whether a sentence is good English: `blimp:PATH`, with
 * a .jsonl file, files with commas between them, or a folder of them. A tenth of the pairs each is dev and test. Both
 * texts of a pair are in the same split, and no text is in two.
 * @throws CallerError where a file does not exist; when examples are read, where a line is not a pair.
 */
export function blimpSource(named: string): DataSource {
  const path = named.slice(BLIMP_PREFIX.length);
  const files = blimpFiles(path);
  const short = isFolder(path) ? basename(resolve(path)) : files.map((file) => basename(file)).join(',');
  const name = `${BLIMP_PREFIX}${short}`;
  const read = async () => {
    const pairs: BlimpPair[] = [];
    for (const file of files) for (const pair of await readBlimp(file)) pairs.push(pair);
    return bySplit(pairs);
  };
  let started: ReturnType<typeof read> | undefined;
  const pairsOf = async (split: Split) => {
    started ??= read();
    const pairs = (await started)[split];
    if (pairs.length > 0) return pairs.map(tagged);
    throw new CallerError({
      what: `no pair of the split "${split}"`,
      where: name,
      expected: 'files with more pairs: about one of ten is dev, and one of ten test',
    });
  };
  const note = 'pairs of BLiMP, a good and a bad sentence, with the tags of the good one';
  return pairSource({ name, note, pairsOf });
}
