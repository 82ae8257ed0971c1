import { CallerError } from '../../gpu/errors.js';
import { type ModelFamily, tensorNames } from '../../nn/tensor-names.js';
import type { StoredTensor } from '../stored-tensor.js';
import type { OpenWeights } from './weights.js';

/** Numbers 0, 1, 2 … and zeros that old checkpoints keep beside the weights. */
const BUFFER = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;

/** Heads for other ends than to classify sentences: language models, next sentences, questions. */
const OTHER_HEAD = /^(cls|qa_outputs|vocab_transform|vocab_layer_norm|vocab_projector)\./;

/** A checkpoint's tensors under the names of `tensorNames`. */
export interface NamedWeights {
  file: string;
  tensors: Map<string, StoredTensor & { ownName: string }>;
  /** Names of the tensors that only other heads need. */
  leftOut: string[];
}

/** Checkpoints that came from TensorFlow call a norm's parts gamma and beta; a bare encoder has no prefix. */
function engineName(name: string, family: ModelFamily): string {
  const { pooler, classifier } = tensorNames(family);
  const today = name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');
  const isWhole = [family, pooler, classifier].some((part) => today.startsWith(`${part}.`));
  return isWhole ? today : `${family}.${today}`;
}

/**
 * Gives a checkpoint's tensors the engine's names.
 * @param hasSentenceHead Whether its classifier, if it has one, is one of sentences.
 * @throws CallerError where two tensors come to the same name.
 */
export function withEngineNames(
  { file, tensors }: OpenWeights,
  family: ModelFamily,
  hasSentenceHead: boolean,
): NamedWeights {
  const named: NamedWeights = { file, tensors: new Map(), leftOut: [] };
  const otherClassifier = hasSentenceHead ? undefined : `${tensorNames(family).classifier}.`;
  for (const [name, tensor] of tensors) {
    if (BUFFER.test(name)) continue;
    if (OTHER_HEAD.test(name) || (otherClassifier && name.startsWith(otherClassifier))) {
      named.leftOut.push(name);
      continue;
    }
    const ours = engineName(name, family);
    if (named.tensors.has(ours))
      throw new CallerError({ what: `tensor "${ours}" stands twice`, where: file });
    named.tensors.set(ours, { ...tensor, ownName: name });
  }
  return named;
}

/**
 * Reads the tensors of a model.
 * @param specs Names and shapes.
 * @returns Flat numbers by name.
 * @throws CallerError where a tensor is missing, too much, of another shape, or of numbers that f32 cannot hold.
 */
export function readTensors(
  { file, tensors }: NamedWeights,
  specs: readonly { name: string; shape: readonly number[] }[],
): Map<string, Float32Array> {
  const missing = specs.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  if (missing.length > 0) {
    const others =
      missing.length > 1 ? ` (and ${missing.length - 1} more: ${shortened(missing.slice(1))})` : '';
    throw new CallerError({ what: `tensor "${missing[0]}" is missing${others}`, where: file });
  }
  const known = new Set(specs.map(({ name }) => name));
  const extra = [...tensors].find(([name]) => !known.has(name));
  if (extra)
    throw new CallerError({ what: `tensor "${extra[1].ownName}" is none of this model's`, where: file });
  const values = new Map<string, Float32Array>();
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name)!;
    if (tensor.shape.join() !== shape.join()) {
      throw new CallerError({
        what: `tensor "${name}" is ${tensor.shape.join(' x ')}`,
        where: file,
        expected: shape.join(' x '),
      });
    }
    values.set(name, tensor.read());
  }
  return values;
}

function shortened(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} …` : names.join(', ');
}
