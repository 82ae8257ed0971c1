import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { readBytesOf } from '../data/files.js';
import type { ModelConfig } from '../nn/model-config.js';
import { parameterSpecs } from '../nn/parameter-specs.js';
import type { TensorValues, TrainingState } from '../nn/parameters.js';
import { BEST_BY } from './best.js';
import { formatWithChecksum, verifyChecksum } from './checksum.js';
import { positionSchema } from './position.js';
import { parseSafetensors, safetensorsMetadata, type Tensor } from './safetensors.js';
import type { Checkpoint } from './trainer.js';

/** The metadata of a checkpoint. */
const notesSchema = v.object({
  /** The fingerprint of the run's settings, model and data. */
  run: v.string(),
  position: positionSchema,
  /** The evaluation whose weights are in `model.safetensors`, and the metric that chose it; undefined before the first. */
  best: v.optional(
    v.object({
      by: v.picklist(BEST_BY),
      // JSON has null for a loss of NaN.
      value: v.nullable(v.pipe(v.number(), v.finite())),
      step: v.pipe(v.number(), v.safeInteger(), v.minValue(1)),
    }),
  ),
  /** The length of `metrics.jsonl` in bytes at that time, and its checksum. */
  metrics: v.object({ bytes: v.pipe(v.number(), v.safeInteger(), v.minValue(0)), sha256: v.string() }),
  /** The checksums of the run's other files, by their names. */
  files: v.record(v.string(), v.string()),
});

export type CheckpointNotes = v.InferOutput<typeof notesSchema>;

/** The key of the notes in the file's metadata, as JSON. */
const NOTES = 'parsimony';

/** Prefixes of tensor names. The weights have Hugging Face's names, so that any reader finds them. */
const PREFIXES = { values: '', firstMoment: 'first_moment.', secondMoment: 'second_moment.' } as const;

type Part = keyof typeof PREFIXES;

const PARTS = Object.keys(PREFIXES) as Part[];

const REMEDY = 'restore the file, or remove it to start the run at its first step';

/** The bytes of a checkpoint: one file, which is written atomically. */
export function formatCheckpoint(
  config: ModelConfig,
  notes: CheckpointNotes,
  state: TrainingState,
): Uint8Array {
  const tensors = new Map<string, Tensor>();
  for (const part of PARTS) {
    for (const { name, shape } of parameterSpecs(config)) {
      tensors.set(PREFIXES[part] + name, { shape, values: state[part].get(name)! });
    }
  }
  return formatWithChecksum(tensors, { [NOTES]: JSON.stringify(notes) });
}

function notesIn(file: Uint8Array, where: string): CheckpointNotes {
  let json: unknown;
  try {
    json = JSON.parse(String(safetensorsMetadata(file, where)[NOTES]));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  const { success, output, issues } = v.safeParse(notesSchema, json);
  if (success) return output;
  const path = v.getDotPath(issues[0]);
  throw new CallerError({
    what: `does not name its run and its position${path ? ` ("${path}")` : ''}`,
    where,
    expected: 'a checkpoint, as `parsimony train` writes it',
    remedy: REMEDY,
  });
}

/** Reads a checkpoint. @throws CallerError where the file is cut off or damaged, or is not a checkpoint of such a model. */
export async function readCheckpoint(
  file: string,
  config: ModelConfig,
): Promise<{ notes: CheckpointNotes; checkpoint: Checkpoint }> {
  const bytes = await readBytesOf(file);
  verifyChecksum(bytes, file, REMEDY);
  const notes = notesIn(bytes, file);
  const tensors = parseSafetensors(bytes, file);
  const part = (prefix: string): TensorValues => {
    return new Map(
      parameterSpecs(config).map(({ name, shape }) => {
        const tensor = tensors.get(prefix + name);
        if (tensor?.shape.join() === shape.join()) return [name, tensor.values];
        throw new CallerError({
          what: `tensor "${prefix + name}" is ${tensor ? tensor.shape.join(' x ') : 'missing'}`,
          where: file,
          expected: shape.join(' x '),
        });
      }),
    );
  };
  const state = {
    values: part(PREFIXES.values),
    firstMoment: part(PREFIXES.firstMoment),
    secondMoment: part(PREFIXES.secondMoment),
  };
  return { notes, checkpoint: { position: notes.position, state } };
}
