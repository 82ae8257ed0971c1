import type { KernelConstants } from '../../gpu/kernel.js';
import { matrixConstants } from '../../gpu/subgroup-matrices.js';
import { TYPICAL_GPU } from '../../plan/machine.js';
import { COUNTING_TILE, type TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice, Pass, PassName } from './family.js';
import { maskConstants } from './wide.js';

const MATRIX_TILE: TileConfig = { ...COUNTING_TILE, family: 'matrix', rowBlock: 16, steps: [32, 16] };

/** The widest heads of which 32 columns of a step fit 16 KiB of workgroup memory, with their products and weights. */
const WIDEST_OF_32: Readonly<Record<PassName, number>> = {
  forward: 64,
  backward_query: 32,
  backward_key_value: 0,
};

/** Channels of a head with padding. */
export function paddedChannels(headDim: number): number {
  return headDim <= 32 ? 32 : headDim <= 64 ? 64 : 128;
}

/** Those, and the columns of a step. */
function sizesOf({ name, headDim }: Pass): KernelConstants {
  const width = paddedChannels(headDim);
  return { WIDTH: width, STEP: width <= WIDEST_OF_32[name] ? 32 : 16 };
}

/** Kernels of precision f16, on a device that was opened for it. */
export const matrixFamily: FamilyOnDevice = ({ matrices, isSoftware }) => {
  if (!matrices) return undefined;
  const tile = { ...MATRIX_TILE, machine: isSoftware ? undefined : TYPICAL_GPU };
  return {
    name: 'matrix',
    tile,
    shortTile: tile,
    heights: [32, 16],
    readsPanels: false,
    roundsOperands: true,
    countsHeadsFirst: () => !isSoftware,
    kernelOf: (pass) => ({
      constants: { ...matrixConstants(matrices), ...sizesOf(pass), ...maskConstants(pass) },
      depth: pass.name === 'backward_key_value' ? Math.ceil(pass.headDim / 64) : 1,
    }),
  };
};
