/** The model families that the engine runs: Hugging Face's `model_type`. */
export const MODEL_FAMILIES = ['bert', 'distilbert'] as const;

/** The model families of Hugging Face whose checkpoints are read and written. @useDeclaredType */
export type ModelFamily = (typeof MODEL_FAMILIES)[number];

/** Tensor names of an encoder layer: linear layers and norms without `.weight` and `.bias`. */
export interface LayerNames {
  query: string;
  key: string;
  value: string;
  /** The learned bias tables, which Hugging Face's models do not have. */
  tagBias: string;
  attentionOutput: string;
  attentionNorm: string;
  intermediate: string;
  output: string;
  outputNorm: string;
}

/** Tensor names of a model in Hugging Face's checkpoints. */
export interface TensorNames {
  wordTable: string;
  positionTable: string;
  /** Left out where the family has no token types. */
  typeTable?: string;
  /** The learned embeddings of tags, which Hugging Face's models do not have. */
  tagTable: string;
  embeddingNorm: string;
  layer: (index: number) => LayerNames;
  /** The linear layer between [CLS] and the classifier. */
  pooler: string;
  classifier: string;
  /** The head for masked tokens: a linear layer, a norm, and the bias of the decoder, whose weight is the word table. */
  mlmTransform: string;
  mlmNorm: string;
  mlmBias: string;
}

function bertLayer(index: number): LayerNames {
  const layer = `bert.encoder.layer.${index}`;
  return {
    query: `${layer}.attention.self.query`,
    key: `${layer}.attention.self.key`,
    value: `${layer}.attention.self.value`,
    tagBias: `${layer}.attention.self.tag_bias`,
    attentionOutput: `${layer}.attention.output.dense`,
    attentionNorm: `${layer}.attention.output.LayerNorm`,
    intermediate: `${layer}.intermediate.dense`,
    output: `${layer}.output.dense`,
    outputNorm: `${layer}.output.LayerNorm`,
  };
}

function distilBertLayer(index: number): LayerNames {
  const layer = `distilbert.transformer.layer.${index}`;
  return {
    query: `${layer}.attention.q_lin`,
    key: `${layer}.attention.k_lin`,
    value: `${layer}.attention.v_lin`,
    tagBias: `${layer}.attention.tag_bias`,
    attentionOutput: `${layer}.attention.out_lin`,
    attentionNorm: `${layer}.sa_layer_norm`,
    intermediate: `${layer}.ffn.lin1`,
    output: `${layer}.ffn.lin2`,
    outputNorm: `${layer}.output_layer_norm`,
  };
}

/** Names that are made once for each layer: they are looked up in every step. */
function remembered(layer: (index: number) => LayerNames): (index: number) => LayerNames {
  const layers: LayerNames[] = [];
  return (index) => {
    layers[index] ??= layer(index);
    return layers[index];
  };
}

const NAMES: Readonly<Record<ModelFamily, TensorNames>> = {
  bert: {
    wordTable: 'bert.embeddings.word_embeddings.weight',
    positionTable: 'bert.embeddings.position_embeddings.weight',
    typeTable: 'bert.embeddings.token_type_embeddings.weight',
    tagTable: 'bert.embeddings.tag_embeddings.weight',
    embeddingNorm: 'bert.embeddings.LayerNorm',
    layer: remembered(bertLayer),
    pooler: 'bert.pooler.dense',
    classifier: 'classifier',
    mlmTransform: 'cls.predictions.transform.dense',
    mlmNorm: 'cls.predictions.transform.LayerNorm',
    mlmBias: 'cls.predictions.bias',
  },
  distilbert: {
    wordTable: 'distilbert.embeddings.word_embeddings.weight',
    positionTable: 'distilbert.embeddings.position_embeddings.weight',
    tagTable: 'distilbert.embeddings.tag_embeddings.weight',
    embeddingNorm: 'distilbert.embeddings.LayerNorm',
    layer: remembered(distilBertLayer),
    pooler: 'pre_classifier',
    classifier: 'classifier',
    mlmTransform: 'vocab_transform',
    mlmNorm: 'vocab_layer_norm',
    mlmBias: 'vocab_projector.bias',
  },
};

/** The names of a family's tensors. */
export function tensorNames(family: ModelFamily): TensorNames {
  return NAMES[family];
}
