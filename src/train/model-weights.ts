import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { pathIn, writeAtomically } from '../data/files.js';
import type { ModelConfig } from '../nn/model-config.js';
import { parameterSpecs } from '../nn/parameter-specs.js';
import { formatWithChecksum } from './checksum.js';
import { checkWeights } from './finite-checks.js';
import { readTensors, withEngineNames } from './hugging-face/engine-names.js';
import { openWeights } from './hugging-face/weights.js';
import { formatSafetensors, safetensorsMetadata, type Tensor } from './safetensors.js';

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
 * Reads a model's weights; f16 and bf16 become f32, and heads for other ends are left out.
 * @throws CallerError where a file is missing or cut off, or a tensor is missing, too much or of another shape.
 */
export async function loadWeights(folder: string, config: ModelConfig): Promise<Map<string, Float32Array>> {
  const weights = withEngineNames(await openWeights(folder), config.family, true);
  return readTensors(weights, parameterSpecs(config));
}

/** The metadata of a run's weights: the run, without the interval of its checkpoints, and the step. */
const notesSchema = v.object({ run: v.string(), step: v.pipe(v.number(), v.safeInteger()) });

type WeightsNotes = v.InferOutput<typeof notesSchema>;

const NOTES = 'parsimony';

/** The file of a run's weights after a step. @throws EngineError where a weight is NaN or infinite. */
export function formatRunWeights(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
  notes: WeightsNotes,
  where: string,
): Uint8Array {
  return formatWithChecksum(tensorsOf(config, weights, where), { [NOTES]: JSON.stringify(notes) });
}

/** The run and the step of weights. @throws CallerError where the file does not name them. */
export function weightsNotes(file: Uint8Array, where: string, remedy: string): WeightsNotes {
  try {
    return v.parse(notesSchema, JSON.parse(String(safetensorsMetadata(file, where)[NOTES])));
  } catch {
    throw new CallerError({
      what: 'does not name its run',
      where,
      expected: 'the weights that the run wrote',
      remedy,
    });
  }
}
