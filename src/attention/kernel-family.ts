import type { Device } from '../gpu/device.js';
import { EngineError } from '../gpu/errors.js';
import type { KernelConstants } from '../gpu/kernel.js';
import { fitsPanels } from '../gpu/panels.js';
import { SUBGROUP_TILES, type TileShape, WIDE_TILE } from '../plan/tiles.js';

/** One of the families of attention kernels, as an adapter wants it. */
export interface KernelFamily {
  name: TileShape['family'];
  /** The tiles that its plans must have. */
  tile: TileShape;
  /** Whether its kernels read queries, keys, values and the output's gradient from textures. */
  readsPanels: boolean;
  /** Lanes that hold the labels of a table's row; 0 where the kernels look each entry up. */
  lanes: number;
  /** Constants of the forward and the query-gradient kernel, and workgroups along z. */
  queryPass(headDim: number): { constants: KernelConstants; depth: number };
  /** The same for the key- and value-gradient kernel. */
  keyPass(headDim: number): { constants: KernelConstants; depth: number };
  /** Constants of the kernels for lone rows, where the family has them. */
  rowConstants(headDim: number): KernelConstants;
}

/**
 * Into how many parts a wide kernel shares a step's columns out, so that each of its invocations owns so many vectors of eight
 * of the tile's rows.
 */
function partsOf(headDim: number, vectors: number): number {
  const width = 2 ** Math.ceil(Math.log2(Math.max(headDim, 32)));
  return (128 * vectors) / width;
}

/** Work shared through workgroup memory by many invocations: for GPUs, and for whatever has no subgroups of a known size. */
const WIDE_FAMILY: KernelFamily = {
  name: 'wide',
  tile: WIDE_TILE,
  readsPanels: false,
  lanes: 0,
  queryPass: (headDim) => ({ constants: { PARTS: partsOf(headDim, 2) }, depth: 1 }),
  keyPass: (headDim) => ({
    constants: { PARTS: partsOf(Math.min(headDim, 64), 1) },
    depth: Math.ceil(headDim / 64),
  }),
  rowConstants: (headDim) => ({ OUTPUT_VECTORS: Math.ceil(headDim / 64) }),
};

/** The most vectors of a row that a lane holds. */
const MOST_VECTORS = 4;

/** Work shared between the lanes of a subgroup of a known size. */
function subgroupFamily(lanes: 4 | 8): KernelFamily {
  const pass = (headDim: number) => {
    const vectors = Math.ceil(headDim / 4 / lanes);
    const constants = { LANES: lanes, OUTPUT_VECTORS: Math.min(MOST_VECTORS, vectors) };
    return { constants, depth: Math.ceil(vectors / MOST_VECTORS) };
  };
  return {
    name: 'subgroup',
    tile: SUBGROUP_TILES[lanes],
    readsPanels: true,
    lanes,
    queryPass: pass,
    keyPass: pass,
    rowConstants: (headDim) => ({ LANES: lanes, VECTORS: Math.ceil(headDim / 4 / lanes) }),
  };
}

/** The widest head that any kernel runs, in numbers. */
export const WIDEST_HEAD = 128;

/**
 * The fastest family for a device and a packed batch: subgroups where they may be used and where a texture holds a head of the
 * whole batch, else what suits a GPU.
 */
export function kernelFamily(device: Device, tokens = 0): KernelFamily {
  const { lanes } = device;
  const head = { rows: tokens, panels: 1, width: WIDEST_HEAD, span: tokens, folds: true };
  return lanes && fitsPanels(device, head) ? subgroupFamily(lanes) : WIDE_FAMILY;
}

/** Every family that a device runs for a packed batch, the fastest first. */
export function kernelFamilies(device: Device, tokens = 0): KernelFamily[] {
  const fastest = kernelFamily(device, tokens);
  return fastest === WIDE_FAMILY ? [fastest] : [fastest, WIDE_FAMILY];
}

/**
 * The family that a plan was made for.
 * @throws EngineError where the device does not run it.
 */
export function familyOfTiles(device: Device, shape: TileShape, tokens: number): KernelFamily {
  const families = kernelFamilies(device, tokens);
  const family = families.find(({ name, tile: { rows, strip, steps } }) => {
    const isFamily = shape.family === name;
    return isFamily && shape.rows <= rows && shape.strip === strip && shape.steps.join() === steps.join();
  });
  if (family) return family;
  const named = ({ family: name, rows, steps }: TileShape) =>
    `${name} kernels, ${rows} rows in steps of ${steps.join(', ')}`;
  throw new EngineError({
    what: `a plan for ${named(shape)}`,
    expected: `one for this device, as for ${named(families[0].tile)}`,
  });
}
