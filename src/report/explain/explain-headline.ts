import type { ModelExplanation } from '../../train/sentence-classifier.js';
import { type Html, html } from '../page/html.js';
import { counted, percent, ratio, whole } from '../page/numbers.js';
import { countPairs, SOFT } from './explained-pairs.js';
import { type Explanation, workOf } from './explanation.js';

/** The headline: the share of pairs that exist, and the work that the kernels save. */
export function headlineText({ pairCounts, views, mask: { strategy, beta } }: Explanation): string {
  const { useful, executed, dense } = pairCounts;
  if (useful === 0) return `None of ${whole(dense)} pairs exist: attention computes nothing`;
  if (useful < dense) {
    const { density } = workOf(pairCounts);
    const share = density < 0.1 ? percent(density) : `${Math.round(100 * density)} %`;
    const work =
      executed < dense
        ? `the kernels do ${(dense / executed).toFixed(1)}x less work`
        : 'with padding, so short a text saves no work';
    return `${share} of ${whole(dense)} pairs exist: ${work}`;
  }
  const all = `All ${whole(pairCounts.dense)} pairs exist`;
  if (strategy === 'none') return `${all}: strategy none forbids nothing`;
  if (strategy === 'learned') return `${all}, each with a bias that was learned for its tags`;
  const soft = views.reduce((sum, { kinds }) => sum + countPairs(kinds, SOFT), 0) / views.length;
  return `${all}, ${whole(Math.round(soft))} of them with ${beta} added to their score`;
}

/** The share of pairs that layers join. */
export function closureText(closure: readonly number[]): string {
  return `${percent(closure.at(-1)!)} of all pairs are joined after ${counted(closure.length, 'layer')}, also through other tokens`;
}

/** The most classes that are named with their probabilities, and how many are named where there are more. */
const MOST_CLASSES = 6;
const LIKELIEST = 5;

/** The probability of each class; where there are many, of the likeliest. */
export function predictionText(
  { probabilities }: Pick<ModelExplanation, 'probabilities'>,
  classes: readonly string[],
  format = percent,
): string {
  const all = classes.map((name, at) => ({ name, probability: probabilities[at] }));
  const isMany = all.length > MOST_CLASSES;
  const named = isMany ? all.sort((a, b) => b.probability - a.probability).slice(0, LIKELIEST) : all;
  const shares = named.map(({ name, probability }) => `${name} ${format(probability)}`);
  return `(${shares.join(', ')}${isMany ? `; ${all.length - LIKELIEST} others are less likely` : ''})`;
}

/** A note where only the beginning of a text was read. */
export function cutNote({ cut, tokens }: Explanation): Html | '' {
  if (cut === 0) return '';
  return html`<p class="cut"><strong>Cut:</strong> only the first ${tokens.length} tokens were read; ${whole(cut)} more were not.</p>`;
}

/** The facts below the headline. */
export function facts({ pairCounts, closure, tokens, words, mask, tileConfig }: Explanation): Html {
  const { strategy, rules, beta } = mask;
  const { waste } = workOf(pairCounts);
  const withBeta = strategy === 'soft' || strategy === 'guided' ? `, β ${beta}` : '';
  const useful = whole(Math.round(pairCounts.useful));
  const lines = [
    ['Read with', `strategy ${strategy}, rules "${rules.name}"${withBeta}`],
    [
      'Length',
      `${counted(tokens.length, 'token')}, ${counted(words.filter(({ isSpecial }) => !isSpecial).length, 'word')}`,
    ],
    ['Closure', closureText(closure)],
    [
      'Work of the kernels',
      `${whole(Math.round(pairCounts.executed))} pairs executed, padding included: ${ratio(waste)} times the ${useful} useful ones`,
    ],
    ['Tiles', `of at most ${tileConfig.rows} rows; keys in steps of ${tileConfig.steps.join(', ')}`],
  ];
  return html`<dl class="facts">${lines.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>\n`)}</dl>`;
}
