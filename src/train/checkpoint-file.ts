import { readBytesOf, writeWhole } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';
import type { ModelConfig } from '../nn/config.js';
import { parameterSpecs } from '../nn/parameter-specs.js';
import type { TensorValues, TrainingState } from '../nn/parameters.js';
import type { BestBy } from './best.js';
import type { TrainingPosition } from './position.js';
import { formatSafetensors, parseSafetensors, safetensorsMetadata, type Tensor } from './safetensors.js';
import type { Checkpoint } from './trainer.js';

/** What a checkpoint says of its run, beside the numbers. */
export interface CheckpointNotes {
  /** The fingerprint of the run's settings, model and data. */
  run: string;
  position: TrainingPosition;
  /** The evaluation whose weights stand in `model.safetensors`, by what it is the best; none before the first. */
  best?: { by: BestBy; value: number; step: number };
  /** Bytes of `metrics.jsonl` that were written by then. */
  metricsBytes: number;
}

/** The key of the notes in the file's metadata, as JSON. */
const NOTES = 'parsimony';

/** What stands before a tensor's name: the values have Hugging Face's names, so that any reader finds the weights. */
const PREFIXES = { values: '', firstMoment: 'first_moment.', secondMoment: 'second_moment.' } as const;

type Part = keyof typeof PREFIXES;

const PARTS = Object.keys(PREFIXES) as Part[];

/** Writes a checkpoint: one file, so that it is there whole or not at all. @throws EngineError where the disk refuses. */
export async function writeCheckpoint(
  file: string,
  config: ModelConfig,
  notes: CheckpointNotes,
  state: TrainingState,
): Promise<void> {
  const tensors = new Map<string, Tensor>();
  for (const part of PARTS) {
    for (const { name, shape } of parameterSpecs(config)) {
      tensors.set(PREFIXES[part] + name, { shape, values: state[part].get(name)! });
    }
  }
  await writeWhole(file, formatSafetensors(tensors, { [NOTES]: JSON.stringify(notes) }));
}

function notesIn(file: Uint8Array, where: string): CheckpointNotes {
  try {
    const notes = JSON.parse(String(safetensorsMetadata(file, where)[NOTES]));
    if (typeof notes.run === 'string' && Number.isInteger(notes.position?.step)) return notes;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new CallerError({
    what: 'does not say of which run it is',
    where,
    expected: 'a checkpoint, as `parsimony train` writes it',
    remedy: 'remove it, to begin the run anew',
  });
}

/** Reads a checkpoint. @throws CallerError where the file is cut off, or is no checkpoint of such a model. */
export async function readCheckpoint(
  file: string,
  config: ModelConfig,
): Promise<{ notes: CheckpointNotes; checkpoint: Checkpoint }> {
  const bytes = await readBytesOf(file);
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
