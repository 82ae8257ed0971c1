import type { PairTable } from '../grammar/pair-table.js';
import { bitsOf, type LabelBits } from './label-bits.js';
import { tagRanks } from './tag-order.js';
import { readVisibility, type Side, type Visibility } from './visibility.js';

/** What plans need of a pair table, or of those of all heads, as far as it has been derived. */
interface Derived {
  visibility: Map<string, Visibility>;
  bits?: { found: LabelBits | undefined };
  ranks?: Uint8Array;
}

/** By the table, or the list of tables: each serves every batch of a training, and nothing is derived from it twice. */
const known = new WeakMap<PairTable | readonly PairTable[], Derived>();

function derivedFrom(tables: PairTable | readonly PairTable[]): Derived {
  let derived = known.get(tables);
  if (!derived) {
    derived = { visibility: new Map() };
    known.set(tables, derived);
  }
  return derived;
}

/** Which columns a row of each tag sees, from one side. */
export function visibilityOf(table: PairTable, side: Side, causal = false): Visibility {
  const { visibility } = derivedFrom(table);
  const name = `${side}, ${causal}`;
  const found = visibility.get(name) ?? readVisibility(table, side, causal);
  visibility.set(name, found);
  return found;
}

/** A table as bits, or undefined where bits cannot hold it. */
export function labelBits(table: PairTable): LabelBits | undefined {
  const derived = derivedFrom(table);
  derived.bits ??= { found: bitsOf(table) };
  return derived.bits.found;
}

/** For each tag its place in the order by which tokens are sorted: one order for the tables of all heads. */
export function rankOfTag(tables: readonly PairTable[]): Uint8Array {
  const derived = derivedFrom(tables.length > 1 ? tables : tables[0]);
  derived.ranks ??= tagRanks(
    tables.flatMap((table) => [visibilityOf(table, 'queries'), visibilityOf(table, 'keys')]),
  );
  return derived.ranks;
}
