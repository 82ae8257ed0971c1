import type { KernelConstants } from '../../gpu/kernel.js';
import { COUNTING_TILE, type TileShape } from '../../plan/tiles.js';
import type { KernelFamily, Pass } from './family.js';

export const WIDE_TILE: TileShape = {
  ...COUNTING_TILE,
  family: 'wide',
  // From two steps of 128 columns on: they are a dispatch of their own.
  lone: { from: 256, pairCost: 1 },
};

/**
 * Into how many parts a kernel shares a step's columns out, so that each of its invocations owns `vectors` vectors of eight of the
 * tile's rows.
 */
function partsOf(headDim: number, vectors: number): number {
  const width = 2 ** Math.ceil(Math.log2(Math.max(headDim, 32)));
  return (128 * vectors) / width;
}

function placed({ heads, placed: isPlaced }: Pass): KernelConstants {
  return heads.table ? { PLACED: isPlaced ? 1 : 0 } : {};
}

const WIDE: KernelFamily = {
  name: 'wide',
  tile: WIDE_TILE,
  // Fewer rows leave invocations idle, and make more workgroups.
  heights: [32, 16, 8],
  readsPanels: false,
  countsHeadsFirst: () => false,
  tilePass(pass) {
    const { name, headDim } = pass;
    const isKeyPass = name === 'backward_key_value';
    const parts = isKeyPass ? partsOf(Math.min(headDim, 64), 1) : partsOf(headDim, 2);
    return { constants: { PARTS: parts, ...placed(pass) }, depth: isKeyPass ? Math.ceil(headDim / 64) : 1 };
  },
  rowPass: (pass) => ({ OUTPUT_VECTORS: Math.ceil(pass.headDim / 64), ...placed(pass) }),
};

/** Work shared through workgroup memory by many invocations: for GPUs, and for whatever has no subgroups of a known size. */
export const wideFamily = () => WIDE;
