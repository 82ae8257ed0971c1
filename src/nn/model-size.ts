import { CallerError } from '../base/errors.js';
import { hostMemory } from '../base/host-memory.js';
import type { Device } from '../gpu/device.js';
import type { ModelConfig } from './model-config.js';
import { ParameterLayout } from './parameter-layout.js';
import { parameterSpecs } from './parameter-specs.js';

/** Node reads files below 2 GiB at once. Longer weights could be written, but not read. */
export const MOST_WEIGHT_BYTES = 2 ** 31 - 1;

function numbersOf(config: ModelConfig): number {
  return parameterSpecs(config).reduce((total, { paddedSize: room }) => total + room, 0);
}

/** Bytes of a layer's weights, and of everything else. */
function bytesOfParts(config: ModelConfig): { layer: number; rest: number } {
  const [one, two] = [1, 2].map((layers) => 4 * numbersOf({ ...config, layers }));
  return { layer: two - one, rest: 2 * one - two };
}

/** Bytes of a model's weights in f32, computed without allocating them. */
export function weightBytes(config: ModelConfig): number {
  const { layer, rest } = bytesOfParts(config);
  return rest + config.layers * layer;
}

/** The most effective way to make a model smaller. */
export function remedyFor(config: ModelConfig): string {
  const { layer, rest } = bytesOfParts(config);
  if (config.layers > 1 && config.layers * layer > rest && layer + rest <= MOST_WEIGHT_BYTES / 4)
    return 'use fewer layers';
  if (rest > config.layers * layer)
    return 'use a smaller vocabulary, fewer positions or a smaller hidden size';
  return 'use a smaller hidden or feed-forward size';
}

export function inGigabytes(bytes: number): string {
  return `${(bytes / 1e9).toLocaleString('en-US', { maximumSignificantDigits: 3 })} GB`;
}

/**
 * Checks that each tensor of a model fits a buffer of the adapter, and that the model fits this machine's memory. A software
 * adapter's buffers are in that memory too; training adds gradients and two moments to the weights. The check is cheap, and runs
 * before weights are drawn or kernels measured.
 * @param memory Bytes of this machine's memory; undefined where unknown.
 * @throws CallerError where the model does not fit; EngineError where a tensor does not.
 */
export function checkFits(
  config: ModelConfig,
  { isSoftware, largestBuffer }: Pick<Device, 'isSoftware' | 'largestBuffer'>,
  isTraining: boolean,
  memory = hostMemory(),
): void {
  // All layers have tensors of the same sizes.
  const shallow = { ...config, layers: Math.min(1, config.layers) };
  new ParameterLayout(shallow, largestBuffer);
  const copies = 1 + (isSoftware ? (isTraining ? 4 : 1) : 0);
  const bytes = copies * weightBytes(config);
  if (memory === undefined || bytes <= memory) return;
  const what = isTraining && isSoftware ? 'weights, gradients and moments' : 'weights';
  throw new CallerError({
    what: `a model whose ${what} take ${inGigabytes(bytes)}`,
    expected: `at most ${inGigabytes(memory)}, the memory of this machine`,
    remedy: remedyFor(config),
  });
}
