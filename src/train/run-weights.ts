import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import type { ModelConfig } from '../nn/model-config.js';
import { formatWithChecksum } from './checksum.js';
import { tensorsOf } from './model-weights.js';
import { safetensorsMetadata } from './safetensors.js';

/** What a run's weights say of where they come from. */
export interface WeightsNotes {
  /** What names the run; how often it writes checkpoints has no part in it. */
  run: string;
  step: number;
}

const notesSchema = v.object({ run: v.string(), step: v.pipe(v.number(), v.safeInteger()) });

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

/** Where weights come from. @throws CallerError where they do not say so. */
export function weightsNotes(file: Uint8Array, where: string, remedy: string): WeightsNotes {
  try {
    return v.parse(notesSchema, JSON.parse(String(safetensorsMetadata(file, where)[NOTES])));
  } catch {
    throw new CallerError({
      what: 'does not say of which run it is',
      where,
      expected: 'the weights that the run wrote',
      remedy,
    });
  }
}
