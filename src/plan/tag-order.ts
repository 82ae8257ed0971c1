import { WeakCache } from '../base/weak-cache.js';
import type { PairTable } from '../grammar/pair-table.js';
import { NOWHERE } from '../grammar/scope.js';
import { type Visibility, visibilityOf } from './visibility.js';

/** [size, size]: the number of rows, tags as queries and as keys, that attend to both of two tags. */
function seenTogether(views: readonly Visibility[]): Uint32Array {
  const { size } = views[0];
  const together = new Uint32Array(size * size);
  for (const { reach } of views) {
    for (let row = 0; row < size * size; row += size) {
      const seen: number[] = [];
      for (let tag = 0; tag < size; tag++) if (reach[row + tag] !== NOWHERE) seen.push(tag);
      for (const a of seen) for (const b of seen) together[a * size + b]++;
    }
  }
  return together;
}

/** Moves one tag after another to where most rows attend to it and its neighbours, while the order improves. */
function improved(order: number[], together: Uint32Array): number[] {
  const size = order.length;
  const joint = (a: number | undefined, b: number | undefined) =>
    a === undefined || b === undefined ? 0 : together[a * size + b];
  for (let moved = true; moved; ) {
    moved = false;
    for (let tag = 0; tag < size; tag++) {
      const from = order.indexOf(tag);
      const [left, right] = [order[from - 1], order[from + 1]];
      const loss = joint(left, tag) + joint(tag, right) - joint(left, right);
      const rest = order.filter((other) => other !== tag);
      let best = { gain: loss, to: from };
      for (let to = 0; to <= rest.length; to++) {
        const [before, after] = [rest[to - 1], rest[to]];
        const gain = joint(before, tag) + joint(tag, after) - joint(before, after);
        if (gain > best.gain) best = { gain, to };
      }
      if (best.to === from) continue;
      rest.splice(best.to, 0, tag);
      order.splice(0, size, ...rest);
      moved = true;
    }
  }
  return order;
}

function tagRanks(tables: readonly PairTable[]): Uint8Array {
  const { size } = tables[0];
  const views = tables.flatMap((table) => [visibilityOf(table, 'queries'), visibilityOf(table, 'keys')]);
  const inTableOrder = Array.from({ length: size }, (_, tag) => tag);
  const ranks = new Uint8Array(size);
  improved(inTableOrder, seenTogether(views)).forEach((tag, rank) => {
    ranks[tag] = rank;
  });
  return ranks;
}

const cache = new WeakCache<Uint8Array>();

/**
 * The rank of each tag in the order by which tokens are sorted. Adjacent tag runs that a row attends to are one range of columns, so
 * tags with common rows should be neighbours. A local search maximizes the number of rows that attend to both of two neighbours. The
 * result depends on the tables only: equal rules give equal orders. It is cached.
 *
 * @param tables The tables of all heads.
 */
export function rankOfTag(tables: readonly PairTable[]): Uint8Array {
  return cache.get([{ object: tables.length > 1 ? tables : tables[0], part: '' }], () => tagRanks(tables));
}
