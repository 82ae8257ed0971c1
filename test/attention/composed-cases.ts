import type { TokenBias } from '../../bench/reference-pairs.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { type AttentionCase, biasesOf, type KindName, randomCase, rulesOf } from './random-case.js';

/** A mask composed of a case's mask and others, and its bias for two tokens, given the bias of the case's mask. */
interface Composition {
  /** The kind of random case whose mask is composed, and whose kernels run it. */
  kind: KindName;
  mask(attention: AttentionCase): AttentionMask;
  bias(
    attention: AttentionCase,
  ): (caseBias: number | undefined, query: number, key: number) => number | undefined;
}

const isNear = (query: number, key: number) => Math.abs(query - key) <= 6;

/** Further rules over the same tags: each sees the next tag, and the one after it with a bias. */
function further(attention: AttentionCase) {
  const { tags } = rulesOf(attention, 0);
  const next = (by: number) => tags.map((tag, at) => [tag, tags[(at + by) % tags.length]] as const);
  return { name: 'further', tags, hard: next(1), soft: next(2), beta: 1.5 };
}

const COMPOSITIONS: Record<string, Composition> = {
  'rules and a window': {
    kind: 'hard, some tags',
    mask: ({ mask }) => mask.and(AttentionMask.window(6)),
    bias: () => (caseBias, query, key) => (isNear(query, key) ? caseBias : undefined),
  },
  'a window or rules, in causal order': {
    kind: 'hard, some tags',
    mask: ({ mask }) => AttentionMask.window(6).or(mask).and(AttentionMask.causal()),
    bias: () => (caseBias, query, key) => (key > query ? undefined : isNear(query, key) ? 0 : caseBias),
  },
  'not rules': {
    kind: 'hard, some tags',
    mask: ({ mask }) => mask.not(),
    bias: () => (caseBias) => (caseBias === undefined ? 0 : undefined),
  },
  'rules and others with another bias': {
    kind: 'head rules, dropout',
    mask: (attention) => attention.mask.and(AttentionMask.fromRules(further(attention), 'soft')),
    bias: (attention) => {
      const { tags } = attention;
      const { hard, soft, beta } = further(attention);
      const isNamed = (pairs: typeof hard, query: number, key: number) =>
        pairs.some(([from, to]) => from === tags[query] && to === tags[key]);
      return (caseBias, query, key) =>
        caseBias === undefined
          ? undefined
          : caseBias + (isNamed(soft, query, key) && !isNamed(hard, query, key) ? beta : 0);
    },
  },
};

export const COMPOSITION_NAMES = Object.keys(COMPOSITIONS);

/** A random case under a composed mask, without dropout. */
export function composedCase(name: string, seed: number): AttentionCase {
  const { kind, mask, bias } = COMPOSITIONS[name];
  const attention = { ...randomCase(kind, seed), dropout: undefined };
  const caseBias = biasesOf(attention);
  const composedBias = bias(attention);
  const composed = (head: number): TokenBias => {
    return (query, key) => composedBias(caseBias(query, key, head), query, key);
  };
  return { ...attention, mask: mask(attention), composed };
}
