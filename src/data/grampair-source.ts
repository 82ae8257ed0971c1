import { CallerError } from '../base/errors.js';
import { type DataSource, SPLITS } from './dataset.js';
import {
  documentsOf,
  GRAMPAIR_LABEL_NAMES,
  GRAMPAIR_LABELS,
  GRAMPAIR_ROWS,
  GRAMPAIR_TAGS,
  type GrampairLabel,
  type GrampairSentence,
  grampair,
} from './grampair.js';

/** The most sentences of training rows. They fit in memory, and the grammar has many more different ones. */
export const MOST_GRAMPAIR_SENTENCES = 1_000_000;

/** Whether a name of data is one of GRAMPAIR's: `grampair:negation`, say. */
export function isGrampair(name: string): boolean {
  return /^grampair(:|$)/.test(name);
}

const NAME = /^grampair:(\w+)(?::(\d+)(?::(\d+)(?::(\d+))?)?)?$/;

/** Documents in dev and test, as a share of the number of sentences: each document is longer. */
const DOCUMENT_SHARE = 1 / 4;

/**
 * GRAMPAIR with one of its labels as a data source: `grampair:LABEL`, `grampair:LABEL:ROWS` with that number of training
 * sentences, or `grampair:LABEL:ROWS:SEED`. With `:SENTENCES` after it, rows are documents with the label of their first sentence. Words
 * have their gold tags.
 * @throws CallerError for any other name.
 */
export function grampairSource(name: string): DataSource {
  const [, written = '', ...numbers] = NAME.exec(name) ?? [];
  const label = GRAMPAIR_LABEL_NAMES.find((each) => each === written);
  const [train, seed, sentences] = [GRAMPAIR_ROWS.train, 1, 1].map((other, at) =>
    Number(numbers[at] ?? other),
  );
  if (
    !label ||
    Math.min(train, sentences) < 1 ||
    train * sentences > MOST_GRAMPAIR_SENTENCES ||
    seed >= 2 ** 32
  ) {
    throw new CallerError({
      what: 'no such data',
      where: `--data ${name}`,
      expected: `grampair:LABEL, or grampair:LABEL:ROWS:SEED:SENTENCES, with a label of: ${GRAMPAIR_LABEL_NAMES.join(', ')}; at most ${MOST_GRAMPAIR_SENTENCES} sentences in all rows, a seed below 2³²`,
    });
  }
  const { classes, pairs }: GrampairLabel = GRAMPAIR_LABELS[label];
  const { dev, test } = GRAMPAIR_ROWS;
  const share = sentences === 1 ? 1 : DOCUMENT_SHARE;
  const corpus = grampair(seed, { train, dev: dev * share, test: test * share });
  if (sentences > 1) for (const split of SPLITS) corpus[split] = documentsOf(corpus[split], sentences, seed);
  return {
    name,
    classes,
    pairs,
    note: 'generated text with gold tags, from a seeded grammar',
    examples: async (split) =>
      corpus[split].map(({ text, words, labels }) => ({ text, words, label: labels[label] })),
    texts: async (split) => corpus[split].map(({ text, words }) => ({ text, words })),
    nameOf: (split) => `${name} (${split})`,
  };
}

/** Sentences as a file of tab-separated values: the sentence, its tags, and a column for each label. */
export function grampairTsv(sentences: readonly GrampairSentence[]): string {
  const rows = sentences.map(({ text, labels }) => [
    text,
    GRAMPAIR_TAGS.join(' '),
    ...GRAMPAIR_LABEL_NAMES.map((name) => labels[name]),
  ]);
  const table = [['sentence', 'tags', ...GRAMPAIR_LABEL_NAMES], ...rows];
  return table.map((row) => `${row.join('\t')}\n`).join('');
}
