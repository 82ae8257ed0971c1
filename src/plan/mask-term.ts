import { biasOfPair, FORBIDDEN, type PairTable, pairTable } from '../grammar/pair-table.js';
import type { RuleSet, Strategy, Tag } from '../grammar/rules.js';
import { EVERYWHERE, isWithin, NOWHERE, type Reach, windowOf } from '../grammar/scope.js';

/** One kind of label of tokens, with its values: `tags`, or a kind that the caller names. */
export interface Labelling {
  name: string;
  tags: readonly Tag[];
}

/** The mask of one head, as an expression. */
export type MaskTerm =
  | { kind: 'rules'; rules: RuleSet; strategy: Strategy; beta: number; labels: string }
  | { kind: 'all' }
  | { kind: 'causal' }
  | { kind: 'within'; reach: Reach }
  /** Pairs by their positions in a sequence of at most `most` tokens: `layout` replaces them by rules. */
  | { kind: 'predicate'; allows: (query: number, key: number) => boolean; name: string; most?: number }
  | { kind: 'and' | 'or'; left: MaskTerm; right: MaskTerm }
  | { kind: 'not'; term: MaskTerm };

type Leaf = Extract<MaskTerm, { kind: 'rules' | 'all' | 'causal' | 'within' | 'predicate' }>;

/** The distance of two tokens, as far as masks depend on it. */
interface Offset {
  distance: number;
  inOneSentence: boolean;
}

/** The bias of a pair, by the values that both tokens have in each labelling, or undefined where it does not exist. */
type BiasOf = (
  query: readonly number[],
  key: readonly number[],
  offset: Offset,
  isLater: boolean,
) => number | undefined;

/** The leaves of a term, from left to right. */
export function leavesOf(term: MaskTerm): Leaf[] {
  if (term.kind === 'not') return leavesOf(term.term);
  if ('left' in term) return [...leavesOf(term.left), ...leavesOf(term.right)];
  return [term];
}

/** `left` and/or `right`; one of them alone where the other changes nothing. */
export function combineTerms(kind: 'and' | 'or', left: MaskTerm, right: MaskTerm): MaskTerm {
  if (kind === 'and' && right.kind === 'all') return left;
  if (left.kind === 'all') return kind === 'and' ? right : left;
  return { kind, left, right };
}

function biasOf(term: MaskTerm, labellings: readonly Labelling[]): BiasOf {
  switch (term.kind) {
    case 'all':
    case 'predicate':
      return () => 0;
    case 'causal':
      return (_query, _key, _offset, isLater) => (isLater ? undefined : 0);
    case 'within':
      return (_query, _key, { distance, inOneSentence }) =>
        isWithin(term.reach, distance, inOneSentence) ? 0 : undefined;
    case 'rules': {
      const at = labellings.findIndex(({ name }) => name === term.labels);
      const table = tableOfRules(term, labellings[at].tags);
      return (query, key, { distance, inOneSentence }) =>
        biasOfPair(table, query[at], key[at], distance, inOneSentence);
    }
    case 'not': {
      const negated = biasOf(term.term, labellings);
      return (...pair) => (negated(...pair) === undefined ? 0 : undefined);
    }
    default: {
      const [left, right] = [biasOf(term.left, labellings), biasOf(term.right, labellings)];
      if (term.kind === 'or') return (...pair) => left(...pair) ?? right(...pair);
      return (...pair) => {
        const [one, other] = [left(...pair), right(...pair)];
        return one === undefined || other === undefined ? undefined : one + other;
      };
    }
  }
}

/** The table of rules over these tags, which may be more than the rules list. */
function tableOfRules(
  { rules, strategy, beta }: Extract<MaskTerm, { kind: 'rules' }>,
  tags: readonly Tag[],
): PairTable {
  return pairTable({ ...rules, tags }, strategy, beta);
}

