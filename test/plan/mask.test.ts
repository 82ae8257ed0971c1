import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { referenceTokenBias, type TokenBias } from '../../bench/reference-pairs.js';
import { CallerError } from '../../src/base/errors.js';
import type { RuleSet, Strategy, Tag } from '../../src/grammar/rules.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import type { Layout } from '../../src/plan/layout.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { formatPicture } from '../../src/plan/mask-picture.js';
import type { MaskTokens } from '../../src/plan/mask-tokens.js';
import { pairBiases } from '../../src/plan/pair-biases.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { generator, randomInteger } from '../support/random.js';
import { randomRules, randomSentences } from '../support/random-rules.js';

const TAGS = ['a', 'b', 'c', 'd'];
const SPEAKERS = ['x', 'y', 'z'];

/** Tokens of a few sequences, with tags, sentences and speakers. */
interface Text extends Required<Omit<MaskTokens, 'tagIndexes'>> {
  tags: string[];
  labels: { speaker: string[] };
  lengths: number[];
  sentences: Uint32Array;
}

/** A mask, and its bias for any two tokens of a sequence, computed without the engine. */
interface Described {
  mask: AttentionMask;
  bias: (text: Text) => TokenBias;
}

function randomText(random: () => number): Text {
  const lengths = Array.from({ length: randomInteger(random, 1, 2) }, () => randomInteger(random, 0, 24));
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const draw = (from: string[]) => from[randomInteger(random, 0, from.length - 1)];
  return {
    lengths,
    tags: Array.from({ length: tokens }, () => draw(TAGS)),
    labels: { speaker: Array.from({ length: tokens }, () => draw(SPEAKERS)) },
    sentences: randomSentences(random, lengths, 0.1),
  };
}

function ofRules(random: () => number, labels?: 'speaker'): Described {
  const kinds = [['document'], ['document'], ['sentence'], ['window'], ['window', 'sentence']] as const;
  const shape = {
    density: random(),
    soft: 0.4,
    scopes: kinds[randomInteger(random, 0, kinds.length - 1)],
    betas: [5, -3],
  };
  const rules = randomRules(random, labels ? SPEAKERS : TAGS, shape, 'random');
  const strategies = ['hard', 'hard', 'guided', 'soft'] as const;
  const strategy = strategies[randomInteger(random, 0, 3)];
  return {
    mask: AttentionMask.fromRules(rules, strategy, { labels }),
    bias: ({ tags, labels: { speaker }, sentences }) =>
      referenceTokenBias(rules, strategy, labels ? speaker : tags, { sentences }),
  };
}

function leaf(random: () => number): Described {
  const window = randomInteger(random, 0, 6);
  const exists = (is: (query: number, key: number, text: Text) => boolean) => (text: Text) => {
    return (query: number, key: number) => (is(query, key, text) ? 0 : undefined);
  };
  const leaves: (() => Described)[] = [
    () => ofRules(random),
    () => ofRules(random),
    () => ofRules(random, 'speaker'),
    () => ({ mask: AttentionMask.all(), bias: exists(() => true) }),
    () => ({ mask: AttentionMask.causal(), bias: exists((query, key) => key <= query) }),
    () => ({
      mask: AttentionMask.window(window),
      bias: exists((query, key) => Math.abs(query - key) <= window),
    }),
    () => ({
      mask: AttentionMask.sentence(),
      bias: exists((query, key, { sentences }) => {
        const [one, other] = [sentences[query], sentences[key]];
        return one === other || one === NO_SENTENCE || other === NO_SENTENCE;
      }),
    }),
  ];
  return leaves[randomInteger(random, 0, leaves.length - 1)]();
}

function randomMask(random: () => number, depth: number): Described {
  if (depth === 0 || random() < 0.2) return leaf(random);
  const left = randomMask(random, depth - 1);
  if (random() < 0.2) {
    return {
      mask: left.mask.not(),
      bias: (text) => {
        const bias = left.bias(text);
        return (query, key) => (bias(query, key) === undefined ? 0 : undefined);
      },
    };
  }
  const right = randomMask(random, depth - 1);
  const isAnd = random() < 0.6;
  return {
    mask: isAnd ? left.mask.and(right.mask) : left.mask.or(right.mask),
    bias: (text) => {
      const [one, other] = [left.bias(text), right.bias(text)];
      return (query, key) => {
        const [a, b] = [one(query, key), other(query, key)];
        if (!isAnd) return a === undefined ? b : a;
        return a === undefined || b === undefined ? undefined : a + b;
      };
    },
  };
}

