import type { PairTable } from '../grammar/pair-table.js';
import { bitsOf } from './label-bits.js';
import { tagRanks } from './tag-order.js';
import { readVisibility, type Side, type Visibility } from './visibility.js';

/** Caches a function of objects: a table is used for every batch of a training. */
function once<Key extends object, Value>(make: (key: Key) => Value): (key: Key) => Value {
  const values = new WeakMap<Key, { value: Value }>();
  return (key) => {
    const found = values.get(key) ?? { value: make(key) };
    values.set(key, found);
    return found.value;
  };
}

const visibilities = once((_: PairTable) => new Map<string, Visibility>());

/** The visibility of a table for one kind of rows. */
export function visibilityOf(table: PairTable, side: Side, causal = false): Visibility {
  const name = `${side}, ${causal}`;
  const found = visibilities(table).get(name) ?? readVisibility(table, side, causal);
  visibilities(table).set(name, found);
  return found;
}

/** A table as bits, or undefined where bits cannot represent it. */
export const labelBits = once(bitsOf);

const ranks = once((tables: PairTable | readonly PairTable[]) =>
  tagRanks([tables].flat().flatMap((each) => [visibilityOf(each, 'queries'), visibilityOf(each, 'keys')])),
);

/** The rank of each tag in the order by which tokens are sorted: one order for the tables of all heads. */
export function rankOfTag(tables: readonly PairTable[]): Uint8Array {
  return ranks(tables.length > 1 ? tables : tables[0]);
}
