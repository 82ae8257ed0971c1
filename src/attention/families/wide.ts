import type { KernelConstants } from '../../gpu/kernel.js';
import { COUNTING_TILE, type TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice, KernelFamily, Pass, PassName } from './family.js';

export const WIDE_TILE: TileConfig = {
  ...COUNTING_TILE,
  family: 'wide',
  // Two steps of 128 columns: global tokens need a separate dispatch.
  globalTokens: { from: 256, pairCost: 1 },
};

/**
 * The number of parts that share the columns of a step, so that each of the 128 invocations owns `vectors` vectors of `rowBlock` rows of
 * the tile.
 */
function partsOf(headDim: number, rowBlock: number, vectors: number): number {
  const width = 2 ** Math.ceil(Math.log2(Math.max(headDim, 32)));
  return (16 * rowBlock * vectors) / width;
}

function positionalConstants({ heads, positional: isPositional }: Pass): KernelConstants {
  return heads.table ? { POSITIONAL: isPositional ? 1 : 0 } : {};
}

/** Columns a step of the kernels for global tokens with two vectors an invocation, where registers are few. */
const SHORT_STEPS: Record<PassName, number> = { forward: 64, backward_query: 64, backward_key_value: 32 };

/** @param rowBlock Rows of a tile of which an invocation has the sums: 8, or 4 where registers are few. */
const wide = (rowBlock: 4 | 8): KernelFamily => ({
  name: 'wide',
  tile: WIDE_TILE,
  // Fewer rows leave invocations idle, and make more workgroups.
  heights: [32, 16, 8],
  readsPanels: false,
  countsHeadsFirst: () => false,
  tilePass(pass) {
    const { name, headDim } = pass;
    const isKeyPass = name === 'backward_key_value';
    const parts = isKeyPass ? partsOf(Math.min(headDim, 64), rowBlock, 1) : partsOf(headDim, rowBlock, 2);
    const constants = { ROW_BLOCK: rowBlock, PARTS: parts, ...positionalConstants(pass) };
    return { constants, depth: isKeyPass ? Math.ceil(headDim / 64) : 1 };
  },
  rowPass(pass) {
    const vectors = Math.ceil(pass.headDim / 64);
    const steps: KernelConstants = rowBlock === 4 && vectors > 1 ? { STEP: SHORT_STEPS[pass.name] } : {};
    return { OUTPUT_VECTORS: vectors, ...steps, ...positionalConstants(pass) };
  },
});

const [WIDE, WIDE_OF_FEW_REGISTERS] = [wide(8), wide(4)];

/** Kernels that share work through workgroup memory: for GPUs, and for all devices without subgroups of known size. */
export const wideFamily: FamilyOnDevice = ({ hasManyRegisters }) =>
  hasManyRegisters ? WIDE : WIDE_OF_FEW_REGISTERS;
