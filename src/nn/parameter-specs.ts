import { type ModelConfig, paddedOutputs } from './model-config.js';
import { tensorNames } from './tensor-names.js';

type InitialValue = 'normal' | 'normal, first row zero' | 'one' | 'zero';

/** A parameter tensor by its name in Hugging Face's checkpoints. */
export interface ParameterSpec {
  name: string;
  shape: readonly number[];
  /** Whether AdamW's weight decay applies: not to biases and norms. */
  decays: boolean;
  initial: InitialValue;
  /** Its numbers in memory: more than in its shape where rows are padded for the kernels. */
  paddedSize: number;
}

function tensor(
  name: string,
  shape: readonly number[],
  decays: boolean,
  initial: InitialValue,
): ParameterSpec {
  return { name, shape, decays, initial, paddedSize: sizeOf(shape) };
}

function linear(name: string, outputs: number, inputs: number, paddedOutputs = outputs): ParameterSpec[] {
  const weight = tensor(`${name}.weight`, [outputs, inputs], true, 'normal');
  const bias = tensor(`${name}.bias`, [outputs], false, 'zero');
  return [
    { ...weight, paddedSize: paddedOutputs * inputs },
    { ...bias, paddedSize: paddedOutputs },
  ];
}

function norm(name: string, hidden: number): ParameterSpec[] {
  return [tensor(`${name}.weight`, [hidden], false, 'one'), tensor(`${name}.bias`, [hidden], false, 'zero')];
}

/** The learned bias tables of a layer's heads, [heads, tags, tags], if the model has them. */
function biasTables(name: string, { heads, biasTags }: ModelConfig): ParameterSpec[] {
  if (biasTags === 0) return [];
  const table = tensor(name, [heads, biasTags, biasTags], false, 'zero');
  return [{ ...table, paddedSize: Math.ceil(table.paddedSize / 4) * 4 }];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** The parameters of the head of a task. */
function headOf(config: ModelConfig): ParameterSpec[] {
  const { hidden, task, vocabulary } = config;
  const names = tensorNames(config.family);
  if (task === 'mlm') {
    const bias = tensor(names.mlmBias, [vocabulary], false, 'zero');
    return [
      ...linear(names.mlmTransform, hidden, hidden),
      ...norm(names.mlmNorm, hidden),
      { ...bias, paddedSize: paddedOutputs(config) },
    ];
  }
  return [
    ...linear(names.pooler, hidden, hidden),
    ...linear(names.classifier, config.classes, hidden, paddedOutputs(config)),
  ];
}

/**
 * All parameters of a model, in the order of Hugging Face's `BertForSequenceClassification` or
 * `BertForMaskedLM`, or those of DistilBERT, plus the learned bias tables. Embeddings of tags come last: drawn
 * from a seed, all other tensors are the same with and without them.
 */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { hidden, feedForward, tagEmbeddings = 0 } = config;
  const names = tensorNames(config.family);
  const layers = Array.from({ length: config.layers }, (_, index) => {
    const layer = names.layer(index);
    return [
      ...[layer.query, layer.key, layer.value].flatMap((name) => linear(name, hidden, hidden)),
      ...biasTables(layer.tagBias, config),
      ...linear(layer.attentionOutput, hidden, hidden),
      ...norm(layer.attentionNorm, hidden),
      ...linear(layer.intermediate, feedForward, hidden),
      ...linear(layer.output, hidden, feedForward),
      ...norm(layer.outputNorm, hidden),
    ];
  });
  const words = tensor(names.wordTable, [config.vocabulary, hidden], true, 'normal, first row zero');
  return [
    { ...words, paddedSize: (config.task === 'mlm' ? paddedOutputs(config) : config.vocabulary) * hidden },
    tensor(names.positionTable, [config.positions, hidden], true, 'normal'),
    ...(names.typeTable ? [tensor(names.typeTable, [config.types, hidden], true, 'normal')] : []),
    ...norm(names.embeddingNorm, hidden),
    ...layers.flat(),
    ...headOf(config),
    ...(tagEmbeddings > 0 ? [tensor(names.tagTable, [tagEmbeddings, hidden], true, 'normal')] : []),
  ];
}

export function isOfEmbeddings({ name }: ParameterSpec): boolean {
  return name.includes('.embeddings.');
}
