import fc from 'fast-check';
import { referenceTokenBias, type TokenBias } from '../../bench/reference-pairs.js';
import { SUBGROUP_TILES } from '../../src/attention/families/subgroup.js';
import { WIDE_TILE } from '../../src/attention/families/wide.js';
import { type PairTable, pairTable } from '../../src/grammar/pair-table.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { type HeadLayout, type Layout, sparseLayout } from '../../src/plan/layout.js';
import { type Machine, TYPICAL_GPU } from '../../src/plan/machine.js';
import type { Tile, TileConfig } from '../../src/plan/tiles.js';
import { anySeed } from '../support/arbitraries.js';
import { generator, randomInteger } from '../support/random.js';
import { randomRules, randomSentences, type ScopeKind } from '../support/random-rules.js';

/** A packed batch of tagged tokens, and rules of which tag sees which. */
export interface TaggedBatch {
  tags: Uint8Array;
  lengths: number[];
  /** One for all heads, or one for each; equal objects are the same rules. */
  rules: RuleSet[];
  strategy: Strategy;
  sentences: Uint32Array | undefined;
  causal: boolean;
  tileConfig: TileConfig;
}

/** A GPU on which parts cost nothing and no multiprocessor is ever full: every tile of more than one step is split. */
export const SPLITS_ALWAYS: Machine = {
  ...TYPICAL_GPU,
  multiprocessors: 1e6,
  launch: 0,
  start: 0,
  combine: 0,
  bandwidth: Number.POSITIVE_INFINITY,
};

export type Side = 'queries' | 'keys';

export const SIDES: readonly Side[] = ['queries', 'keys'];

/** The tiles of every family, with and without a machine. */
const SHAPES: readonly TileConfig[] = [
  WIDE_TILE,
  { ...WIDE_TILE, machine: TYPICAL_GPU },
  { ...WIDE_TILE, rows: 16, machine: SPLITS_ALWAYS },
  { ...WIDE_TILE, rows: 16, oneRange: true },
  { ...SUBGROUP_TILES[4], page: undefined },
  { ...SUBGROUP_TILES[8], page: undefined },
];

export const anyTileConfig = fc.constantFrom(...SHAPES);

/** Around the edges of tiles, and long enough for many tiles. Few are long, since the checks visit every pair. */
const anyLength = fc.oneof(
  { weight: 25, arbitrary: fc.constantFrom(0, 1, 2, 3, 17, 31, 32, 33, 63, 64, 65) },
  { weight: 1, arbitrary: fc.constant(257) },
);

/** Not `fc.double`, which spreads over exponents: nearly all of its shares are next to 0. */
const anyShare = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom(0, 1) },
  { weight: 4, arbitrary: fc.integer({ min: 1, max: 99 }).map((percent) => percent / 100) },
);

const anyScopeKinds = fc.constantFrom<readonly ScopeKind[]>(
  ['document'],
  ['document'],
  ['sentence'],
  ['window'],
  ['sentence', 'window'],
  ['document', 'sentence', 'window'],
);

interface Shape {
  tagCount: number;
  /** Share of the pairs of tags that rules name. */
  density: number;
  /** Share of these pairs whose rule is soft. */
  soft: number;
  /** Share of the tags that occur. */
  used: number;
  /** Share of the tokens that belong to no sentence. */
  ofDocument: number;
  /** The kinds of scopes of each rule set. */
  scopes: readonly (readonly ScopeKind[])[];
  strategy: Strategy;
  /** The number of each head's rule set, or one for all heads. */
  rulesOfHeads: readonly number[];
  causal: boolean;
  withSentences: boolean;
  tileConfig: TileConfig;
  lengths: number[];
  seed: number;
}

const anyShape: fc.Arbitrary<Shape> = fc.record({
  tagCount: fc.oneof(
    { weight: 8, arbitrary: fc.integer({ min: 1, max: 8 }) },
    { weight: 1, arbitrary: fc.integer({ min: 9, max: 64 }) },
    { weight: 1, arbitrary: fc.constant(64) },
  ),
  density: anyShare,
  soft: anyShare,
  used: anyShare,
  ofDocument: fc.constantFrom(0, 0.1, 0.5),
  scopes: fc.tuple(anyScopeKinds, anyScopeKinds),
  strategy: fc.constantFrom<Strategy>('hard', 'soft', 'guided', 'guided', 'learned'),
  rulesOfHeads: fc.constantFrom<readonly number[]>([0], [0], [0], [0, 1], [0, 1, 0], [0, 0]),
  causal: fc.constantFrom(false, false, true),
  withSentences: fc.boolean(),
  tileConfig: anyTileConfig,
  lengths: fc.array(anyLength, { maxLength: 4, size: 'max' }),
  seed: anySeed,
});