/** The pairs of tokens within each sequence. */
function* pairsOf(lengths: readonly number[]): Generator<[query: number, key: number]> {
  let start = 0;
  for (const length of lengths) {
    for (let query = start; query < start + length; query++) {
      for (let key = start; key < start + length; key++) yield [query, key];
    }
    start += length;
  }
}

/** A layout, or undefined where the mask is refused because no kernel runs it. */
function laidOut(mask: AttentionMask, text: MaskTokens): Layout | undefined {
  try {
    return mask.layout(text);
  } catch (error) {
    if (!(error instanceof CallerError)) throw error;
    expect(error.message).toMatch(/^mask ".*", which no kernel runs exactly; expected .*$/);
    return undefined;
  }
}

/** The bias of a layout for two of the caller's tokens. */
function biasIn(layout: Layout, head = 0): TokenBias {
  const biasOf = pairBiases(layout, layout.heads.find(({ heads }) => heads?.includes(head) ?? true)!);
  const rowOf = new Map([...layout.order].map((token, row) => [token, row]));
  return (query, key) => biasOf(rowOf.get(query)!, rowOf.get(key)!);
}

function expectPairs(layout: Layout, text: Text, expected: TokenBias, head = 0): void {
  const found = biasIn(layout, head);
  for (const [query, key] of pairsOf(text.lengths)) {
    expect(found(query, key), `${query} to ${key}`).toBe(expected(query, key));
  }
}

function countOf(text: Text, exists: TokenBias): number {
  return [...pairsOf(text.lengths)].filter(([query, key]) => exists(query, key) !== undefined).length;
}

/** The share of pairs that 1, 2, … `layers` layers join, by a walk from every query. */
function walked(text: Text, layersOf: (layer: number) => TokenBias[], layers: number): number[] {
  const pairs = [...pairsOf(text.lengths)];
  return Array.from({ length: layers }, (_, last) => {
    const joined = pairs.filter(([query, key]) => {
      let reached = new Set([query]);
      for (let layer = last; layer >= 0; layer--) {
        const masks = layersOf(layer);
        const next = pairs.filter(
          ([from, to]) => reached.has(from) && masks.some((is) => is(from, to) !== undefined),
        );
        reached = new Set([...reached, ...next.map(([, to]) => to)]);
      }
      return reached.has(key);
    });
    return joined.length / pairs.length;
  });
}

const RULES: RuleSet = {
  name: 'two',
  tags: ['a', 'b'],
  hard: [['a', 'b']],
  soft: [['b', 'a']],
  beta: 2,
};

const anyRandom = anySeed.map(generator);

