import { referenceTokenBias, type TokenBias } from '../../bench/reference-pairs.js';
import type { MaskedTokens } from '../../src/attention/attention.js';
import { randomStream } from '../../src/base/random.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { CASES } from '../support/arbitraries.js';
import { maskOf } from '../support/masks.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';
import { randomRules, randomSentences, type ScopeKind } from '../support/random-rules.js';

/** An attention of random shape, rules and tags, with its data. */
export interface AttentionCase extends MaskedTokens {
  rules: RuleSet | RuleSet[];
  tags: string[];
  lengths: number[];
  strategy: Strategy;
  sentences: Uint32Array | undefined;
  causal: boolean;
  heads: number;
  headDim: number;
  scale: number;
  dropout: { probability: number; seed: number; stream: number } | undefined;
  q: Float32Array;
  k: Float32Array;
  v: Float32Array;
  /** The biases of strategy `learned`. */
  bias: Float32Array | undefined;
  outputGradient: Float32Array;
  /** The bias of each pair for a head, where the mask is composed of more than rules. */
  composed?: (head: number) => TokenBias;
}

/**
 * Properties that select kernels. The cases of one kind share pipelines; a software driver takes a second or two to compile each.
 */
interface Kind {
  strategies: readonly Strategy[];
  tags: readonly [from: number, to: number];
  /** Multiples of four. */
  headDims: readonly [from: number, to: number];
  scopes?: readonly ScopeKind[];
  causal?: 'always' | 'sometimes';
  /** Whether the second head has other rules than the rest. */
  perHead?: boolean;
  dropout?: boolean;
}

const EVERY_SCOPE: readonly ScopeKind[] = ['document', 'sentence', 'window'];

/** The head dimension of other tests' tiny models, and about as many tags as preset rules have: they all share kernels. */
const NARROW = { tags: [17, 20], headDims: [16, 16] } satisfies Partial<Kind>;

/**
 * The kinds of every run. Head dimensions differ in how many vectors of a row a lane holds, tags in how many words their bits
 * take. Every value of every kernel constant occurs.
 */
const USUAL_KINDS = {
  dense: { strategies: ['none'], ...NARROW },
  'dense under dropout': { strategies: ['none'], tags: [1, 2], headDims: [68, 96], dropout: true },
  'every pair, causal': { strategies: ['none'], ...NARROW, causal: 'always' },
  'hard, causal': { strategies: ['hard'], ...NARROW, causal: 'always' },
  'hard, some tags': { strategies: ['hard'], ...NARROW },
  'biased, many tags': { strategies: ['guided', 'soft'], tags: [61, 64], headDims: [124, 128] },
  sentences: {
    strategies: ['hard', 'guided', 'soft'],
    ...NARROW,
    scopes: ['sentence'],
    causal: 'sometimes',
  },
  windows: { strategies: ['hard', 'guided', 'soft'], ...NARROW, scopes: ['window'], causal: 'sometimes' },
  'head rules, dropout': {
    strategies: ['guided', 'soft'],
    ...NARROW,
    perHead: true,
    dropout: true,
  },
  'head rules with scopes': {
    strategies: ['hard', 'guided'],
    ...NARROW,
    scopes: EVERY_SCOPE,
    causal: 'sometimes',
    perHead: true,
  },
  learned: { strategies: ['learned'], ...NARROW },
  'learned, causal': { strategies: ['learned'], tags: [33, 36], headDims: [20, 32], causal: 'always' },
  'learned, head rules': { strategies: ['learned'], ...NARROW, perHead: true },
} satisfies Record<string, Kind>;

const SCOPES_UNDER_DROPOUT: Kind = {
  strategies: ['guided', 'soft'],
  ...NARROW,
  scopes: EVERY_SCOPE,
  causal: 'sometimes',
  dropout: true,
};

/** The narrow kinds with wider heads, whose rows are not full vectors of lanes, and fewer tags. */
const WIDER_KINDS: Record<string, Kind> = Object.fromEntries(
  Object.entries<Kind>(USUAL_KINDS)
    .filter(([, { headDims }]) => headDims === NARROW.headDims)
    .map(([name, kind]) => [`${name}, wider heads`, { ...kind, tags: [5, 8], headDims: [20, 32] }]),
);

/** Further combinations for `npm run conformance`, which runs more cases. */
const MORE_KINDS: Record<string, Kind> = {
  ...WIDER_KINDS,
  'dense, wide': { strategies: ['none'], tags: [1, 2], headDims: [68, 96] },
  'dense under dropout, narrow': { strategies: ['none'], tags: [1, 2], headDims: [16, 16], dropout: true },
  'every pair, causal, few tags': { ...USUAL_KINDS['every pair, causal'], tags: [1, 2] },
  'hard, causal, few tags': { ...USUAL_KINDS['hard, causal'], tags: [3, 4] },
  'every scope under dropout': { ...SCOPES_UNDER_DROPOUT, tags: [5, 8], headDims: [20, 32] },
  'every scope under dropout, wide': { ...SCOPES_UNDER_DROPOUT, tags: [5, 8], headDims: [68, 80] },
  'biased under dropout': { strategies: ['guided'], tags: [5, 8], headDims: [20, 32], dropout: true },
  'biased, some tags': { strategies: ['soft', 'guided'], tags: [5, 8], headDims: [36, 48] },
  'biased, causal': { strategies: ['guided', 'soft'], tags: [5, 8], headDims: [36, 48], causal: 'always' },
  'biased, causal, few tags': {
    strategies: ['guided', 'soft'],
    tags: [3, 4],
    headDims: [16, 16],
    causal: 'always',
  },
  'windows, widest': { ...USUAL_KINDS.windows, headDims: [100, 128] },
  'sentences, middling': { ...USUAL_KINDS.sentences, headDims: [36, 48] },
  'learned, few tags': { ...USUAL_KINDS.learned, tags: [3, 4] },
  'learned, causal, middling': { ...USUAL_KINDS['learned, causal'], headDims: [36, 48] },
  'learned, causal, widest': { ...USUAL_KINDS['learned, causal'], headDims: [124, 128] },
  'head rules, wider': { ...USUAL_KINDS['head rules, dropout'], headDims: [36, 48], dropout: false },
};

