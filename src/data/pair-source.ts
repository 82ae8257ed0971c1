import type { Text } from '../grammar/custom-tags.js';
import type { DataSource, Example, Split } from './dataset.js';

/** A text and the same text with a change. */
export interface TextPair {
  original: Text;
  corrupted: Text;
}

export interface PairSourceOptions extends Pick<DataSource, 'name' | 'note'> {
  /** The pairs of a split, which are asked for once. */
  pairsOf(split: Split): Promise<readonly TextPair[]>;
}

/** The examples of pairs of texts as a data source. A pair gives one of each class, one after the other. */
export function pairSource({ name, note, pairsOf }: PairSourceOptions): DataSource {
  const read = new Map<Split, Promise<Example[]>>();
  const examplesOf = async (split: Split) =>
    (await pairsOf(split)).flatMap(({ original, corrupted }) => [
      { ...original, label: 1 },
      { ...corrupted, label: 0 },
    ]);
  const examples = (split: Split) => {
    const started = read.get(split) ?? examplesOf(split);
    read.set(split, started);
    return started;
  };
  return {
    name,
    classes: ['corrupted', 'original'],
    note,
    examples,
    texts: async (split) => (await examples(split)).map(({ text, words }) => ({ text, words })),
    nameOf: (split) => `${name} (${split})`,
  };
}
