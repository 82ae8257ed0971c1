import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { changedTags } from '../../src/data/changed-tags.js';
import { absoluteData, relocatedData } from '../../src/data/data-location.js';
import { SPLITS, type Split } from '../../src/data/dataset.js';
import { dataSource } from '../../src/data/sources.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { sentencesOf } from '../support/sentences.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
let files = 0;

type Pair = [good: string, bad: string];

function lineOf([good, bad]: Pair, at: number): string {
  return JSON.stringify({ sentence_good: good, sentence_bad: bad, UID: 'ours', pairID: `${at}`, one: [1] });
}

/** Writes a file in BLiMP's format. @returns Its path. */
function file(pairs: readonly Pair[], name = `pairs-${++files}.jsonl`): string {
  const path = join(folder, name);
  writeFileSync(path, `${pairs.map(lineOf).join('\n')}\n`);
  return path;
}

const NOUNS = 'cat dog bird horse actor waiter guest student lawyer teacher'.split(' ');
const PLACES = 'here there inside outside upstairs downstairs today again'.split(' ');

/** Agreement: 80 pairs with one changed word. The tagger reads "The cat sleep here." as if "sleep" were a noun. */
const AGREEMENT = NOUNS.flatMap((noun) =>
  PLACES.map((place): Pair => [`The ${noun} sleeps ${place}.`, `The ${noun} sleep ${place}.`]),
);

async function splitsOf(name: string): Promise<Record<Split, string[]>> {
  const source = dataSource(name);
  const [train, dev, test] = await Promise.all(SPLITS.map((split) => sentencesOf(source, split)));
  return { train, dev, test };
}

async function messageOf(path: string): Promise<string> {
  const reading = dataSource(`blimp:${path}`).examples('train');
  return reading.then(
    () => 'nothing was refused',
    (error) => (error as Error).message.replaceAll(folder, ''),
  );
}

