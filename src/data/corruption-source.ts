import { CallerError } from '../base/errors.js';
import type { Text } from '../grammar/custom-tags.js';
import { CORRUPTIONS, type Corruption, corruptedPairs } from './corruption.js';
import { type DataSource, SPLITS, type Split } from './dataset.js';
import { drawnSplit } from './drawn-split.js';
import { pairSource, type TextPair } from './pair-source.js';

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
    return texts.filter(({ text }) => drawnSplit(text, seed, missing) === split);
  };
  const pairsOf = async (split: Split): Promise<TextPair[]> => {
    const others = split === 'train' ? SPLITS.filter((each) => each !== 'train' && has(each)) : [];
    const taken = new Set<string>();
    for (const other of others) for (const { text } of await source.texts(other)) taken.add(text);
    const texts = (await textsOf(split)).filter(({ text }) => !taken.has(text));
    const pairs = corruptedPairs(texts, kind, seed);
    if (pairs.length > 0) return pairs;
    throw new CallerError({
      what: `no text of the split "${split}" has a place for ${kind}`,
      where: name,
      expected: 'English texts, with universal tags where they have tags',
    });
  };
  const note = `minimal pairs of texts, one of which was changed (${kind}), with the tags of the unchanged text`;
  return pairSource({ name, note, pairsOf });
}
