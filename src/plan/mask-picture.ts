import type { Layout } from './layout.js';
import { pairBiases } from './pair-biases.js';
import { inverseOf } from './tag-runs.js';

/** One sequence of a mask as a matrix of square blocks, queries down and keys across, in the text's order. */
export interface MaskPicture {
  /** Tokens on a side of a block. */
  block: number;
  /** Blocks on a side of the matrix. */
  size: number;
  /** [size, size]: the share of a block's pairs that exist. */
  shares: Float32Array;
  /** [size, size]: the mean bias of the pairs that exist, 0 where none exists. Learned biases count as 0. */
  biases: Float32Array;
}

/** The picture of a sequence. @param most The most blocks on a side. @param head Numbers continue from layer to layer. */
export function pictureOf(layout: Layout, sequence: number, head: number, most: number): MaskPicture {
  const { start, length } = layout.sequences[sequence];
  const biasOf = pairBiases(layout, layout.heads.find(({ heads }) => heads?.includes(head) ?? true)!);
  const placeOf = inverseOf(layout.order);
  const block = Math.max(1, Math.ceil(length / most));
  const size = Math.ceil(length / block);
  const [existing, sums] = [new Float64Array(size * size), new Float64Array(size * size)];
  for (let query = 0; query < length; query++) {
    for (let key = 0; key < length; key++) {
      const bias = biasOf(placeOf[start + query], placeOf[start + key]);
      if (bias === undefined) continue;
      const at = Math.floor(query / block) * size + Math.floor(key / block);
      existing[at]++;
      sums[at] += bias;
    }
  }
  const side = (at: number) => Math.min(block, length - at * block);
  return {
    block,
    size,
    shares: Float32Array.from(
      existing,
      (pairs, at) => pairs / (side(Math.floor(at / size)) * side(at % size)),
    ),
    biases: Float32Array.from(sums, (sum, at) => (existing[at] > 0 ? sum / existing[at] : 0)),
  };
}

/** A picture as text, a line for each row of blocks: █ all pairs exist, ▓ all with a bias, ░ some, · none. */
export function formatPicture({ size, shares, biases }: MaskPicture): string {
  const mark = (share: number, bias: number) => {
    if (share === 0) return '·';
    if (share < 1) return '░';
    return bias === 0 ? '█' : '▓';
  };
  return Array.from({ length: size }, (_, row) => {
    const cells = Array.from({ length: size }, (__, column) => row * size + column);
    return cells.map((at) => mark(shares[at], biases[at])).join('');
  }).join('\n');
}
