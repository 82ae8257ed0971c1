import type { Device } from '../gpu/device.js';
import { EngineError } from '../gpu/errors.js';
import type { KernelConstants } from '../gpu/kernel.js';
import { type TileShape, WORKGROUP_TILE } from '../plan/tiles.js';

/** One of the two families of attention kernels, as an adapter wants it. */
export interface KernelFamily {
  name: 'workgroup' | 'subgroup';
  /** What the names of its kernels end in. */
  suffix: '' | '_subgroup';
  /** The tiles that its plans must have. */
  tile: TileShape;
  /** Constants of the forward and the query-gradient kernel, and workgroups along z. */
  queryPass(headDim: number): { constants: KernelConstants; depth: number };
  /** The same for the key- and value-gradient kernel. */
  keyPass(headDim: number): { constants: KernelConstants; depth: number };
}

/** Work shared through workgroup memory: for every adapter. */
const WORKGROUP_FAMILY: KernelFamily = {
  name: 'workgroup',
  suffix: '',
  tile: WORKGROUP_TILE,
  queryPass: (headDim) => ({ constants: { OUTPUT_VECTORS: Math.ceil(headDim / 32) }, depth: 1 }),
  keyPass: (headDim) => ({
    constants: { OUTPUT_VECTORS: headDim > 32 ? 2 : 1 },
    depth: Math.ceil(headDim / 64),
  }),
};

/** The most vectors of a row that a lane holds. */
const MOST_VECTORS = 4;

/** Work shared between the lanes of a subgroup of a known size. */
function subgroupFamily(lanes: number): KernelFamily {
  const pass = (headDim: number) => {
    const vectors = Math.ceil(headDim / 4 / lanes);
    const constants = { LANES: lanes, OUTPUT_VECTORS: Math.min(MOST_VECTORS, vectors) };
    return { constants, depth: Math.ceil(vectors / MOST_VECTORS) };
  };
  return {
    name: 'subgroup',
    suffix: '_subgroup',
    tile: { rows: 8, strip: 8, step: 4 * lanes },
    queryPass: pass,
    keyPass: pass,
  };
}

/** The faster family for a device: subgroups where they may be used. */
export function kernelFamily({ lanes }: Device): KernelFamily {
  return lanes ? subgroupFamily(lanes) : WORKGROUP_FAMILY;
}

/**
 * The family that a plan was made for, by its tiles.
 * @throws EngineError where the device does not run it.
 */
export function familyOfTiles(device: Device, tile: TileShape): KernelFamily {
  const family = [WORKGROUP_FAMILY, kernelFamily(device)].find((candidate) => {
    return (['rows', 'strip', 'step'] as const).every((side) => candidate.tile[side] === tile[side]);
  });
  if (family) return family;
  throw new EngineError({
    what: `a plan with tiles of ${tile.rows} rows, in steps of ${tile.step}`,
    expected: `one for this device, ${kernelFamily(device).tile.rows} rows in steps of ${kernelFamily(device).tile.step}`,
  });
}
