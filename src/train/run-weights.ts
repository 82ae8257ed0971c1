// Not in model-weights.ts, which browsers load: checksums need Node.
import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import type { ModelConfig } from '../nn/model-config.js';
import { formatWithChecksum } from './checksum.js';
import { tensorsOf } from './model-weights.js';
import { safetensorsMetadata } from './safetensors.js';

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
