import type { KernelConstants } from '../../gpu/kernel.js';
import { matrixConstants } from '../../gpu/subgroup-matrices.js';
import { TYPICAL_GPU } from '../../plan/machine.js';
import { COUNTING_TILE, type TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice } from './family.js';
import { maskConstants } from './wide.js';

const MATRIX_TILE: TileConfig = { ...COUNTING_TILE, family: 'matrix', rowBlock: 16, steps: [32] };

/** Channels of a head with padding, and columns of a step: both matrices of a step fit workgroup memory. */
function sizesOf(headDim: number): KernelConstants {
  if (headDim <= 32) return { WIDTH: 32, STEP: 32 };
  return headDim <= 64 ? { WIDTH: 64, STEP: 32 } : { WIDTH: 128, STEP: 16 };
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
      constants: { ...matrixConstants(matrices), ...sizesOf(pass.headDim), ...maskConstants(pass) },
      depth: pass.name === 'backward_key_value' ? Math.ceil(pass.headDim / 64) : 1,
    }),
  };
};