describe('masks compose', () => {
  it('pair by pair, or are refused', () => {
    let laid = 0;
    let composed = 0;
    fc.assert(
      fc.property(anyRandom, (random) => {
        const { mask, bias } = randomMask(random, 3);
        const text = randomText(random);
        const layout = laidOut(mask, text);
        composed++;
        if (!layout) return;
        laid++;
        const expected = bias(text);
        expectPairs(layout, text, expected);
        expect(layout.pairCounts.useful).toBe(countOf(text, expected));
      }),
      runs(400),
    );
    expect(laid / composed).toBeGreaterThan(0.5);
  });

  it('head by head, with masks of one head for all, and share the tables of equal heads', () => {
    fc.assert(
      fc.property(anyRandom, (random) => {
        const [one, other] = [ofRules(random), ofRules(random)];
        const text = randomText(random);
        const heads = AttentionMask.perHead([one.mask, other.mask, one.mask]);
        const layout = heads.and(AttentionMask.causal()).layout(text);
        expect(layout.heads.map((head) => head.heads)).toEqual([[0, 2], [1]]);
        [one, other, one].forEach(({ bias }, head) => {
          const whole = bias(text);
          expectPairs(layout, text, (query, key) => (key <= query ? whole(query, key) : undefined), head);
        });
      }),
      runs(40),
    );
  });

  it('over rules about other tags, which forbid what they do not list', () => {
    const otherRules: RuleSet = { ...RULES, tags: ['b', 'c'], hard: [['c', 'b']], soft: [] };
    const mask = AttentionMask.fromRules(RULES).or(AttentionMask.fromRules(otherRules));
    expect(mask.tags).toEqual(['a', 'b', 'c']);
    const found = biasIn(mask.layout({ tags: ['a', 'b', 'c'] }));
    const exists = (query: number, key: number) => found(query, key) !== undefined;
    const listed = [...pairsOf([3])].filter(([query, key]) => exists(query, key));
    expect(listed).toEqual([
      [0, 1],
      [2, 1],
    ]);
  });

  it('over labels of several kinds, with the combinations that occur', () => {
    const speaks: RuleSet = {
      name: 'own turn',
      tags: Array.from({ length: 40 }, (_, speaker) => speaker),
      hard: Array.from({ length: 40 }, (_, speaker) => [speaker, speaker] as const),
      soft: [],
      beta: 0,
    };
    const mask = AttentionMask.fromRules(RULES).and(
      AttentionMask.fromRules(speaks, 'hard', { labels: 'turn' }),
    );
    const tags: Tag[] = Array.from({ length: 64 }, (_, token) => 'ab'[token % 2]);
    const turn = tags.map((_, token) => Math.floor(token / 2));
    const layout = mask.layout({ tags, labels: { turn } });
    expect(layout.heads[0].table!.size).toBe(64);
    expect(layout.pairCounts.useful).toBe(32);
    const more = { tags: [...tags, 'a'], labels: { turn: [...turn, 39] } };
    expect(callerErrorOf(() => mask.layout(more)).message).toBe(
      '65 combinations of labels; expected 1 to 64',
    );
    expect(callerErrorOf(() => mask.layout({ tags })).message).toContain('without labels "turn"');
    expect(callerErrorOf(() => mask.layout({ tags, labels: { turn: [1] } })).message).toBe(
      'labels of 1 tokens; expected 64',
    );
  });

  const refused: [string, AttentionMask][] = [
    ['what is beyond a window', AttentionMask.window(3).not()],
    ['a window within a sentence', AttentionMask.window(3).and(AttentionMask.sentence())],
    ['causal order for some pairs alone', AttentionMask.causal().or(AttentionMask.fromRules(RULES))],
    [
      'biases of two sizes within scopes',
      AttentionMask.fromRules(RULES, 'soft', { beta: 1 })
        .and(AttentionMask.fromRules({ ...RULES, soft: [['a', 'a']] }, 'soft', { beta: 3 }))
        .and(AttentionMask.window(2)),
    ],
    [
      'learned biases for some pairs alone',
      AttentionMask.fromRules(RULES, 'learned').and(AttentionMask.window(2)),
    ],
  ];
  it.each(refused)('but not to %s', (_, mask) => {
    expect(laidOut(mask, { tags: ['a', 'b', 'a', 'a'] })).toBeUndefined();
  });

  it('but not for other numbers of heads', () => {
    const of = (heads: number) =>
      AttentionMask.perHead(Array.from({ length: heads }, () => AttentionMask.fromRules(RULES)));
    expect(callerErrorOf(() => of(2).and(of(3))).message).toContain(
      'for 1 layers of 3 heads; expected 1 of 2',
    );
    expect(callerErrorOf(() => AttentionMask.perHead([of(2)])).message).toContain('of several heads');
    expect(callerErrorOf(() => AttentionMask.perHead([])).message).toContain('an empty list of masks');
  });
});