/** Offsets that represent all others: both sides of each distance at which a leaf changes. */
function offsetsOf(term: MaskTerm): Offset[] {
  const windows = leavesOf(term).flatMap((leaf) => {
    if (leaf.kind === 'within') return [windowOf(leaf.reach)];
    if (leaf.kind !== 'rules') return [];
    const scopes = [...leaf.rules.hard, ...leaf.rules.soft].map(([, , scope]) => scope);
    return scopes.filter((scope) => typeof scope === 'number');
  });
  const edges = [0, ...windows].filter((window) => window >= 0 && window < EVERYWHERE);
  const distances = [...new Set(edges.flatMap((window) => [window, window + 1]))].sort((a, b) => a - b);
  return distances.flatMap((distance) => [
    ...(distance > 0 ? [{ distance, inOneSentence: false }] : []),
    { distance, inOneSentence: true },
  ]);
}

/** The reach that contains exactly some of the offsets of `offsetsOf`, or undefined where no reach does. */
function reachAt(offsets: readonly Offset[], isIn: (offset: number) => boolean): Reach | undefined {
  let window = NOWHERE;
  let isOver = false;
  let sentence = 0;
  for (const [index, { distance, inOneSentence }] of offsets.entries()) {
    if (inOneSentence && distance > 0) {
      if (isIn(index) && isOver) sentence = 0.5;
      continue;
    }
    isOver ||= !isIn(index);
    if (!isOver) window = distance;
  }
  if (!isOver) window = EVERYWHERE;
  // Every token is in its own sentence.
  if (sentence > 0 && window === 0) window = NOWHERE;
  const reach = window + sentence;
  const isExact = offsets.every((offset, index) => {
    return isWithin(reach, offset.distance, offset.inOneSentence) === isIn(index);
  });
  return isExact ? reach : undefined;
}

/** The labels that kernels use: for each, the values of its tokens in every labelling. */
export interface MaskLabels {
  labellings: readonly Labelling[];
  labels: readonly (readonly number[])[];
}

/**
 * The pair table of a term, or undefined where no table is exactly equivalent.
 * @param causal Whether the plan also hides later keys from queries.
 */
export function tableOf(term: MaskTerm, maskLabels: MaskLabels, causal: boolean): PairTable | undefined {
  const { labellings, labels } = maskLabels;
  if (term.kind === 'rules' && !causal && labellings.length === 1) {
    return tableOfRules(term, labellings[0].tags);
  }
  if (term.kind === 'and' && causal) {
    if (term.right.kind === 'causal') return tableOf(term.left, maskLabels, false);
    if (term.left.kind === 'causal') return tableOf(term.right, maskLabels, false);
  }
  // A learned table is a parameter, in which no pair can be left out.
  if (leavesOf(term).some((leaf) => leaf.kind === 'rules' && leaf.strategy === 'learned')) return undefined;
  const size = labels.length;
  const offsets = offsetsOf(term);
  const bias = biasOf(term, labellings);
  const biases = new Float32Array(size * size).fill(FORBIDDEN);
  const [hard, soft] = [biases.map(() => NOWHERE), biases.map(() => NOWHERE)];
  const betas = new Set<number>();
  let isScoped = false;
  for (let at = 0; at < size * size; at++) {
    const [query, key] = [labels[Math.floor(at / size)], labels[at % size]];
    const found = offsets.map((offset) => bias(query, key, offset, false));
    const isOrdered = offsets.every(({ distance }, index) => {
      if (distance === 0) return true;
      return bias(query, key, offsets[index], true) === (causal ? undefined : found[index]);
    });
    const exists = reachAt(offsets, (offset) => found[offset] !== undefined);
    const plain = reachAt(offsets, (offset) => found[offset] === 0);
    const others = new Set(found.filter((value) => value !== undefined && value !== 0));
    if (!isOrdered || exists === undefined || plain === undefined || others.size > 1) return undefined;
    hard[at] = plain;
    for (const beta of others) {
      soft[at] = exists;
      betas.add(beta!);
      biases[at] = beta!;
    }
    if (plain !== NOWHERE) biases[at] = 0;
    const isWhole = exists === NOWHERE || (exists === EVERYWHERE && (plain === exists || plain === NOWHERE));
    isScoped ||= !isWhole;
  }
  if (!isScoped) return { size, biases };
  if (betas.size > 1) return undefined;
  const [beta = 0] = betas;
  return { size, biases, scopes: { hard, soft, beta, elsewhere: FORBIDDEN } };
}
