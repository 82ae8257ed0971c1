import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { type Html, html, table } from '../page/html.js';
import { short } from '../page/numbers.js';
import type { Explanation } from './explanation.js';
import type { WordMark } from './tagged-sentence.js';

/** For each word, gradient times input, summed over its tokens. */
export function wordAttribution({ words }: Explanation, { attribution }: ModelExplanation): number[] {
  return words.map(({ tokens: [first, next] }) => {
    return attribution.slice(first, next).reduce((sum, value) => sum + value, 0);
  });
}

/** The same as marks: the strongest word is 1 or -1. */
export function wordMarks(values: readonly number[], label: string): WordMark[] {
  const largest = Math.max(...values.map(Math.abs)) || 1;
  return values.map((value) => {
    const side = value > 0 ? 'for' : 'against';
    return {
      strength: value / largest,
      words: value === 0 ? `neither for nor against ${label}` : `${side} ${label}, ${short(value)}`,
    };
  });
}

/** Every word with its attribution, the strongest first. */
export function attributionTable({ words }: Explanation, values: readonly number[], label: string): Html {
  const rows = words
    .map(({ text, tag }, at) => ({ text, tag, value: values[at] }))
    .sort((a, b) => Math.abs(b.value) - Math.abs(a.value));
  return table(
    `Words by how much they speak for or against ${label}: gradient times input`,
    [
      { heading: 'Word', cell: ({ text }) => html`<bdi>${text}</bdi>` },
      { heading: 'Tag', cell: ({ tag }) => tag },
      { heading: 'Attribution, in logits', cell: ({ value }) => short(value) },
      {
        heading: 'Speaks',
        cell: ({ value }) => (value > 0 ? `for ${label}` : value < 0 ? `against ${label}` : 'neither'),
      },
    ],
    rows,
  );
}
