import { EngineError } from '../../base/errors.js';
import type { Precision } from '../../base/precision.js';
import type { Device } from '../../gpu/device.js';
import { checkPrecision } from '../../gpu/subgroup-matrices.js';
import type { TileConfig } from '../../plan/tiles.js';
import type { FamilyOnDevice, KernelFamily } from './family.js';
import { matrixFamily } from './matrix.js';
import { subgroupFamily } from './subgroup.js';
import { wideFamily } from './wide.js';

/** The families of kernels for precision f32, each a folder of kernels/attention/. The first that a device runs is its fastest. */
const FAMILIES: readonly FamilyOnDevice[] = [subgroupFamily, wideFamily];

/** The families that a device runs for a packed batch of `tokens` tokens in a precision, the expected fastest first. */
export function familiesOn(device: Device, tokens = 0, precision: Precision = 'f32'): KernelFamily[] {
  const families = precision === 'f16' ? [matrixFamily] : FAMILIES;
  return families.flatMap((family) => family(device, tokens) ?? []);
}

/**
 * The expected fastest family of a precision.
 * @throws CallerError for f16, where the device was not opened for it.
 */
export function fastestFamily(device: Device, tokens = 0, precision: Precision = 'f32'): KernelFamily {
  checkPrecision(device, precision);
  return familiesOn(device, tokens, precision)[0];
}

/**
 * The family for which a plan was made.
 * @throws EngineError where the device does not run it.
 */
export function familyOfTiles(device: Device, config: TileConfig, tokens: number): KernelFamily {
  const families = [...familiesOn(device, tokens), ...familiesOn(device, tokens, 'f16')];
  const family = families.find(({ name, tile: { rows, rowBlock, steps } }) => {
    const isFamily = config.family === name;
    return (
      isFamily && config.rows <= rows && config.rowBlock === rowBlock && config.steps.join() === steps.join()
    );
  });
  if (family) return family;
  const named = ({ family: name, rows, steps }: TileConfig) =>
    `${name} kernels, ${rows} rows in steps of ${steps.join(', ')}`;
  throw new EngineError({
    what: `a plan for ${named(config)}`,
    expected: `one for this device, as for ${named(families[0].tile)}`,
  });
}
