import { CallerError } from '../base/errors.js';
import { hostMemory } from '../base/host-memory.js';
import type { Device } from '../gpu/device.js';
import type { ModelConfig } from './model-config.js';
import { ParameterLayout } from './parameter-layout.js';
import { parameterSpecs } from './parameter-specs.js';

/** Node reads a file whole only below 2 GiB: longer weights could be written, but never read again. */
export const MOST_WEIGHT_BYTES = 2 ** 31 - 1;

function numbersOf(config: ModelConfig): number {
  return parameterSpecs(config).reduce((total, { paddedSize: room }) => total + room, 0);
}

/** Bytes of a layer's weights, and of everything else. */
function bytesOfParts(config: ModelConfig): { layer: number; rest: number } {
  const [one, two] = [1, 2].map((layers) => 4 * numbersOf({ ...config, layers }));
  return { layer: two - one, rest: 2 * one - two };
}

/** Bytes of a model's weights in f32, whatever the sizes: nothing as long as these is made to count them. */
export function weightBytes(config: ModelConfig): number {
  const { layer, rest } = bytesOfParts(config);
  return rest + config.layers * layer;
}

/** What makes a model of this shape smaller soonest. */
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
 * Checks that each tensor of a model fits a buffer of the adapter's, and the whole this machine's memory, as far as that is
 * known: a software adapter has its buffers there, too, and training adds gradients and two moments to the weights. It costs
 * nothing, and comes before weights are drawn or kernels measured.
 * @param memory Bytes of this machine; unknown where left undefined.
 * @throws CallerError where the whole does not fit; EngineError where a tensor does not.
 */
export function checkFits(
  config: ModelConfig,
  { isSoftware, largestBuffer }: Pick<Device, 'isSoftware' | 'largestBuffer'>,
  isTraining: boolean,
  memory = hostMemory(),
): void {
  // The tensors of one layer are as long as those of all others.
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
