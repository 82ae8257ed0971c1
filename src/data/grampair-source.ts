import { CallerError } from '../base/errors.js';
import type { DataSource } from './dataset.js';
import {
  GRAMPAIR_LABEL_NAMES,
  GRAMPAIR_LABELS,
  GRAMPAIR_ROWS,
  GRAMPAIR_TAGS,
  type GrampairLabel,
  type GrampairSentence,
  grampair,
} from './grampair.js';

/** The most training sentences: few enough for memory, and far from the number of different ones. */
export const MOST_GRAMPAIR_ROWS = 1_000_000;

/** Whether a name of data is one of GRAMPAIR's: `grampair:negation`, say. */
export function isGrampair(name: string): boolean {
  return /^grampair(:|$)/.test(name);
}

const NAME = /^grampair:(\w+)(?::(\d+)(?::(\d+))?)?$/;

/**
 * GRAMPAIR with one of its labels as a data source: `grampair:LABEL`, `grampair:LABEL:ROWS` with that number of training
 * sentences, or `grampair:LABEL:ROWS:SEED`. Words have their gold tags.
 * @throws CallerError for any other name.
 */
export function grampairSource(name: string): DataSource {
  const [, written = '', rows = `${GRAMPAIR_ROWS.train}`, seed = '1'] = NAME.exec(name) ?? [];
  const label = GRAMPAIR_LABEL_NAMES.find((each) => each === written);
  const train = Number(rows);
  if (!label || train < 1 || train > MOST_GRAMPAIR_ROWS || Number(seed) >= 2 ** 32) {
    throw new CallerError({
      what: 'no such data',
      where: `--data ${name}`,
      expected: `grampair:LABEL, or grampair:LABEL:ROWS:SEED, with a label of: ${GRAMPAIR_LABEL_NAMES.join(', ')}; at most ${MOST_GRAMPAIR_ROWS} rows, a seed below 2³²`,
    });
  }
  const { classes, pairs }: GrampairLabel = GRAMPAIR_LABELS[label];
  const corpus = grampair(Number(seed), { ...GRAMPAIR_ROWS, train });
  return {
    name,
    classes,
    pairs,
    note: 'generated text with gold tags, from a seeded grammar',
    examples: async (split) =>
      corpus[split].map(({ text, words, labels }) => ({ text, words, label: labels[label] })),
    texts: async (split) => corpus[split].map(({ text, words }) => ({ text, words })),
    nameOf: (split) => `${name} (${split})`,
    sentences: async (split) => corpus[split].map(({ text }) => text),
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
