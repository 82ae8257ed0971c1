import type { KernelConstants } from '../../gpu/kernel.js';
import { type Machine, TYPICAL_GPU } from '../../plan/machine.js';
import { COUNTING_TILE, type TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice, KernelFamily, Pass } from './family.js';

export const WIDE_TILE: TileConfig = {
  ...COUNTING_TILE,
  family: 'wide',
};

/** Columns of a step by the rows of which an invocation has the sums. Where registers are few, an invocation has half of the scores. */
const STEPS = { 8: WIDE_TILE.steps, 4: [32, 16] } as const;

/** The rows of tiles of short texts: more workgroups, each with half of the invocations. */
const SHORT_ROWS = 16;

/** The cost of such a tile, in pairs: a batch of short texts has many tiles for its few pairs. */
const SHORT_TILE_COST = 1024;

/**
 * The number of parts that share the columns of a step, so that each of the 128 invocations owns `vectors` vectors of `rowBlock` rows of
 * the tile.
 */
function partsOf(headDim: number, rowBlock: number, vectors: number): number {
  const width = 2 ** Math.ceil(Math.log2(Math.max(headDim, 32)));
  return (16 * rowBlock * vectors) / width;
}

/** The constants of masks: whether every pair exists, whether positions count, and whether tables are read as bits. */
export function maskConstants({
  heads: { table, bits, isFull },
  positional: isPositional,
  oneRange,
}: Pass): KernelConstants {
  if (!table) return {};
  return {
    ONE_RANGE: isFull ? 2 : oneRange ? 1 : 0,
    POSITIONAL: isPositional ? 1 : 0,
    LABEL_WORDS: bits?.words ?? 0,
    BIASED: bits && bits.bias !== 0 ? 1 : 0,
  };
}

/** The tiles of long and of short texts. */
function tilesOf(tile: TileConfig): Pick<KernelFamily, 'tile' | 'shortTile' | 'shortestTile'> {
  if (!tile.machine) return { tile, shortTile: tile };
  const shortTile = { ...tile, rows: SHORT_ROWS, tileCost: SHORT_TILE_COST };
  return { tile, shortTile, shortestTile: { ...shortTile, oneRange: true } };
}

/**
 * @param rowBlock Rows of a tile of which an invocation has the sums: 8, or 4 where registers are few.
 * @param machine The GPU; undefined on a software adapter.
 */
const wide = (rowBlock: 4 | 8, machine: Machine | undefined): KernelFamily => ({
  ...tilesOf({ ...WIDE_TILE, steps: STEPS[rowBlock], machine }),
  name: 'wide',
  // Tiles of 16 rows or fewer have kernels with half the invocations.
  heights: [32, 16, 8],
  readsPanels: false,
  countsHeadsFirst: () => machine !== undefined,
  kernelOf(pass) {
    const { name, headDim } = pass;
    const isKeyPass = name === 'backward_key_value';
    const parts = isKeyPass ? partsOf(Math.min(headDim, 64), rowBlock, 1) : partsOf(headDim, rowBlock, 2);
    const rows = pass.rows > SHORT_ROWS ? 32 : SHORT_ROWS;
    const [step] = STEPS[rowBlock];
    const constants = {
      TILE_ROWS: rows,
      STEP: step,
      ROW_BLOCK: rowBlock,
      PARTS: parts,
      ...maskConstants(pass),
    };
    return { constants, depth: isKeyPass ? Math.ceil(headDim / 64) : 1 };
  },
});

const SOFTWARE = wide(8, undefined);
/** As it runs on a GPU. */
export const WIDE_ON_GPU = wide(8, TYPICAL_GPU);
const WIDE_OF_FEW_REGISTERS = wide(4, TYPICAL_GPU);

/** Kernels that share work through workgroup memory: for GPUs, and for all devices without subgroups of known size. */
export const wideFamily: FamilyOnDevice = ({ isSoftware, hasManyRegisters }) => {
  if (isSoftware) return SOFTWARE;
  return hasManyRegisters ? WIDE_ON_GPU : WIDE_OF_FEW_REGISTERS;
};
