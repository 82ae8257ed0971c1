import type { DataSource, Split } from '../../src/data/dataset.js';

/** The texts of a split, without tags. */
export async function sentencesOf(source: DataSource, split: Split): Promise<string[]> {
  return (await source.texts(split)).map(({ text }) => text);
}
