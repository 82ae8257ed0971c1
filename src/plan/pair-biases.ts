import { biasOfPair } from '../grammar/pair-table.js';
import { areInOneSentence } from '../grammar/scope.js';
import type { HeadLayout, Layout } from './layout.js';

/**
 * The bias of a head for two tokens of one sequence, by their indexes in the layout's order, or undefined where their pair does not
 * exist. Kernels mask whole tiles; this is for pictures and counts of single pairs.
 * @param learned The learned biases of the head, [tags, tags]; 0 by default.
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
