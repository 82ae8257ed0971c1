import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { MOST_TAGS, type RuleSet, type TagPair } from '../grammar/rules.js';
import { combineTerms, leavesOf, type MaskTerm } from './mask-term.js';

/** Whether a query attends to a key, by their positions in a sequence. */
export type PairPredicate = (query: number, key: number) => boolean;

type Predicate = Extract<MaskTerm, { kind: 'predicate' }>;

/** The longest sequence: the predicate is called for every pair. */
const MOST_TOKENS = 2048;

/** The pairs of a predicate, as rules about labels of positions. */
interface PredicatePairs {
  /** The label of each position of the longest sequence. */
  labels: Uint8Array;
  rules: RuleSet;
  /** Whether the rules hold only for keys that do not come after the query. */
  causal: boolean;
}

/** [length, length] by query, then key: 1 where the pair exists. */
function matrixOf(allows: PairPredicate, length: number): Uint8Array {
  const matrix = new Uint8Array(length * length);
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      const exists: unknown = allows(query, key);
      if (typeof exists !== 'boolean') {
        throw new CallerError({
          what: `${describeValue(exists)} for query ${query} and key ${key}`,
          where: 'the predicate of a mask',
          expected: 'true or false',
        });
      }
      if (exists) matrix[query * length + key] = 1;
    }
  }
  return matrix;
}

/** A label for each position, the same where rows and columns are equal, and a position of each label. */
function labelsOf(matrix: Uint8Array, length: number): { labels: number[]; first: number[] } {
  const decoder = new TextDecoder('latin1');
  const column = new Uint8Array(length);
  const numbers = new Map<string, number>();
  const first: number[] = [];
  const labels = Array.from({ length }, (_, position) => {
    for (let other = 0; other < length; other++) column[other] = matrix[other * length + position];
    const row = matrix.subarray(position * length, (position + 1) * length);
    const key = `${decoder.decode(row)}|${decoder.decode(column)}`;
    const label = numbers.get(key) ?? numbers.size;
    if (label === numbers.size) first.push(position);
    numbers.set(key, label);
    return label;
  });
  return { labels, first };
}

/** The mirrored lower half of a matrix without later keys; undefined where it has some. */
function mirrored(matrix: Uint8Array, length: number): Uint8Array | undefined {
  const both = matrix.slice();
  for (let query = 0; query < length; query++) {
    for (let key = query + 1; key < length; key++) {
      if (matrix[query * length + key] === 1) return undefined;
      both[query * length + key] = matrix[key * length + query];
    }
  }
  return both;
}

/**
 * The pairs of a predicate as rules: positions with equal rows and columns have one label. Where these are too many and no later key is
 * seen, the same is tried with the mirrored matrix, in causal order.
 * @throws CallerError where a sequence is too long, or its positions need more labels than kernels have.
 */
function predicatePairs({ allows, name, most = MOST_TOKENS }: Predicate, length: number): PredicatePairs {
  if (length > most) {
    throw new CallerError({
      what: `a sequence of ${length} tokens`,
      where: `mask "${name}"`,
      expected: `at most ${most}`,
      remedy: 'use rules, AttentionMask.window, causal or sentence, which have no such limit',
    });
  }
  const matrix = matrixOf(allows, length);
  const plain = labelsOf(matrix, length);
  const mirror = plain.first.length > MOST_TAGS ? mirrored(matrix, length) : undefined;
  const { labels, first } = mirror ? labelsOf(mirror, length) : plain;
  if (first.length > MOST_TAGS) {
    throw new CallerError({
      what: `${first.length} kinds of positions, each with other pairs`,
      where: `mask "${name}"`,
      expected: `at most ${MOST_TAGS}, as kernels have labels`,
      remedy: 'compose it of rules, AttentionMask.window, causal or sentence, which have no such limit',
    });
  }
  const pairs = mirror ?? matrix;
  const hard = first.flatMap((query, row) =>
    first.flatMap((key, column): TagPair[] => (pairs[query * length + key] === 1 ? [[row, column]] : [])),
  );
  const tags = first.length > 0 ? first.map((_, label) => label) : [0];
  const rules = { name, tags, hard, soft: [], beta: 0 };
  return { labels: Uint8Array.from(labels), rules, causal: mirror !== undefined };
}

/** A term with each of its predicates replaced. */
function replacePredicates(term: MaskTerm, replacement: (leaf: Predicate) => MaskTerm): MaskTerm {
  if (term.kind === 'predicate') return replacement(term);
  if (term.kind === 'not') return { kind: 'not', term: replacePredicates(term.term, replacement) };
  if (!('left' in term)) return term;
  const [left, right] = [
    replacePredicates(term.left, replacement),
    replacePredicates(term.right, replacement),
  ];
  return { kind: term.kind, left, right };
}

/**
 * The terms of a mask with rules about labels of positions instead of predicates; undefined for a mask without any.
 * @param lengths Tokens of each sequence.
 * @throws CallerError as `predicatePairs`.
 */
export function asRules(
  heads: readonly (readonly MaskTerm[])[],
  lengths: readonly number[],
): { heads: MaskTerm[][]; labels: Record<string, Uint8Array> } | undefined {
  const leaves = heads.flat().flatMap(leavesOf);
  const predicates = [...new Set(leaves.filter((leaf) => leaf.kind === 'predicate'))];
  if (predicates.length === 0) return undefined;
  const longest = lengths.reduce((most, length) => Math.max(most, length), 0);
  const labels: Record<string, Uint8Array> = {};
  const terms = new Map<MaskTerm, MaskTerm>();
  for (const [at, leaf] of predicates.entries()) {
    const pairs = predicatePairs(leaf, longest);
    const name = `${leaf.name}, ${at + 1}`;
    labels[name] = Uint8Array.from(lengths.flatMap((length) => [...pairs.labels.subarray(0, length)]));
    const term: MaskTerm = { kind: 'rules', rules: pairs.rules, strategy: 'hard', beta: 0, labels: name };
    terms.set(leaf, pairs.causal ? combineTerms('and', term, { kind: 'causal' }) : term);
  }
  // Heads with the same term share their tiles.
  const replaced = new Map(
    heads.flat().map((term) => [term, replacePredicates(term, (leaf) => terms.get(leaf)!)]),
  );
  return { heads: heads.map((layer) => layer.map((term) => replaced.get(term)!)), labels };
}

/**
 * The predicate of a matrix by query, then key.
 * @throws CallerError where it is not square, or an entry is neither true, false, 1 nor 0.
 */
export function predicateOf(matrix: readonly ArrayLike<unknown>[]): PairPredicate {
  const { length } = matrix;
  matrix.forEach((row, query) => {
    if (row.length !== length) {
      const expected = `${length}, as the matrix has rows`;
      throw new CallerError({ what: `${row.length} entries`, where: `matrix[${query}]`, expected });
    }
    const odd = Array.from(row).findIndex((entry) => ![true, false, 1, 0].includes(entry as number));
    if (odd < 0) return;
    throw new CallerError({
      what: describeValue(row[odd]),
      where: `matrix[${query}][${odd}]`,
      expected: 'true, false, 1 or 0',
    });
  });
  const rows = matrix.map((row) => Array.from(row, Boolean));
  return (query, key) => rows[query][key];
}
