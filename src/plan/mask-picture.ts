import * as v from 'valibot';
import { checkArgument, options as fields } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { positiveWhole, whole } from '../base/json-schemas.js';
import type { Layout } from './layout.js';
import { pairBiases } from './pair-biases.js';
import { inverseOf } from './tag-runs.js';

/** One sequence of a mask as a matrix of square blocks, queries down and keys across, in the text's order. */
export interface MaskPicture {
  /** Tokens on a side of a block. */
  block: number;
  /** Blocks on a side of the matrix. */
  size: number;
  /** For each block, [size, size], the share of its pairs that exist. */
  shares: Float32Array;
  /** For each block, [size, size], the mean bias of its pairs that exist, 0 where none exists. Learned biases count as 0. */
  biases: Float32Array;
}

/** Which part of a mask is drawn. */
export interface PictureOptions {
  /** The first sequence by default. */
  sequence?: number;
  /** Numbers continue from layer to layer; the first head by default. */
  head?: number;
  /** The most blocks on a side; 64 by default. */
  most?: number;
}

const PICTURE = fields({
  sequence: v.optional(whole),
  head: v.optional(whole),
  most: v.optional(positiveWhole),
});

/** The picture of a sequence. @throws CallerError where there is no such sequence or head. */
export function pictureOf(layout: Layout, options: PictureOptions): MaskPicture {
  checkArgument(PICTURE, options, 'options');
  const { sequence = 0, head = 0, most = 64 } = options;
  const found = layout.sequences[sequence];
  const ofHead = layout.heads.find(({ heads }) => heads?.includes(head) ?? true);
  if (!found || !ofHead) {
    throw new CallerError({
      what: found ? `head ${head}` : `sequence ${sequence}`,
      expected: found ? 'a head of the mask, from 0' : `one of ${layout.sequences.length}, counted from 0`,
    });
  }
  const { start, length } = found;
  const biasOf = pairBiases(layout, ofHead);
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
