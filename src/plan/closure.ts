import * as v from 'valibot';
import { checkArgument } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { MOST_LAYERS } from '../grammar/head-rules.js';
import type { Layout } from './layout.js';
import { pairBiases } from './pair-biases.js';
import type { Sequence, TagRun } from './tag-runs.js';

const EXPECTED_LAYERS = `a whole number from 1 to ${MOST_LAYERS}`;
/** A number of layers that a model can have. */
export const layerCount = v.pipe(
  v.number(EXPECTED_LAYERS),
  v.integer(EXPECTED_LAYERS),
  v.minValue(1, EXPECTED_LAYERS),
  v.maxValue(MOST_LAYERS, EXPECTED_LAYERS),
);

/** @throws CallerError without tokens, whose shares of pairs are undefined. */
function checkTokens({ tokens }: Layout): void {
  if (tokens > 0) return;
  throw new CallerError({ what: 'a share of the pairs of no tokens', expected: 'at least one token' });
}

/** The share of all pairs of tokens that exist, the mean over heads. */
export function densityOf(layout: Layout): number {
  checkTokens(layout);
  return layout.pairCounts.useful / layout.pairCounts.dense;
}

/** Bits of a word. */
const WORD = 32;

/** For each node, as bits, the nodes that some head of a layer attends to. */
function attendedTo(layout: Layout, layer: number, nodes: readonly number[]): Uint32Array[] {
  const { headsOfLayer } = layout;
  const ofLayer = layout.heads.filter(
    ({ heads }) => heads?.some((head) => Math.floor(head / headsOfLayer) === layer) ?? true,
  );
  const biases = ofLayer.map((head) => pairBiases(layout, head));
  return nodes.map((query) => {
    const bits = new Uint32Array(Math.ceil(nodes.length / WORD));
    nodes.forEach((key, at) => {
      if (biases.some((biasOf) => biasOf(query, key) !== undefined)) bits[at >> 5] |= 1 << (at & 31);
    });
    return bits;
  });
}

function has(bits: Uint32Array, at: number): boolean {
  return ((bits[at >> 5] >>> (at & 31)) & 1) === 1;
}

/** The layers of a layout's heads. */
function layersOf({ heads, headsOfLayer }: Layout): number {
  return Math.max(1, heads.flatMap((each) => each.heads ?? []).length / headsOfLayer);
}

/** Calls `visit` with the position of each bit that is set. */
function forEachBit(bits: Uint32Array, visit: (at: number) => void): void {
  bits.forEach((word, index) => {
    for (let rest = word; rest !== 0; rest &= rest - 1) visit(WORD * index + 31 - Math.clz32(rest & -rest));
  });
}

/** Where nothing depends on positions, tokens of one tag and sentence have the same pairs: the first of them, and their number. */
function tokensAlike(runs: readonly TagRun[]): { start: number; length: number }[] {
  const found = new Map<string, { start: number; length: number }>();
  for (const { tag, sentence, start, length } of runs) {
    const tokens = found.get(`${tag} ${sentence}`);
    if (tokens) tokens.length += length;
    else found.set(`${tag} ${sentence}`, { start, length });
  }
  return [...found.values()];
}

/** The pairs of one sequence that 1, 2, … layers connect. */
function joinedPairs(layout: Layout, { runs, start, length }: Sequence, layers: number): number[] {
  const alike = layout.positional
    ? Array.from({ length }, (_, at) => ({ start: start + at, length: 1 }))
    : tokensAlike(runs);
  const nodes = alike.map((tokens) => tokens.start);
  const sizes = alike.map((tokens) => tokens.length);
  const ofLayers = Array.from({ length: layersOf(layout) }, (_, layer) => attendedTo(layout, layer, nodes));
  let reached: Uint32Array[] | undefined;
  return Array.from({ length: layers }, (_, layer) => {
    const attended = ofLayers[layer % ofLayers.length];
    const before = reached;
    reached = attended.map((keys, query) => {
      if (!before) return keys;
      const bits = before[query].map((word, at) => word | keys[at]);
      forEachBit(keys, (key) => {
        const ofKey = before[key];
        for (let word = 0; word < bits.length; word++) bits[word] |= ofKey[word];
      });
      return bits;
    });
    let pairs = 0;
    reached.forEach((bits, query) => {
      // The residual connection connects every token to itself.
      if (!has(bits, query)) pairs += sizes[query];
      forEachBit(bits, (key) => {
        pairs += sizes[query] * sizes[key];
      });
    });
    return pairs;
  });
}

/**
 * After 1, 2, … layers, the share of all pairs of tokens whose query can depend on the key: through the pairs that exist in any head of
 * each layer, and through residual connections. After the last layer of a layout, its first follows again.
 */
export function closureOf(layout: Layout, layers: number): number[] {
  checkArgument(layerCount, layers, 'layers');
  checkTokens(layout);
  const pairs = new Float64Array(layers);
  let all = 0;
  for (const sequence of layout.sequences) {
    joinedPairs(layout, sequence, layers).forEach((joined, layer) => {
      pairs[layer] += joined;
    });
    all += sequence.length ** 2;
  }
  return Array.from(pairs, (joined) => joined / all);
}
