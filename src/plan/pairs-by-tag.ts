import { ColumnCounter } from './column-counter.js';
import type { Layout } from './layout.js';
import { visibilityOf } from './visibility.js';

/** Pairs by the tag of the query, [tags] each; their sums are those of `PairCounts`. */
export interface PairsByTag {
  /** Pairs that the rules allow: the mean over heads where they differ. */
  useful: Float64Array;
  /** All pairs. */
  dense: Float64Array;
}

/** The pairs of a sparse plan by the tag of the query. */
export function pairsByTag(layout: Layout): PairsByTag {
  const size = layout.heads[0].table!.size;
  const [useful, dense] = [new Float64Array(size), new Float64Array(size)];
  const heads = layout.heads.reduce((sum, { heads: numbers }) => sum + (numbers?.length ?? 1), 0);
  for (const { heads: numbers, table } of layout.heads) {
    const counter = new ColumnCounter(layout, visibilityOf(table!, 'queries', layout.causal));
    const share = (numbers?.length ?? 1) / heads;
    for (const sequence of layout.sequences) {
      counter.pairsByTag(sequence).forEach((pairs, tag) => {
        useful[tag] += share * pairs;
      });
    }
  }
  for (const { runs, length: keys } of layout.sequences) {
    for (const { tag, length } of runs) dense[tag] += length * keys;
  }
  return { useful, dense };
}
