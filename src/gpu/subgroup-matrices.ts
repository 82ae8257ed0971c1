import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { type AdapterDescription, adapterName } from './adapter.js';
import type { KernelConstants } from './kernel.js';

/** The features that kernels with subgroup matrices need. WebGPU's types lack Dawn's experimental one. */
export const MATRIX_FEATURES = [
  'chromium-experimental-subgroup-matrix',
  'shader-f16',
  'subgroups',
  'subgroup-size-control',
] as GPUFeatureName[];

/** Dawn's toggles without which the features are hidden, on NVIDIA or everywhere. */
export const MATRIX_TOGGLES = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia'];

/** Products of f16 matrices by a subgroup, with sums in f32: [m, k] times [k, n] gives [m, n]. */
export interface SubgroupMatrices {
  /** Rows of the first matrix and of the product. */
  m: number;
  /** Columns of the second matrix and of the product. */
  n: number;
  /** Columns of the first matrix, and rows of the second: the length of the sums. */
  k: number;
  /** Lanes of the subgroup. */
  lanes: number;
}

/** The sizes that the kernels are written for, the first is the fastest. They all divide 16. */
const SIZES = [
  [16, 16, 16],
  [8, 16, 16],
  [8, 8, 8],
] as const;

/** The most lanes of a subgroup, which kernels ask for where the adapter has several sizes; and the fewest. */
const LANES = { most: 32, fewest: 8 };

interface Config {
  componentType: string;
  resultComponentType: string;
  M: number;
  N: number;
  K: number;
}

/** The matrices for kernels of precision f16 on an adapter; undefined where it has none of the sizes, or lacks what else they need. */
export function subgroupMatricesOf({ features, info }: GPUAdapter): SubgroupMatrices | undefined {
  if (!MATRIX_FEATURES.every((feature) => features.has(feature))) return undefined;
  const { subgroupMatrixConfigs: configs } = info as GPUAdapterInfo & { subgroupMatrixConfigs?: Config[] };
  const { subgroupMinSize = 1, subgroupMaxSize = 1 } = info;
  const lanes = Math.max(subgroupMinSize, Math.min(LANES.most, subgroupMaxSize));
  if (lanes > LANES.most || lanes < LANES.fewest) return undefined;
  for (const [m, n, k] of SIZES) {
    const found = configs?.some(
      ({ componentType, resultComponentType, M, N, K }) =>
        componentType === 'f16' && resultComponentType === 'f32' && M === m && N === n && K === k,
    );
    if (found) return { m, n, k, lanes };
  }
  return undefined;
}

/** The error for an adapter that cannot compute with f16 operands. */
export function withoutMatrices(adapter: AdapterDescription): CallerError {
  return new CallerError({
    what: `precision f16 on the adapter "${adapterName(adapter)}", which offers no subgroup matrices for it`,
    expected: `matrices of f16 with sums in f32, ${SIZES.map((size) => size.join('x')).join(' or ')}`,
    remedy: 'use precision f32, or a driver that has VK_KHR_cooperative_matrix',
  });
}

/** Checks that a device computes in a precision. @throws CallerError where it was not opened for it. */
export function checkPrecision(
  { matrices }: { matrices?: SubgroupMatrices },
  precision: Precision = 'f32',
): void {
  if (precision === 'f32' || matrices) return;
  throw new CallerError({
    what: 'precision f16 on a device that was not opened for it',
    expected: "a device from openDevice({ precision: 'f16' })",
  });
}

/** The constants of a kernel with subgroup matrices (kernels/subgroup_matrices.wesl). */
export function matrixConstants({ m, n, k, lanes }: SubgroupMatrices): KernelConstants {
  return { M: m, N: n, K: k, LANES: lanes };
}