export type KindName = keyof typeof USUAL_KINDS;

const KINDS: Readonly<Record<KindName, Kind>> = CASES > 1 ? { ...USUAL_KINDS, ...MORE_KINDS } : USUAL_KINDS;

export const KIND_NAMES = Object.keys(KINDS) as KindName[];

/** Distinct cases of a kind: one of few rules, one of all, one of a long sequence. Later ones are similar. */
export const CASES_OF_KIND = 6;

const LENGTHS = [0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65];

/** Never 0: without a bias, other kernels run. */
const BETAS = [5, -3, 0.25];

export function numbered(count: number): string[] {
  return Array.from({ length: count }, (_, index) => `t${index}`);
}

function pick<T>(random: () => number, from: readonly T[]): T {
  return from[randomInteger(random, 0, from.length - 1)];
}

/** The share of the pairs of tags that the rules of a case have. */
function densityOf(seed: number, random: () => number): number {
  const density = random();
  return [0.15, density, density, density, 1, density][seed % CASES_OF_KIND];
}

/** Case number `seed` of a kind. @param fixedLengths Lengths of its sequences; random by default. */
export function randomCase(name: KindName, seed: number, fixedLengths?: number[]): AttentionCase {
  const kind: Kind = KINDS[name];
  const random = generator(1000 * KIND_NAMES.indexOf(name) + seed);
  const isLong = seed % CASES_OF_KIND === CASES_OF_KIND - 1;
  // The reference of many or wide heads takes many times as long as the kernels.
  const drawn = isLong
    ? [CASES > 1 && kind.headDims[0] < 64 && !kind.perHead ? 513 : 257]
    : Array.from({ length: randomInteger(random, 1, 4) }, () => pick(random, LENGTHS));
  const lengths = fixedLengths ?? drawn;
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const heads = isLong && !kind.perHead ? 1 : randomInteger(random, kind.perHead ? 2 : 1, 3);
  const headDim = isLong
    ? kind.headDims[0]
    : 4 * randomInteger(random, kind.headDims[0] / 4, kind.headDims[1] / 4);
  const tagNames = numbered(randomInteger(random, ...kind.tags));
  const density = densityOf(seed, random);
  const shape = { density, soft: 0.5, scopes: kind.scopes ?? ['document'], betas: BETAS };
  const [one, other] = [1, 2].map((set) => randomRules(random, tagNames, shape, `${name} ${seed}.${set}`));
  const draw = () => randomFloats(random, tokens * heads * headDim, 2);
  const strategy = kind.strategies[seed % kind.strategies.length];
  const rules = kind.perHead ? Array.from({ length: heads }, (_, head) => (head === 1 ? other : one)) : one;
  const attention = {
    rules,
    tags: Array.from({ length: tokens }, () => pick(random, tagNames)),
    lengths,
    strategy,
    sentences: kind.scopes && random() < 0.8 ? randomSentences(random, lengths, 0.1) : undefined,
    causal: kind.causal === 'always' || (kind.causal === 'sometimes' && random() < 0.5),
    heads,
    headDim,
    scale: random() < 0.5 ? 1 / Math.sqrt(headDim) : 0.3 * random(),
    dropout: kind.dropout
      ? { probability: pick(random, [0.1, 0.5]), seed, stream: randomStream(seed) }
      : undefined,
    q: draw(),
    k: draw(),
    v: draw(),
    bias: strategy === 'learned' ? randomFloats(random, heads * tagNames.length ** 2, 2) : undefined,
    outputGradient: draw(),
  };
  return { ...attention, mask: maskOf(attention) };
}

/** The rules of a head. */
export function rulesOf({ rules }: AttentionCase, head: number): RuleSet {
  return Array.isArray(rules) ? rules[head] : rules;
}

/** What is added to the score of a pair of tokens for a head, or undefined where it does not exist. */
export function biasesOf(attention: AttentionCase) {
  const { strategy, tags, sentences, causal, heads, bias: table } = attention;
  const ofHeads = Array.from({ length: heads }, (_, head) => {
    if (attention.composed) return attention.composed(head);
    const rules = rulesOf(attention, head);
    const { length: size } = rules.tags;
    const learned = (query: string | number, key: string | number) =>
      table![(head * size + rules.tags.indexOf(query)) * size + rules.tags.indexOf(key)];
    return referenceTokenBias(rules, strategy, tags, { sentences, causal, learned });
  });
  return (query: number, key: number, head: number) => ofHeads[head](query, key);
}
