import type { Precision } from '../base/precision.js';
import type { Device } from '../gpu/device.js';
import type { KernelConstants, KernelName } from '../gpu/kernel.js';
import { fitsPanels, type PanelShape } from '../gpu/panels.js';
import { matrixConstants } from '../gpu/subgroup-matrices.js';

/** y = x Wᵀ + b over `rows` rows. `inputs` and `outputs` are multiples of four. */
export interface LinearShape {
  rows: number;
  inputs: number;
  outputs: number;
  /**
   * Layers side by side with the same input and the same number of outputs, a multiple of 64; 1 by default. `outputs` is of all of
   * them, and y is a matrix for each, [layers, rows, outputs / layers].
   */
  layers?: number;
  /** f32 by default. For f16 the device must have been opened. */
  precision?: Precision;
}

export type LinearPass = 'forward' | 'input_gradient' | 'weight_gradient';

/** A family of linear kernels (kernels/linear/) for an adapter and a shape. */
export interface LinearFamily {
  kernels: Readonly<Record<LinearPass, KernelName>>;
  /** The tile of the product that a workgroup computes. */
  tileRows: number;
  tileColumns: number;
  /** Whether it reads matrices from textures. Their sizes always fit a dimension of a grid. */
  readsTextures: boolean;
  /** Whether the weight's gradient kernel also sums the bias's gradient. */
  sumsBias: boolean;
  /** Whether several workgroups may share the rows of a tile of the weight's gradient. */
  sharesRows: boolean;
}

/** Names that are made once: a name is compared for every dispatch. */
function kernelsOf(name: 'wide' | 'subgroup' | 'matrix'): LinearFamily['kernels'] {
  return {
    forward: `linear/${name}/forward`,
    input_gradient: `linear/${name}/input_gradient`,
    weight_gradient: `linear/${name}/weight_gradient`,
  };
}

const WIDE_FAMILY: LinearFamily = {
  kernels: kernelsOf('wide'),
  tileRows: 64,
  tileColumns: 64,
  readsTextures: false,
  sumsBias: true,
  sharesRows: true,
};

/** Operands are rounded to f16: products are of subgroup matrices. */
const MATRIX_FAMILY: LinearFamily = { ...WIDE_FAMILY, kernels: kernelsOf('matrix'), sumsBias: false };

const SUBGROUP_FAMILY: Omit<LinearFamily, 'tileColumns'> = {
  kernels: kernelsOf('subgroup'),
  tileRows: 16,
  readsTextures: true,
  sumsBias: true,
  sharesRows: false,
};

/** The texture's shape of a matrix of `rows` x `width` numbers. */
export function matrixShape(rows: number, width: number): PanelShape {
  return { rows, panels: 1, width, span: rows };
}

/** The family for a layer: in f32 with subgroups where available, if the matrices fit textures. */
export function linearFamily(
  device: Device,
  { rows, inputs, outputs, precision }: LinearShape,
): LinearFamily {
  const { lanes } = device;
  if (precision === 'f16') return MATRIX_FAMILY;
  const matrices = [matrixShape(rows, inputs), matrixShape(rows, outputs), matrixShape(outputs, inputs)];
  if (!lanes || !matrices.every((matrix) => fitsPanels(device, matrix))) return WIDE_FAMILY;
  return { ...SUBGROUP_FAMILY, tileColumns: 8 * lanes };
}

/** Constants of a linear kernel, as a device runs it; none of any other. */
export function linearConstants(
  { lanes, hasManyRegisters, matrices }: Device,
  kernel: KernelName,
): KernelConstants {
  if (matrices && kernel.startsWith('linear/matrix/')) return matrixConstants(matrices);
  if (lanes && kernel.startsWith('linear/subgroup/')) return { LANES: lanes };
  return hasManyRegisters && kernel === 'linear/wide/weight_gradient' ? { TOGETHER: 4 } : {};
}
