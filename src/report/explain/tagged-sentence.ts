import { type Html, html } from '../page/html.js';
import type { Explanation } from './explanation.js';

/** How a word shows what a model made of it. */
export interface WordMark {
  /** From -1 to 1: how strongly, and for or against the predicted class. */
  strength: number;
  /** The same in words. */
  words: string;
}

/**
 * The text word by word, the tag of each under it. Words take the keyboard's focus, and carry their number in `data-word`;
 * what a focused one may see is up to a script.
 * @param marks For each word, what a model made of it.
 */
export function taggedSentence({ words }: Explanation, marks?: readonly WordMark[]): Html {
  return html`<div class="tagged" role="list" aria-label="The sentence, word by word, with tags">${words.map(
    ({ text, tag, isSpecial }, index) => {
      const mark = marks?.[index];
      const level = mark ? Math.round(Math.abs(mark.strength) * 5) : 0;
      const sign = mark && level > 0 ? (mark.strength > 0 ? ' for' : ' against') : '';
      const classes = `word${isSpecial ? ' special' : ''}${sign}${level > 0 ? ` level-${level}` : ''}`;
      const says = mark && html`<span class="spoken">${mark.words}</span>`;
      const sign_ = sign && html`<span class="sign" aria-hidden="true">${sign === ' for' ? '+' : '−'}</span>`;
      return html`<span role="listitem" class="${classes}" tabindex="0" data-word="${index}"${mark && html` title="${mark.words}"`}><bdi class="text">${text}</bdi>${!isSpecial && html`<span class="tag">${tag}</span>`}${sign_}${says}</span> `;
    },
  )}</div>`;
}