describe('a mask', () => {
  it('takes tags that no rule is about, after those of its rules, once each', () => {
    const mask = AttentionMask.fromRules(RULES, 'guided').withTags(['b', 'z', 7, 'z']);
    expect(mask.tags).toEqual(['a', 'b', 'z', 7]);
    const layout = mask.layout({ tags: ['a', 'z', 'b', 7] });
    const found = biasIn(layout);
    const existing = [...pairsOf([4])].filter(([query, key]) => found(query, key) !== undefined);
    expect(existing).toEqual([
      [0, 2],
      [2, 0],
    ]);
  });

  it('takes indexes of tags as it does tags', () => {
    const mask = AttentionMask.fromRules(RULES, 'guided');
    const [tags, indexes] = [['b', 'a', 'a'], Uint8Array.of(1, 0, 0)];
    const [byName, byIndex] = [mask.layout({ tags }), mask.layout({ tagIndexes: indexes })];
    expect(byIndex.heads[0].queryTiles).toEqual(byName.heads[0].queryTiles);
    expect([...byIndex.tags]).toEqual([...byName.tags]);
    expect(callerErrorOf(() => mask.layout({ tagIndexes: Uint8Array.of(0, 2) })).message).toBe(
      'tagIndexes[1]: tag index 2; expected 0 to 1',
    );
  });

  it('keeps tokens of a sentence together where no pair leaves its sentence', () => {
    const text = { tags: [...'abab'], sentences: [0, 0, 1, 1] };
    const layouts = [AttentionMask.sentence(), AttentionMask.fromRules(RULES).and(AttentionMask.sentence())];
    for (const mask of layouts) expect(mask.layout(text).sequences[0].bySentence).toBe(true);
  });

  it('of causal order needs no tags, and a mask of all pairs is dense', () => {
    const kindOf = (mask: AttentionMask) => mask.layout({ lengths: [5, 2] }).kind;
    expect(kindOf(AttentionMask.all())).toBe('dense');
    expect(kindOf(AttentionMask.all().and(AttentionMask.all()))).toBe('dense');
    expect(kindOf(AttentionMask.causal())).toBe('sparse');
    expect(AttentionMask.causal().layout({ lengths: [5, 2] }).pairCounts.useful).toBe(15 + 3);
    expect(callerErrorOf(() => AttentionMask.causal().layout({})).message).toContain(
      'neither lengths nor tags',
    );
  });

  it('reports its density, and the closure that walks from token to token find', () => {
    fc.assert(
      fc.property(anyRandom, fc.boolean(), (random, isPerLayer) => {
        const described = [0, 1, 2].map(() => (random() < 0.7 ? ofRules(random) : leaf(random)));
        const text = { ...randomText(random), lengths: [9, 0, 4] };
        const cut = { ...text, tags: Array.from({ length: 13 }, () => TAGS[randomInteger(random, 0, 3)]) };
        const labels = { speaker: cut.tags.map(() => SPEAKERS[randomInteger(random, 0, 2)]) };
        const tokens: Text = { ...cut, labels, sentences: randomSentences(random, [9, 0, 4], 0.1) };
        const [a, b, c] = described;
        const mask = isPerLayer
          ? AttentionMask.perHead([
              [a.mask, b.mask],
              [c.mask, b.mask],
            ])
          : a.mask;
        const layout = laidOut(mask, tokens);
        if (!layout) return;
        const heads = (isPerLayer ? [a, b, c, b] : [a]).map(({ bias }) => bias(tokens));
        const pairs = heads.map((exists) => countOf(tokens, exists));
        const mean = pairs.reduce((sum, count) => sum + count, 0) / heads.length / (81 + 16);
        expect(mask.density(tokens)).toBeCloseTo(mean, 12);
        const layersOf = (layer: number) =>
          isPerLayer ? heads.slice(2 * (layer % 2), 2 * (layer % 2) + 2) : heads;
        expect(mask.closure(tokens, 3)).toEqual(walked(tokens, layersOf, 3));
      }),
      runs(60),
    );
  });

  it('draws itself', () => {
    const tags = ['a', 'b', 'a', 'b'];
    expect(AttentionMask.fromRules(RULES, 'guided').draw({ tags })).toBe('·█·█\n▓·▓·\n·█·█\n▓·▓·');
    expect(AttentionMask.causal().draw({ lengths: [2, 5] }, { sequence: 1, most: 3 })).toBe('░··\n█░·\n███');
    const picture = AttentionMask.fromRules(RULES, 'guided').picture({ tags }, { most: 2 });
    expect(picture).toMatchObject({ block: 2, size: 2 });
    expect([...picture.shares]).toEqual([0.5, 0.5, 0.5, 0.5]);
    expect([...picture.biases]).toEqual([1, 1, 1, 1]);
    expect(formatPicture(picture)).toBe('░░\n░░');
  });

  it('refuses rules, strategies and β that make no sense', () => {
    const refusal = (...args: Parameters<typeof AttentionMask.fromRules>) =>
      callerErrorOf(() => AttentionMask.fromRules(...args)).message;
    expect(refusal('papers')).toContain('no rules named "papers"');
    expect(refusal(RULES, 'hart' as Strategy)).toContain(
      'unknown strategy "hart"; expected one of: none, hard',
    );
    expect(refusal(RULES, 'soft', { beta: Number.NaN })).toContain('β is NaN');
    expect(callerErrorOf(() => AttentionMask.window(-1)).message).toContain('scope -1');
    const tags = Array.from({ length: 65 }, (_, tag) => tag);
    expect(callerErrorOf(() => AttentionMask.fromRules(RULES).withTags(tags)).message).toBe(
      '67 tags; expected 1 to 64',
    );
  });
});
