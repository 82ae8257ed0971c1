import { pathIn, writeAtomically } from '../data/files.js';
import type { ModelConfig } from '../nn/model-config.js';
import { parameterSpecs } from '../nn/parameter-specs.js';
import { checkWeights } from './finite-checks.js';
import { readTensors, withEngineNames } from './hugging-face/engine-names.js';
import { openWeights } from './hugging-face/weights.js';
import { formatSafetensors, type Tensor } from './safetensors.js';

export const WEIGHTS_FILE = 'model.safetensors';

/**
 * A model's weights as tensors of a file, under Hugging Face's names.
 * @param where What errors call the file.
 * @throws EngineError where a weight is NaN or infinite.
 */
export function tensorsOf(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  where: string,
): Map<string, Tensor> {
  checkWeights(weights, where);
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => [name, { shape, values: weights.get(name)! }]),
  );
}

/**
 * Writes a model's weights into the folder of its description.
 * @throws EngineError where a weight is NaN or infinite; ParsimonyError where the disk refuses.
 */
export async function saveWeights(
  folder: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const file = pathIn(folder, WEIGHTS_FILE);
  await writeAtomically(file, formatSafetensors(tensorsOf(config, weights, file)));
}

/**
 * Reads a model's weights; f16 and bf16 become f32, and heads of other tasks are left out.
 * @throws CallerError where a file is missing or cut off, or a tensor is missing, too much or of another shape.
 */
export async function loadWeights(folder: string, config: ModelConfig): Promise<Map<string, Float32Array>> {
  const { family, task = 'classification' } = config;
  const weights = withEngineNames(await openWeights(folder), family, task, task);
  return readTensors(weights, parameterSpecs(config));
}