function batchOf(shape: Shape): TaggedBatch {
  const { tagCount, used, lengths, seed, rulesOfHeads, scopes } = shape;
  const random = generator(seed);
  const names = Array.from({ length: tagCount }, (_, index) => `t${index}`);
  const distinct = [...new Set(rulesOfHeads)].map((index) =>
    randomRules(
      random,
      names,
      { ...shape, scopes: scopes[index], betas: [5, -3, 0.25, 0] },
      `rules ${index}`,
    ),
  );
  const carried = Array.from({ length: tagCount }, (_, tag) => tag).filter(() => random() <= used);
  if (carried.length === 0) carried.push(randomInteger(random, 0, tagCount - 1));
  const tokens = lengths.reduce((total, length) => total + length, 0);
  const draw = () => carried[randomInteger(random, 0, carried.length - 1)];
  return {
    tags: Uint8Array.from({ length: tokens }, draw),
    lengths,
    rules: rulesOfHeads.map((index) => distinct[index]),
    strategy: shape.strategy,
    sentences: shape.withSentences ? randomSentences(random, lengths, shape.ofDocument) : undefined,
    causal: shape.causal,
    tileConfig: shape.tileConfig,
  };
}

export const anyBatch: fc.Arbitrary<TaggedBatch> = anyShape.map(batchOf);

/** Batches without scopes: only tags decide, and the order of tokens where attention is causal. */
export const anyUnscopedBatch: fc.Arbitrary<TaggedBatch> = anyShape.map((shape) =>
  batchOf({ ...shape, scopes: [['document'], ['document']] }),
);

/**
 * Batches with any number of tags, most of which occur, inside and outside of sentences. A sequence has up to two tag runs
 * for each tag; where all pairs are within sentences, one for each tag of each sentence. Rules have scopes in some heads only.
 */
export const anyCrowdedBatch: fc.Arbitrary<TaggedBatch> = anyShape.chain((shape) =>
  fc
    .record({
      tagCount: fc.integer({ min: 1, max: 64 }),
      density: fc.constantFrom(0.02, 0.1, 0.5, 0.95),
      used: fc.constantFrom(0.5, 1, 1),
      ofDocument: fc.constantFrom(0.1, 0.5, 0.9),
      scopes: fc.constantFrom<Shape['scopes']>(
        [['document'], ['sentence']],
        [['document'], ['sentence']],
        [['document'], ['window', 'sentence']],
        [['sentence'], ['sentence']],
      ),
      rulesOfHeads: fc.constantFrom([0, 1], [1, 0], [0, 1, 0]),
      causal: fc.boolean(),
      withSentences: fc.constant(true),
      lengths: fc.array(fc.integer({ min: 1, max: 140 }), { minLength: 1, maxLength: 2 }),
    })
    .map((crowded) => batchOf({ ...shape, ...crowded })),
);

/** The pair tables of a batch, one for each of its rule sets. */
export function tablesOf({ rules, strategy }: TaggedBatch): PairTable[] {
  const tables = new Map(rules.map((each) => [each, pairTable(each, strategy)]));
  return rules.map((each) => tables.get(each)!);
}

export function layoutOf(batch: TaggedBatch, tables: readonly PairTable[] = tablesOf(batch)): Layout {
  const { tags, lengths, sentences, causal, tileConfig } = batch;
  const one = tables.length === 1 ? tables[0] : tables;
  return sparseLayout({ tags, lengths, tables: one, sentences, causal }, tileConfig);
}

/** The first token of each sequence and one past its last. */
export function spansOf(lengths: ArrayLike<number>): [start: number, end: number][] {
  let end = 0;
  return Array.from(lengths, (length): [number, number] => {
    end += length;
    return [end - length, end];
  });
}

/** The value of learned biases: any number but 0, since no kernel may skip them. */
export const LEARNED = 1;

/** The bias of a head's rules for two of the caller's tokens, or undefined where the pair does not exist. */
export function biasesOf({ rules, strategy, tags, sentences, causal }: TaggedBatch, head = 0): TokenBias {
  const names = Array.from(tags, (tag) => rules[head].tags[tag]);
  return referenceTokenBias(rules[head], strategy, names, { sentences, causal, learned: () => LEARNED });
}

/** The layout of a head's tiles, and that head. */
export function headLayouts(layout: Layout): { head: number; headLayout: HeadLayout }[] {
  return layout.heads.map((headLayout) => ({ head: headLayout.heads?.[0] ?? 0, headLayout }));
}

export function tilesOf({ queryTiles, keyTiles }: HeadLayout, side: Side): Tile[] {
  return side === 'queries' ? queryTiles : keyTiles;
}

/**
 * The pairs that a kernel multiplies for a tile: whole row blocks and whole steps of columns, the last one as short as possible.
 */
export function executedIn(tile: Tile, tileConfig: TileConfig): number {
  const { rowCount, paddedColumns } = tile;
  const { rowBlock, steps } = tileConfig;
  let columns = 0;
  while (paddedColumns - columns > 0) {
    const fitting = steps.filter((step) => step >= paddedColumns - columns);
    columns += fitting.length > 0 ? Math.min(...fitting) : Math.max(...steps);
  }
  return Math.ceil(rowCount / rowBlock) * rowBlock * columns;
}
