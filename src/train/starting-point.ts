import { checkArgument, folderName } from '../base/argument-schemas.js';
import { drawTensors } from '../nn/initial-weights.js';
import type { ModelConfig } from '../nn/model-config.js';
import { type ParameterSpec, parameterSpecs } from '../nn/parameter-specs.js';
import { tensorNames } from '../nn/tensor-names.js';
import { type NamedWeights, readTensors, withEngineNames } from './hugging-face/engine-names.js';
import { openWeights } from './hugging-face/weights.js';
import { type BuildOptions, describeModel, type ModelDescription } from './model-description.js';
import { type FolderConfig, readFolderConfig, readRulesOf } from './model-folder.js';
import { DEFAULT_SEED } from './settings.js';
import { checkStartOptions } from './train-arguments.js';

/** Options of a model that starts from a checkpoint; defaults as in `BuildOptions`. */
export interface StartOptions extends Omit<BuildOptions, 'vocabulary' | 'shape' | 'kernels'> {
  /** Replaces the checkpoint's dropout of hidden states, and of attention where `attentionDropout` is left out. */
  dropout?: number;
  /** Replaces the checkpoint's dropout of attention. */
  attentionDropout?: number;
}

/** A model before training. */
export interface StartingPoint {
  description: ModelDescription;
  /** Flat numbers by Hugging Face's names. */
  weights: Map<string, Float32Array>;
  /** Notes on tensors that were left out or drawn. */
  notes: string[];
}

/** Why a checkpoint's classifier does not fit the classes; undefined where it does. */
function headMismatch(folder: FolderConfig, classes: readonly string[]): string | undefined {
  const checkpointClasses = folder.classes;
  if (checkpointClasses.length !== classes.length) {
    return `its classifier has ${checkpointClasses.length} classes (${checkpointClasses.join(', ')}) and the data ${classes.length}`;
  }
  const [before, after] = [checkpointClasses, classes].map((names) =>
    names.map((name) => name.toLowerCase()),
  );
  const isReordered =
    before.join() !== after.join() && [...before].sort().join() === [...after].sort().join();
  return isReordered ? `its classes are ${checkpointClasses.join(', ')}, in this order` : undefined;
}

/** Removes a classifier of other classes, and learned biases and embeddings of other tags. */
async function removeMismatched(
  folder: string,
  folderConfig: FolderConfig,
  weights: NamedWeights,
  config: ModelConfig,
  { classes, tokenizer }: ModelDescription,
): Promise<string[]> {
  const notes: string[] = [];
  const remove = (isRemoved: (name: string) => boolean) => {
    const removed = [...weights.tensors.keys()].filter(isRemoved);
    for (const name of removed) weights.tensors.delete(name);
    return removed.length > 0;
  };
  const { classifier, layer, tagTable } = tensorNames(config.family);
  const mismatch = headMismatch(folderConfig, classes);
  if (mismatch && remove((name) => name.startsWith(`${classifier}.`))) notes.push(mismatch);
  const tables = new Set(Array.from({ length: config.layers }, (_, index) => layer(index).tagBias));
  const isOfTheseTags =
    folderConfig.parsimony !== undefined &&
    tokenizer.withTags((await readRulesOf(folder)).tags).tags.join() === tokenizer.tags.join();
  if (!(isOfTheseTags && config.biasTags > 0) && remove((name) => tables.has(name)))
    notes.push('its learned biases are left out');
  if (!(isOfTheseTags && config.tagEmbeddings) && remove((name) => name === tagTable))
    notes.push('its embeddings of tags are left out');
  return notes;
}

/** The missing tensors that are drawn: those of the head, and those of tags, which Hugging Face's models do not have. */
function drawnSpecs(
  specs: readonly ParameterSpec[],
  weights: NamedWeights,
  config: ModelConfig,
): ParameterSpec[] {
  const { pooler, classifier, mlmTransform, mlmNorm, mlmBias, layer, tagTable } = tensorNames(config.family);
  const missing = (name: string) => !weights.tensors.has(name);
  const modules = [pooler, classifier, mlmTransform, mlmNorm];
  const linears = modules.filter((name) => missing(`${name}.weight`) && missing(`${name}.bias`));
  const biases = Array.from({ length: config.layers }, (_, index) => layer(index).tagBias);
  const tables = [...biases, tagTable, mlmBias].filter(missing);
  const names = new Set([...linears.flatMap((name) => [`${name}.weight`, `${name}.bias`]), ...tables]);
  return specs.filter(({ name }) => names.has(name));
}

/**
 * Reads a checkpoint as the start of a model, with its encoder and vocabulary, but other classes and another mask. Heads for
 * other tasks are left out; where the pooler or a classifier of these classes is missing, it is drawn.
 * @param folder A folder in Hugging Face's layout (BERT or DistilBERT, bare or with any head), or one that `parsimony train` wrote.
 * @throws CallerError where it is not such a model, or any other tensor is missing, unexpected or of another shape.
 */
export async function startFrom(folder: string, options: StartOptions = {}): Promise<StartingPoint> {
  checkArgument(folderName, folder, 'folder');
  checkStartOptions(options);
  const { seed = DEFAULT_SEED, dropout, attentionDropout = dropout } = options;
  const folderConfig = await readFolderConfig(folder);
  const shape = {
    ...folderConfig.shape,
    ...(dropout !== undefined && { hiddenDropout: dropout, headDropout: dropout }),
    ...(attentionDropout !== undefined && { attentionDropout }),
  };
  const described = describeModel({ ...options, vocabulary: folderConfig.tokenizer.vocabulary, shape });
  // A table may have more rows than there are tokens.
  const config = { ...described.config, vocabulary: shape.vocabulary };
  const { family, task = 'classification' } = config;
  const weights = withEngineNames(await openWeights(folder), family, folderConfig.task, task);
  const notes = await removeMismatched(folder, folderConfig, weights, config, described);
  const specs = parameterSpecs(config);
  const drawn = drawnSpecs(specs, weights, config);
  const read = readTensors(
    weights,
    specs.filter((spec) => !drawn.includes(spec)),
  );
  if (weights.leftOut.length > 0) notes.push(`not used: ${weights.leftOut.join(', ')}`);
  const heads = drawn.filter(({ initial, shape }) => !(initial === 'zero' && shape.length === 3));
  if (heads.length > 0) notes.push(`drawn from seed ${seed}: ${heads.map(({ name }) => name).join(', ')}`);
  return {
    description: { ...described, config },
    weights: new Map([...read, ...drawTensors(drawn, config.initializerRange, seed)]),
    notes,
  };
}
