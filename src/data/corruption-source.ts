import { CallerError } from '../base/errors.js';
import { randomStream } from '../base/random.js';
import type { Text } from '../grammar/custom-tags.js';
import { CORRUPTIONS, type Corruption, corruptedPairs } from './corruption.js';
import { type DataSource, type Example, SPLITS, type Split } from './dataset.js';

/** A name `corrupt:KIND:SOURCE` or `corrupt:KIND:SEED:SOURCE` in its parts. */
export interface CorruptionName {
  kind: Corruption;
  seed: number;
  /** The name of the data whose texts are changed. */
  source: string;
  /** All before it. */
  prefix: string;
}

const NAME = /^(corrupt:([\w-]+):(?:(\d+):)?)(.+)$/s;

/** The parts of a name of corrupted data; undefined for other names. @throws CallerError where the parts are not what they should be. */
export function corruptionName(name: string): CorruptionName | undefined {
  if (!/^corrupt(:|$)/.test(name)) return undefined;
  const [, prefix = '', written, seed = '1', source = ''] = NAME.exec(name) ?? [];
  const kind = CORRUPTIONS.find((each) => each === written);
  if (kind && Number(seed) < 2 ** 32 && corruptionName(source) === undefined)
    return { kind, seed: Number(seed), source, prefix };
  throw new CallerError({
    what: 'no such data',
    where: `--data ${name}`,
    expected: `corrupt:KIND:SOURCE or corrupt:KIND:SEED:SOURCE, with a kind of: ${CORRUPTIONS.join(', ')}; a seed below 2³²`,
  });
}

/** The share of the training texts that dev, or test, takes where the source does not have it. */
const SHARE = 0.1;

function shareOf({ text }: Text, seed: number): number {
  return randomStream(seed, ...Array.from(text, (character) => character.codePointAt(0)!)) / 2 ** 32;
}

/**
 * Minimal pairs of the texts of another source, as data whose class is whether a text was changed. Where the source has no dev or
 * test, a tenth of the training texts each is. A text and its changed form are in the same split, and no text is in two.
 * @param has Whether the source has a split.
 */
export function corruptionSource(
  { kind, seed, prefix }: CorruptionName,
  source: DataSource,
  has: (split: Split) => boolean = () => true,
): DataSource {
  const name = `${prefix}${source.name}`;
  const missing = SPLITS.filter((split) => !has(split));
  const textsOf = async (split: Split): Promise<Text[]> => {
    if (has(split) && split !== 'train') return source.texts(split);
    const texts = await source.texts('train');
    const part = (text: Text) => missing[Math.floor(shareOf(text, seed) / SHARE)] ?? 'train';
    return texts.filter((text) => part(text) === split);
  };
  const read = new Map<Split, Promise<Example[]>>();
  const examplesOf = async (split: Split): Promise<Example[]> => {
    const others = split === 'train' ? SPLITS.filter((each) => each !== 'train' && has(each)) : [];
    const taken = new Set<string>();
    for (const other of others) for (const { text } of await source.texts(other)) taken.add(text);
    const texts = (await textsOf(split)).filter(({ text }) => !taken.has(text));
    const pairs = corruptedPairs(texts, kind, seed);
    if (pairs.length === 0) {
      throw new CallerError({
        what: `no text of the split "${split}" has a place for ${kind}`,
        where: name,
        expected: 'English texts, with universal tags where they have tags',
      });
    }
    return pairs.flatMap(({ original, corrupted }) => [
      { ...original, label: 1 },
      { ...corrupted, label: 0 },
    ]);
  };
  const examples = (split: Split) => {
    const started = read.get(split) ?? examplesOf(split);
    read.set(split, started);
    return started;
  };
  const texts = async (split: Split) => (await examples(split)).map(({ text, words }) => ({ text, words }));
  return {
    name,
    classes: ['corrupted', 'original'],
    note: `minimal pairs of texts, one of which was changed (${kind}), with the tags of the unchanged text`,
    examples,
    texts,
    nameOf: (split) => `${name} (${split})`,
  };
}
