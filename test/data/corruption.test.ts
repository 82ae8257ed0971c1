import { describe, expect, it } from 'vitest';
import { CORRUPTIONS, type Corruption, corruptedPairs } from '../../src/data/corruption.js';
import { corruptionName, corruptionSource } from '../../src/data/corruption-source.js';
import { embeddedSource } from '../../src/data/embedded-corpus.js';
import { grampair } from '../../src/data/grampair.js';
import { dataSource } from '../../src/data/sources.js';
import { type Text, wordsWithTags } from '../../src/grammar/custom-tags.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { bagAccuracy, words } from './logistic-regression.js';

/** Texts with gold tags, and with the tagger's for corruptions that the first have no words for. */
const GOLD: Text[] = grampair(1, { train: 600, dev: 1, test: 1 }).train;
const TAGGED: Text[] = [...(await embeddedSource(1, { train: 120, dev: 1, test: 1 }).texts('train'))];

function pairsOf(kind: Corruption, seed = 1) {
  return corruptedPairs(['adverb-adjective', 'negation'].includes(kind) ? TAGGED : GOLD, kind, seed);
}

function textWith(tagged: string): Text {
  const parts = tagged.split(' ').map((word) => word.split('/'));
  const text = parts.map(([word]) => word).join(' ');
  return {
    text,
    words: wordsWithTags(
      text,
      parts.map(([, tag]) => tag),
      'here',
    ),
  };
}

function corruptedForms(kind: Corruption, ...texts: string[]): string[] {
  return corruptedPairs(texts.map(textWith), kind, 1)
    .map(({ corrupted }) => corrupted.text)
    .sort();
}

const bag = (text: string) => text.split(' ').sort().join(' ');

describe('corrupted texts', () => {
  it('are the same texts with one change', () => {
    expect(corruptedForms('determiner-noun', 'see/VERB the/DET old/ADJ film/NOUN ./PUNCT')).toEqual([
      'see film old the .',
    ]);
    expect(corruptedForms('adverb-adjective', 'a/DET very/ADV warm/ADJ film/NOUN')).toEqual([
      'a warm very film',
    ]);
    const verbs = ['she/PRON tries/VERB it/PRON', 'they/PRON try/VERB it/PRON', 'they/PRON see/VERB it/PRON'];
    expect(corruptedForms('verb-number', ...verbs)).toEqual(['she try it', 'they tries it']);
    const negated = ['he/PRON is/AUX not/PART old/ADJ', 'she/PRON is/AUX old/ADJ', 'it/PRON was/AUX old/ADJ'];
    expect(corruptedForms('negation', ...negated)).toEqual(['he is old', 'she is not old']);
  });

  it('are left out where a capital would tell, where the change makes another text, or where none has the opposite change', () => {
    expect(corruptedForms('determiner-noun', 'The/DET film/NOUN ended/VERB')).toEqual([]);
    expect(corruptedForms('adverb-adjective', 'very/ADV warm/ADJ', 'warm/ADJ very/ADV')).toEqual([]);
    expect(corruptedForms('negation', 'it/PRON is/AUX old/ADJ')).toEqual([]);
  });

  it.each(CORRUPTIONS)('%s: no word and no length tells them, and tags move with their words', (kind) => {
    const pairs = pairsOf(kind);
    expect(pairs.length).toBeGreaterThan(20);
    expect(pairsOf(kind)).toEqual(pairs);
    const isSwap = kind === 'determiner-noun' || kind === 'adverb-adjective';
    for (const { original, corrupted } of pairs) {
      expect(corrupted.text).not.toBe(original.text);
      if (isSwap) expect(bag(corrupted.text)).toBe(bag(original.text));
      const tagsOf = ({ text, words: tagged }: Text) =>
        tagged!.map(({ start, end, tag }) => `${text.slice(start, end)}/${tag}`);
      const changed = tagsOf(corrupted).filter((word) => !tagsOf(original).includes(word));
      expect(changed.length).toBeLessThanOrEqual(isSwap ? 0 : 1);
    }
    const all = (which: 'original' | 'corrupted') => bag(pairs.map((pair) => pair[which].text).join(' '));
    expect(all('corrupted'), 'each word equally often').toBe(all('original'));
    const examples = pairs.flatMap(({ original, corrupted }) => [
      { ...original, label: 1 },
      { ...corrupted, label: 0 },
    ]);
    const half = 2 * Math.floor(pairs.length / 2);
    const accuracy = bagAccuracy(examples.slice(0, half), examples.slice(half), words);
    const deviation = Math.sqrt(0.25 / (examples.length - half));
    expect(Math.abs(accuracy - 0.5)).toBeLessThan(4 * deviation);
  });
});

describe('a source of corrupted texts', () => {
  it('keeps splits apart, also where the source has one split', async () => {
    const texts = async () => GOLD;
    const source = { ...embeddedSource(1, { train: 1, dev: 1, test: 1 }), name: 'one', texts };
    const name = corruptionName('corrupt:verb-number:3:one')!;
    expect(name).toEqual({ kind: 'verb-number', seed: 3, source: 'one', prefix: 'corrupt:verb-number:3:' });
    const corrupted = corruptionSource(name, source, (split) => split === 'train');
    const splits = await Promise.all((['train', 'dev', 'test'] as const).map(corrupted.examples));
    const seen = splits.flat().map(({ text }) => text);
    expect(new Set(seen).size).toBe(seen.length);
    for (const examples of splits) {
      expect(examples.length).toBeGreaterThan(10);
      expect(examples.filter(({ label }) => label === 1)).toHaveLength(examples.length / 2);
    }
    expect(splits[0].length).toBeGreaterThan(4 * splits[1].length);
  });

  it('is refused for an unknown kind, and where no text can be changed', async () => {
    expect(callerErrorOf(() => dataSource('corrupt:verbs:sst2')).message).toMatch(
      /corrupt:KIND:SOURCE.*a kind of/,
    );
    expect(callerErrorOf(() => dataSource('corrupt:negation')).message).toContain('corrupt:KIND:SOURCE');
    const none = corruptionSource(corruptionName('corrupt:negation:x')!, {
      ...embeddedSource(1, { train: 1, dev: 1, test: 1 }),
      texts: async () => [{ text: 'no verb here' }],
    });
    await expect(none.examples('dev')).rejects.toThrow(/no text of the split "dev" has a place for negation/);
  });
});
