import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';
import type { Task } from '../../nn/model-config.js';
import { type ModelFamily, tensorNames } from '../../nn/tensor-names.js';
import type { StoredTensor } from '../stored-tensor.js';
import type { OpenWeights } from './weights.js';

/** Buffers of old checkpoints, which hold 0, 1, 2 … and zeros. */
const BUFFER = /(^|\.)embeddings\.(position_ids|token_type_ids)$/;

/** Heads of tasks that the engine may not have: language models, next sentences, questions. */
const OTHER_HEAD = /^(cls|qa_outputs|vocab_transform|vocab_layer_norm|vocab_projector)\./;

/** The parts of a task's head. The decoder of masked tokens is left out: it is the word table, and its bias has another name. */
function headOf(family: ModelFamily, task: Task): string[] {
  const { pooler, classifier, mlmTransform, mlmNorm, mlmBias } = tensorNames(family);
  if (task === 'mlm') return [`${mlmTransform}.`, `${mlmNorm}.`, mlmBias];
  return task === 'classification' ? [`${pooler}.`, `${classifier}.`] : [`${classifier}.`];
}

/** A checkpoint's tensors under the names of `tensorNames`. */
export interface NamedWeights {
  file: string;
  tensors: Map<string, StoredTensor & { originalName: string }>;
  /** Names of the tensors that only other heads need. */
  leftOut: string[];
}

/** Parts of a name that come from what a model was wrapped in while it was trained, and not from the model. */
const WRAPPERS: ReadonlySet<string> = new Set([
  'module', // DataParallel, DistributedDataParallel
  '_orig_mod', // torch.compile
  '_fsdp_wrapped_module',
  '_checkpoint_wrapped_module',
  'model', // a training framework's own class, around Hugging Face's
  'base_model',
]);

/** A name without wrappers, and with one prefix of its family at most. */
function withoutWrappers(name: string, family: ModelFamily): string {
  const parts = name.split('.').filter((part) => !WRAPPERS.has(part));
  const isRepeated = (part: string, index: number) => part === family && parts[index + 1] === family;
  return parts.filter((part, index) => !isRepeated(part, index)).join('.');
}

/** Checkpoints that came from TensorFlow call a norm's parts gamma and beta; a bare encoder has no prefix. */
function engineName(name: string, family: ModelFamily): string {
  const { pooler, classifier } = tensorNames(family);
  const mlm = headOf(family, 'mlm');
  const today = name.replace(/\.gamma$/, '.weight').replace(/\.beta$/, '.bias');
  const isWhole = [`${family}.`, `${pooler}.`, `${classifier}.`, ...mlm].some((part) =>
    today.startsWith(part),
  );
  return isWhole ? today : `${family}.${today}`;
}

/**
 * Gives a checkpoint's tensors the engine's names.
 * @param headTask What its head is for; undefined where that is another task than the engine's.
 * @param task What the model will be for: heads for other tasks are left out.
 * @throws CallerError where two tensors get the same name.
 */
export function withEngineNames(
  { file, tensors }: OpenWeights,
  family: ModelFamily,
  headTask: Task | undefined,
  task: Task,
): NamedWeights {
  const named: NamedWeights = { file, tensors: new Map(), leftOut: [] };
  const { classifier, pooler } = tensorNames(family);
  // A classifier of another kind has the same name, and the poolers of all kinds are the same layer.
  const head = headOf(family, task).filter((part) => task === headTask || part !== `${classifier}.`);
  const isLeftOut = (name: string) =>
    !head.some((part) => name.startsWith(part)) &&
    (OTHER_HEAD.test(name) || [`${classifier}.`, `${pooler}.`].some((part) => name.startsWith(part)));
  for (const [name, tensor] of tensors) {
    const bare = withoutWrappers(name, family);
    if (BUFFER.test(bare)) continue;
    const ours = engineName(bare, family);
    if (isLeftOut(ours) || (OTHER_HEAD.test(bare) && isLeftOut(bare))) {
      named.leftOut.push(name);
      continue;
    }
    const other = named.tensors.get(ours);
    if (other) {
      const names =
        other.originalName === ours && name === ours
          ? ''
          : `, as ${describeValue(other.originalName)} and ${describeValue(name)}`;
      throw new CallerError({ what: `tensor "${ours}" appears twice${names}`, where: file });
    }
    named.tensors.set(ours, { ...tensor, originalName: name });
  }
  return named;
}

/** The first tensors that are missing, and those of the file that have no place in the model: perhaps their other names. */
function missingTensors(
  missing: readonly string[],
  unexpected: readonly string[],
  file: string,
): CallerError {
  const more = missing.length > 1 ? ` (and ${missing.length - 1} more: ${shortened(missing.slice(1))})` : '';
  const found =
    unexpected.length > 0 ? `; the file has ${shortened(unexpected.map(describeValue))} instead` : '';
  return new CallerError({
    what: `tensor "${missing[0]}" is missing${more}${found}`,
    where: file,
    ...(found && { expected: "the names of Hugging Face's models" }),
  });
}

/** @throws CallerError where a number is NaN or infinite: every output would be NaN. */
function checkFinite(values: Float32Array, name: string, shape: readonly number[], file: string): void {
  let at = 0;
  while (at < values.length && Number.isFinite(values[at])) at++;
  if (at === values.length) return;
  let [rest, index] = [at, [] as number[]];
  for (const size of [...shape].reverse()) {
    index = [rest % size, ...index];
    rest = Math.floor(rest / size);
  }
  throw new CallerError({
    what: `tensor ${describeValue(name)} is ${values[at]} at [${index.join(', ')}]`,
    where: file,
    expected: 'finite numbers within the range of f32',
    remedy: 'use weights from before training went wrong',
  });
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
  const names = new Set(specs.map(({ name }) => name));
  const unexpected = [...tensors]
    .filter(([name]) => !names.has(name))
    .map(([, { originalName: ownName }]) => ownName);
  const missing = specs.filter(({ name }) => !tensors.has(name)).map(({ name }) => name);
  if (missing.length > 0) throw missingTensors(missing, unexpected, file);
  if (unexpected.length > 0)
    throw new CallerError({
      what: `tensor ${describeValue(unexpected[0])} is none of this model's`,
      where: file,
    });
  // Checks all shapes before it reads any number.
  for (const { name, shape } of specs) {
    const { shape: fileShape } = tensors.get(name)!;
    if (fileShape.join() === shape.join()) continue;
    throw new CallerError({
      what: `tensor "${name}" is ${fileShape.length > 0 ? fileShape.join(' x ') : 'a single number'}`,
      where: file,
      expected: `${shape.join(' x ')}, as config.json says`,
    });
  }
  return new Map(
    specs.map(({ name, shape }) => {
      const tensor = tensors.get(name)!;
      const values = tensor.read();
      checkFinite(values, tensor.originalName, shape, file);
      return [name, values];
    }),
  );
}

function shortened(names: readonly string[]): string {
  return names.length > 4 ? `${names.slice(0, 4).join(', ')} …` : names.join(', ');
}
