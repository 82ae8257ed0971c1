import { WeakCache } from '../base/weak-cache.js';
import { allows, type PairTable } from '../grammar/pair-table.js';
import { EVERYWHERE, NOWHERE, type Reach, widest } from '../grammar/scope.js';

/** The rows of a pass: queries, or keys for the gradients of K and V. */
export type Side = 'queries' | 'keys';

/** Which columns a row of each tag attends to (or, where rows are keys, is attended to by). */
export interface Visibility {
  size: number;
  /** [size, size] by row tag, then column tag: the reach within which their pairs exist. */
  reach: Float64Array;
  /** 1 where all pairs within reach have bias 0. */
  plain: Uint8Array;
  /** Whether a causal mask leaves a row the columns up to its position (`until`), or from it (`from`). */
  causal: 'until' | 'from' | undefined;
  /** Whether any pair depends on the positions of its tokens in the text. */
  positional: boolean;
}

/** The widest reach within which pairs of two tags exist, and whether all pairs there have bias 0. */
function pairOf(table: PairTable, query: number, key: number): { reach: Reach; plain: boolean } {
  const at = query * table.size + key;
  if (!allows(table, query, key)) return { reach: NOWHERE, plain: true };
  const { scopes } = table;
  if (!scopes) return { reach: EVERYWHERE, plain: table.biases[at] === 0 && !table.learned };
  const exists = scopes.elsewhere === 0 ? EVERYWHERE : widest(scopes.hard[at], scopes.soft[at]);
  const isSoft = scopes.soft[at] !== NOWHERE && scopes.hard[at] !== EVERYWHERE && scopes.beta !== 0;
  return { reach: exists, plain: !isSoft };
}

function readVisibility(table: PairTable, side: Side, causal: boolean): Visibility {
  const { size } = table;
  const reach = new Float64Array(size * size);
  const plain = new Uint8Array(size * size);
  for (let row = 0; row < size; row++) {
    for (let column = 0; column < size; column++) {
      const pair = side === 'queries' ? pairOf(table, row, column) : pairOf(table, column, row);
      reach[row * size + column] = pair.reach;
      plain[row * size + column] = pair.plain ? 1 : 0;
    }
  }
  const towards = side === 'queries' ? 'until' : 'from';
  return {
    size,
    reach,
    plain,
    causal: causal ? towards : undefined,
    positional: causal || table.scopes !== undefined,
  };
}

const visibilities = new WeakCache<Visibility>();

/** The visibility of a table for one kind of rows. It is cached: a table is used for every batch of a training. */
export function visibilityOf(table: PairTable, side: Side, causal = false): Visibility {
  return visibilities.get([{ object: table, part: `${side}, ${causal}` }], () =>
    readVisibility(table, side, causal),
  );
}