describe('blimp:PATH', () => {
  it('has two examples of each pair, with an exact label, and the split of both is the same', async () => {
    const source = dataSource(`blimp:${file(AGREEMENT, 'agreement.jsonl')}`);
    expect(source).toMatchObject({ name: 'blimp:agreement.jsonl', classes: ['corrupted', 'original'] });
    expect(source.nameOf('dev')).toBe('blimp:agreement.jsonl (dev)');
    const goodOf = new Map(AGREEMENT.map(([good, bad]) => [bad, good]));
    const seen: string[] = [];
    for (const split of SPLITS) {
      const examples = await source.examples(split);
      const good = examples.filter(({ label }) => label === 1).map(({ text }) => text);
      const bad = examples.filter(({ label }) => label === 0).map(({ text }) => text);
      expect(good.length).toBeGreaterThan(2);
      expect(bad.map((text) => goodOf.get(text))).toEqual(good);
      expect(await source.texts(split)).toEqual(examples.map(({ text, words }) => ({ text, words })));
      seen.push(...examples.map(({ text }) => text));
    }
    expect(seen.sort()).toEqual(AGREEMENT.flat().sort());
  });

  it('is a file, several, or a folder, whose tests are those of its files', async () => {
    const inFolder = join(folder, 'several');
    mkdirSync(inFolder);
    writeFileSync(join(inFolder, 'notes.txt'), 'no data');
    const parts = [AGREEMENT.slice(0, 40), AGREEMENT.slice(40)].map((pairs, at) =>
      file(pairs, `several/${at}.jsonl`),
    );
    const [whole, list] = [await splitsOf(`blimp:${inFolder}`), await splitsOf(`blimp:${parts}`)];
    expect(list).toEqual(whole);
    const alone = await Promise.all(parts.map((part) => splitsOf(`blimp:${part}`)));
    expect(alone.flatMap(({ test }) => test)).toEqual(whole.test);
    expect(dataSource(`blimp:${inFolder}`).name).toBe('blimp:several');
    expect(dataSource(`blimp:${parts}`).name).toBe('blimp:0.jsonl,1.jsonl');
  });

  it('leaves out pairs whose texts would be in two splits, or have two labels', async () => {
    const bads = ['Are sleep.', 'Is sleeps.'];
    const shared = AGREEMENT.map(([good], at): Pair => [good, bads[at % 2]]);
    const turned: Pair = ['Up the cats ran.', 'The cats ran up'];
    const pairs = [...shared, ...AGREEMENT, turned, [turned[1].toUpperCase(), turned[0]] as Pair];
    const splits = await splitsOf(`blimp:${file([...pairs])}`);
    const owners = new Map<string, Set<string>>();
    for (const split of SPLITS)
      for (const text of splits[split]) owners.set(text, (owners.get(text) ?? new Set()).add(split));
    expect([...owners.values()].filter(({ size }) => size > 1)).toEqual([]);
    expect(owners.get(bads[0])).toEqual(new Set(['test']));
    for (const pair of AGREEMENT) for (const text of pair) expect(owners.has(text)).toBe(true);
    for (const text of turned) expect(owners.has(text)).toBe(false);
  });

  it('gives a changed word the tag that its place has in the good text, whatever the tagger makes of it', async () => {
    const pairs: Pair[] = [...AGREEMENT, ['Ann said the dog barks.', 'Ann said the xyzzy the barks.']];
    const source = dataSource(`blimp:${file(pairs)}`);
    const splits = await Promise.all(SPLITS.map(source.examples));
    for (const examples of splits) {
      for (let at = 0; at < examples.length; at += 2) {
        const [good, bad] = examples.slice(at, at + 2);
        const tagsOf = (words = good.words!) => words.map(({ tag }) => tag);
        const wordOf = ({ text, words }: typeof good, index: number) =>
          text.slice(words![index].start, words![index].end);
        if (good.words!.length !== bad.words!.length) {
          expect(wordOf(bad, 3)).toBe('xyzzy');
          continue;
        }
        expect(tagsOf(bad.words as typeof good.words)).toEqual(tagsOf());
        expect([wordOf(good, 2), wordOf(bad, 2)]).toEqual(['sleeps', 'sleep']);
        expect(bad.words![2].tag).toBe('VERB');
      }
    }
  });

  it.each<[string, string, RegExp]>([
    [
      'nothing',
      '',
      /^.*\.jsonl: no pairs; expected an object with two texts in each line, "sentence_good" and "sentence_bad"$/,
    ],
    ['blank lines', '\n \n', /\.jsonl: no pairs/],
    [
      'no bad sentence',
      '{"sentence_good":"A b."}',
      /\.jsonl:1: nothing in "sentence_bad"; expected an object with/,
    ],
    [
      'a number',
      `${lineOf(AGREEMENT[0], 0)}\n\n{"sentence_good":3,"sentence_bad":"a"}`,
      /\.jsonl:3: 3 in "sentence_good"; expected/,
    ],
    ['null', '{"sentence_good":"a","sentence_bad":null}', /\.jsonl:1: null in "sentence_bad"/],
    ['a blank text', '{"sentence_good":" ","sentence_bad":"a"}', /\.jsonl:1: " " in "sentence_good"/],
    [
      'the same text twice',
      '{"sentence_good":"A b.","sentence_bad":"a  b. "}',
      /\.jsonl:1: "sentence_good" and "sentence_bad" are the same, "A b\."; expected texts that differ/,
    ],
    ['a list', '["a","b"]', /\.jsonl:1: not a JSON object; expected an object in each line$/],
    ['half a line', '{"sentence_good":"a","sent', /\.jsonl:1: not JSON \(/],
    ['other columns', '{"text":"a","label":1}', /\.jsonl:1: nothing in "sentence_good"/],
  ])('refuses %s with file and line', async (_, content, says) => {
    const path = join(folder, `broken-${++files}.jsonl`);
    writeFileSync(path, content);
    expect(await messageOf(path)).toMatch(says);
    expect(await messageOf(path)).not.toContain('\n');
  });

  it('refuses files that are not there, are too small, or have another format', async () => {
    const expected = /expected BLiMP's \.jsonl files: blimp:PATH/;
    const [csv, empty] = [join(folder, 'a.csv'), join(folder, 'none')];
    writeFileSync(csv, 'a,b\n');
    mkdirSync(empty);
    for (const [path, what] of [
      ['', 'no such file: '],
      ['nowhere.jsonl', 'no such file: nowhere.jsonl'],
      [`${file(AGREEMENT)},nowhere.jsonl`, 'no such file: nowhere.jsonl'],
      [csv, 'not a .jsonl file'],
      [empty, 'no .jsonl file in the folder'],
    ]) {
      const { message } = callerErrorOf(() => dataSource(`blimp:${path}`));
      expect(message).toContain(what);
      expect(message).toMatch(expected);
    }
    const tiny = dataSource(`blimp:${file(AGREEMENT.slice(0, 1), 'tiny.jsonl')}`);
    const refusals = await Promise.allSettled(SPLITS.map(tiny.examples));
    const reasons = refusals.flatMap((each) => (each.status === 'rejected' ? [each.reason.message] : []));
    expect(reasons).toHaveLength(2);
    for (const reason of reasons)
      expect(reason).toMatch(/^blimp:tiny\.jsonl: no pair of the split "\w+"; expected/);
  });

  it('takes other names of its classes, and no columns, splits or shares of files', async () => {
    const name = `blimp:${file(AGREEMENT)}`;
    const named = dataSource(name, { labels: ['original', 'corrupted'] });
    const [first] = await named.examples('train');
    expect(named.classes[first.label]).toBe('original');
    for (const options of [{ textColumn: 'a' }, { tagsColumn: 'a' }, { dev: 'a' }, { devShare: 0.1 }])
      expect(callerErrorOf(() => dataSource(name, options)).message).toMatch(/^--.* with --data blimp:/);
  });

  it('is found at another location, and by absolute paths', () => {
    expect(relocatedData('blimp:there', 'here')).toBe('blimp:here');
    expect(relocatedData('blimp:there', 'blimp:a.jsonl,b.jsonl')).toBe('blimp:a.jsonl,b.jsonl');
    expect(relocatedData('corrupt:negation:blimp:there', 'here')).toBe('corrupt:negation:blimp:here');
    expect(relocatedData('sst2', 'blimp:here')).toBe('blimp:here');
    expect(relocatedData(undefined, 'here')).toBe('here');
    const path = (name: string) => join(process.cwd(), name);
    expect(absoluteData('blimp:a.jsonl, b.jsonl')).toBe(`blimp:${path('a.jsonl')},${path('b.jsonl')}`);
    expect(absoluteData('corrupt:negation:blimp:src')).toBe(`corrupt:negation:blimp:${path('src')}`);
  });
});

describe('the tags of a changed text', () => {
  const good = 'that/DET dog/NOUN knows/VERB that/SCONJ it/PRON barks/VERB'.split(' ').map((each) => {
    const [word, tag] = each.split('/');
    return { word, tag };
  });

  it.each([
    ['a word is exchanged', 'those dog knows that it barks', 'DET NOUN VERB SCONJ PRON VERB'],
    ['words change places', 'Dog that knows it that barks', 'NOUN DET VERB PRON SCONJ VERB'],
    ['both', 'barks knows that dogs it that', 'VERB VERB DET NOUN PRON SCONJ'],
    ['all words are others', 'a b c d e f', 'DET NOUN VERB SCONJ PRON VERB'],
  ])('are those of the unchanged one where %s', (_, changed, tags) => {
    expect(changedTags(good, changed.split(' ')).join(' ')).toBe(tags);
  });
});
