import type { Device } from '../gpu/device.js';
import type { Plan } from '../plan/plan.js';
import type { TileShape } from '../plan/tiles.js';
import { familiesOn } from './families/families.js';

/** A way to run attention: the tiles that plans are cut into, and with them the family of kernels. */
export interface KernelVariant {
  /** The family, the rows of a tile and, where it steers the plan, what a tile is said to cost. */
  name: string;
  tile: TileShape;
}

/**
 * What a tile is said to cost beside its pairs, in pairs. The more, the sooner runs share a tile, and their pairs are tested
 * one by one, instead of having tiles of their own.
 */
const TILE_COSTS = [64, 256, 1024];

function variant(family: string, kind: Plan['kind'], tile: TileShape): KernelVariant {
  const cost = kind === 'dense' ? '' : `, cost ${tile.tileCost}`;
  return { name: `${family}, ${tile.rows} rows${cost}`, tile };
}

/** Every variant that a device runs for plans of a kind, each once; the first is what runs where nothing was measured. */
export function kernelVariants(device: Device, kind: Plan['kind'], tokens = 0): KernelVariant[] {
  const families = familiesOn(device, tokens);
  const { name, tile } = families[0];
  const costs = kind === 'dense' ? [tile.tileCost] : TILE_COSTS;
  const all = [variant(name, kind, tile)];
  for (const tileCost of costs) all.push(variant(name, kind, { ...tile, tileCost }));
  // A software adapter takes minutes to compile the kernels of GPUs, and they have never won there.
  for (const family of device.isSoftware ? families.slice(0, 1) : families)
    for (const rows of family.heights) all.push(variant(family.name, kind, { ...family.tile, rows }));
  return all.filter(({ name: own }, index) => all.findIndex((other) => other.name === own) === index);
}
