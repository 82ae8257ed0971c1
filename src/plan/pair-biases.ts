import { biasOfPair } from '../grammar/pair-table.js';
import { areInOneSentence } from '../grammar/scope.js';
import type { HeadLayout, Layout } from './layout.js';

/**
 * What a head adds to the score of two tokens of one sequence, by their places in the layout's order, or undefined where
 * their pair does not exist. Kernels test whole tiles; this serves what shows or counts pairs one by one.
 * @param learned The head's own learned biases, [tags, tags]; 0 where left out.
 */
export function pairBiases(
  layout: Layout,
  { table }: HeadLayout,
  learned?: Float32Array,
): (query: number, key: number) => number | undefined {
  if (!table) return () => 0;
  const { order, tags, sentences, causal } = layout;
  return (query, key) => {
    if (causal && order[key] > order[query]) return undefined;
    if (learned) return learned[tags[query] * table.size + tags[key]];
    const inOneSentence = !sentences || areInOneSentence(sentences[query], sentences[key]);
    return biasOfPair(table, tags[query], tags[key], Math.abs(order[query] - order[key]), inOneSentence);
  };
}
