import { tagMeaning } from '../../grammar/tag-meanings.js';
import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { type Html, html, table } from '../page/html.js';
import { short } from '../page/numbers.js';
import type { Explanation } from './explanation.js';

/** The contribution of a word to the predicted class, or against it. */
interface WordMark {
  /** From -1, against the class, to 1, for it. */
  strength: number;
  /** The same in words. */
  words: string;
}

/**
 * The text word by word, each with its tag. Words take the keyboard's focus, and have their number in `data-word`. A script shows
 * what a focused word may attend to.
 * @param marks One for each word.
 */
export function taggedSentence({ words }: Explanation, marks?: readonly WordMark[]): Html {
  return html`<div class="tagged" role="list" aria-label="The sentence, word by word, with tags">${words.map(
    ({ text, tag, isSpecial }, index) => {
      const mark = marks?.[index];
      const level = mark ? Math.round(Math.abs(mark.strength) * 5) : 0;
      const sign = mark && level > 0 ? (mark.strength > 0 ? ' for' : ' against') : '';
      const classes = `word${isSpecial ? ' special' : ''}${sign}${level > 0 ? ` level-${level}` : ''}`;
      const spoken = mark && html`<span class="spoken">${mark.words}</span>`;
      const symbol =
        sign && html`<span class="sign" aria-hidden="true">${sign === ' for' ? '+' : '−'}</span>`;
      return html`<span role="listitem" class="${classes}" tabindex="0" data-word="${index}"${mark && html` title="${mark.words}"`}><bdi class="text">${text}</bdi>${!isSpecial && html`<span class="tag" title="${tagMeaning(tag)}">${tag}</span>`}${symbol}${spoken}</span> `;
    },
  )}</div>`;
}

/** Gradient times input for each word, summed over its tokens. */
export function wordAttribution({ words }: Explanation, { attribution }: ModelExplanation): number[] {
  return words.map(({ tokens: [first, next] }) => {
    return attribution.slice(first, next).reduce((sum, value) => sum + value, 0);
  });
}

/** Attributions as marks. The strongest word has a strength of 1 or -1. */
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

/** A table of every word with its attribution, the strongest first. */
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
