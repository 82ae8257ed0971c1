import { referenceAttention } from '../../bench/reference-attention.js';
import { type Computed, computed, exact, type Numbers } from './arithmetic.js';
import {
  dropoutForward,
  embeddingBackward,
  embeddingForward,
  geluBackward,
  geluForward,
  layerNormBackward,
  layerNormForward,
  linearBackward,
  linearForward,
  reluBackward,
  reluForward,
  tanhBackward,
  tanhForward,
} from './layers.js';
import { crossEntropy } from './training.js';

/** The configuration of a reference model. */
export interface ReferenceConfig {
  /** BERT by default. */
  family?: 'bert' | 'distilbert';
  hidden: number;
  layers: number;
  heads: number;
  /** Classification of sentences by default. */
  task?: 'classification' | 'mlm';
  classes: number;
  normEpsilon: number;
}

/** Parameters by Hugging Face's names. Their lengths give the widths of the feed-forward layer and of the tables. */
export type Weights = ReadonlyMap<string, Numbers>;

/** Hugging Face's names of the parts of the model and of each layer. */
const BERT_PARTS = {
  embeddings: 'bert.embeddings',
  layer: 'bert.encoder.layer',
  query: 'attention.self.query',
  key: 'attention.self.key',
  value: 'attention.self.value',
  tagBias: 'attention.self.tag_bias',
  attentionOutput: 'attention.output.dense',
  attentionNorm: 'attention.output.LayerNorm',
  intermediate: 'intermediate.dense',
  output: 'output.dense',
  outputNorm: 'output.LayerNorm',
  pooler: 'bert.pooler.dense',
  transform: 'cls.predictions.transform.dense',
  transformNorm: 'cls.predictions.transform.LayerNorm',
  decoderBias: 'cls.predictions.bias',
};

const DISTILBERT_PARTS: typeof BERT_PARTS = {
  embeddings: 'distilbert.embeddings',
  layer: 'distilbert.transformer.layer',
  query: 'attention.q_lin',
  key: 'attention.k_lin',
  value: 'attention.v_lin',
  tagBias: 'attention.tag_bias',
  attentionOutput: 'attention.out_lin',
  attentionNorm: 'sa_layer_norm',
  intermediate: 'ffn.lin1',
  output: 'ffn.lin2',
  outputNorm: 'output_layer_norm',
  pooler: 'pre_classifier',
  transform: 'vocab_transform',
  transformNorm: 'vocab_layer_norm',
  decoderBias: 'vocab_projector.bias',
};

/** Where values of a hidden state are dropped. */
type HiddenSite = 'embeddings' | 'attention output' | 'feed-forward output' | 'pooled';

/** What each value is multiplied by: 0 or 1 / (1 - p). Rows, queries and keys are tokens of the batch, or sentences. */
export interface Factors {
  hidden(site: HiddenSite, layer: number, row: number, channel: number): number;
  attention(layer: number, head: number, query: number, key: number): number;
}

export interface BertBatch {
  /** Word ids of each sentence, the first of them [CLS]. */
  sentences: readonly Numbers[];
  /** The class of each sentence, or the id of each token of `outputs`. */
  labels: Numbers;
  /** The tokens that are masked, counted over the batch, for the task `mlm`. */
  outputs?: Numbers;
  /** The bias of a pair of tokens, counted over the batch, or undefined where the pair does not exist. */
  bias: (query: number, key: number, layer: number, head: number) => number | undefined;
  /** The tag of each token, for a model with embeddings of tags or with a table of biases, [heads, tags, tags], in every layer. */
  tags?: Numbers;
  factors?: Factors;
  /** Called with the queries and keys of every layer: [tokens, heads, head dimension]. */
  onAttention?: (layer: number, q: Numbers, k: Numbers) => void;
}

export interface BertResult {
  /** [sentences, classes] */
  logits: Computed;
  loss: Computed;
  /** The gradient of every parameter, by name. */
  gradients: () => Map<string, Computed>;
  /** [tokens, hidden]: the gradient of what the embeddings' norm reads, given that of the logits. */
  inputGradient: (logitsGradient: Numbers) => Numbers;
}

/** A part of the model: its output, and its backward pass. */
interface Part<Gradient = Numbers> {
  output: Numbers;
  computed: Computed;
  backward: (outputGradient: Numbers) => Gradient;
}

/** A model after its forward pass over a batch. */
class Bert {
  readonly gradients = new Map<string, Computed>();
  readonly lengths: number[];
  readonly tokens: number;
  private readonly isDistilBert: boolean;
  private readonly parts: typeof BERT_PARTS;

  constructor(
    readonly config: ReferenceConfig,
    readonly weights: Weights,
    readonly batch: BertBatch,
    readonly round: (x: number) => number,
  ) {
    this.isDistilBert = config.family === 'distilbert';
    this.parts = this.isDistilBert ? DISTILBERT_PARTS : BERT_PARTS;
    this.lengths = batch.sentences.map((ids) => ids.length);
    this.tokens = this.lengths.reduce((a, b) => a + b, 0);
  }

  embeddings(): Part {
    const { sentences, tags } = this.batch;
    const rowOfToken = {
      word_embeddings: sentences.flatMap((ids) => Array.from(ids)),
      position_embeddings: sentences.flatMap((ids) => Array.from(ids, (_, position) => position)),
      ...(!this.isDistilBert && { token_type_embeddings: new Array<number>(this.tokens).fill(0) }),
      ...(this.weights.has(`${this.parts.embeddings}.tag_embeddings.weight`) && {
        tag_embeddings: Array.from(tags!),
      }),
    };
    const tables = Object.entries(rowOfToken).map(([kind, rows]) => {
      const name = `${this.parts.embeddings}.${kind}.weight`;
      return { name, table: this.weights.get(name)!, rowOfToken: rows };
    });
    const sum = embeddingForward(this.config.hidden, tables, this.round);
    const norm = this.norm(`${this.parts.embeddings}.LayerNorm`, sum.values);
    const dropped = this.dropout('embeddings', 0, norm.output);
    return part(dropped.computed, (gradient) => {
      const sumGradient = norm.backward(dropped.backward(gradient));
      for (const { name, table, rowOfToken: rows } of tables) {
        const tableRows = table.length / this.config.hidden;
        const more = embeddingBackward(tableRows, this.config.hidden, rows, sumGradient, this.round);
        const before = this.gradients.get(name);
        this.gradients.set(name, before ? this.added(before, more) : more);
      }
      return sumGradient;
    });
  }

  /** a = norm(x + drop(dense(attention(x)))), y = norm(a + drop(dense(gelu(dense(a))))); DistilBERT has no first drop. */
  layer(index: number, x: Numbers): Part {
    const { parts } = this;
    const name = `${parts.layer}.${index}`;
    const [q, k, v] = [parts.query, parts.key, parts.value].map((role) => this.linear(`${name}.${role}`, x));
    const context = this.attention(index, q.output, k.output, v.output);
    const attentionOutput = this.linear(`${name}.${parts.attentionOutput}`, context.output);
    const attentionDropped = this.dropout('attention output', index, attentionOutput.output, x);
    const attentionNorm = this.norm(`${name}.${parts.attentionNorm}`, attentionDropped.output);
    const intermediate = this.linear(`${name}.${parts.intermediate}`, attentionNorm.output);
    const activated = geluForward(intermediate.output, this.round).values;
    const output = this.linear(`${name}.${parts.output}`, activated);
    const outputDropped = this.dropout('feed-forward output', index, output.output, attentionNorm.output);
    const outputNorm = this.norm(`${name}.${parts.outputNorm}`, outputDropped.output);
    return part(outputNorm.computed, (gradient) => {
      const outputNormGradient = outputNorm.backward(gradient);
      const activatedGradient = output.backward(outputDropped.backward(outputNormGradient));
      const intermediateGradient = geluBackward(intermediate.output, activatedGradient, this.round).values;
      const attentionNormGradient = attentionNorm.backward(
        this.sum(outputNormGradient, intermediate.backward(intermediateGradient)),
      );
      const contextGradient = attentionOutput.backward(attentionDropped.backward(attentionNormGradient));
      const { dq, dk, dv } = context.backward(contextGradient);
      return this.sum(attentionNormGradient, q.backward(dq), k.backward(dk), v.backward(dv));
    });
  }

  /** The head of the task, over the rows of its tokens. */
  head(hidden: Numbers): Part {
    const width = this.config.hidden;
    const { outputs } = this.batch;
    if (!outputs) return this.sentenceHead(hidden);
    const tokens = Array.from(outputs);
    const rows = tokens.flatMap((token) =>
      Array.from({ length: width }, (_, c) => hidden[token * width + c]),
    );
    const head = this.mlmHead(rows);
    return part(head.computed, (gradient) => {
      const rowsGradient = head.backward(gradient);
      const hiddenGradient = new Float64Array(hidden.length);
      tokens.forEach((token, row) => {
        for (let c = 0; c < width; c++) hiddenGradient[token * width + c] = rowsGradient[row * width + c];
      });
      return hiddenGradient;
    });
  }

  /** decoder(norm(gelu(dense(hidden)))): the decoder's weight is the table of words. */
  private mlmHead(rows: Numbers): Part {
    const words = `${this.parts.embeddings}.word_embeddings.weight`;
    const dense = this.linear(this.parts.transform, rows);
    const norm = this.norm(this.parts.transformNorm, geluForward(dense.output, this.round).values);
    const weight = this.weights.get(words)!;
    const bias = this.weights.get(this.parts.decoderBias)!;
    const inputs = this.config.hidden;
    const shape = { rows: rows.length / inputs, inputs, outputs: bias.length };
    return part(linearForward(shape, norm.output, weight, bias, this.round), (gradient) => {
      const decoder = linearBackward(shape, norm.output, weight, gradient, this.round);
      this.gradients.set(words, decoder.weight);
      this.gradients.set(this.parts.decoderBias, decoder.bias);
      return dense.backward(
        geluBackward(dense.output, norm.backward(decoder.input.values), this.round).values,
      );
    });
  }

  /** classifier(drop(tanh(pooler(hidden of [CLS])))), with DistilBERT's ReLU for the tanh */
  private sentenceHead(hidden: Numbers): Part {
    const width = this.config.hidden;
    const starts = this.lengths.map((_, i) => this.lengths.slice(0, i).reduce((a, b) => a + b, 0));
    const first = starts.flatMap((start) =>
      Array.from({ length: width }, (_, c) => hidden[start * width + c]),
    );
    const pooled = this.linear(this.parts.pooler, first);
    const activated = this.isDistilBert
      ? reluForward(pooled.output).values
      : tanhForward(pooled.output, this.round).values;
    const dropped = this.dropout('pooled', 0, activated);
    const logits = this.linear('classifier', dropped.output);
    return part(logits.computed, (gradient) => {
      const activatedGradient = dropped.backward(logits.backward(gradient));
      const pooledGradient = this.isDistilBert
        ? reluBackward(activated, activatedGradient).values
        : tanhBackward(activated, activatedGradient, this.round).values;
      const firstGradient = pooled.backward(pooledGradient);
      const hiddenGradient = new Float64Array(hidden.length);
      starts.forEach((start, sentence) => {
        for (let c = 0; c < width; c++)
          hiddenGradient[start * width + c] = firstGradient[sentence * width + c];
      });
      return hiddenGradient;
    });
  }

  private attention(layer: number, q: Numbers, k: Numbers, v: Numbers) {
    const { heads, hidden } = this.config;
    const { bias, factors, onAttention } = this.batch;
    onAttention?.(layer, q, k);
    const headDim = hidden / heads;
    const precision = this.round(0.1) === 0.1 ? 'float64' : 'float32';
    const keep =
      factors && ((query: number, key: number, head: number) => factors.attention(layer, head, query, key));
    const table = this.biasTable(`${this.parts.layer}.${layer}.${this.parts.tagBias}`);
    const input = {
      q,
      k,
      v,
      heads,
      headDim,
      lengths: this.lengths,
      scale: 1 / Math.sqrt(headDim),
      bias: (query: number, key: number, head: number) => {
        const constant = bias(query, key, layer, head);
        return table && constant !== undefined ? constant + table.of(query, key, head) : constant;
      },
      keep,
      onScoreGradient: table?.add,
    };
    return {
      output: referenceAttention(input, precision).output,
      backward: (outputGradient: Numbers) => {
        const gradients = referenceAttention({ ...input, outputGradient }, precision);
        table?.end();
        return gradients;
      },
    };
  }

  /** A layer's table of biases, [heads, tags, tags], and its gradient, to which each pair of tokens adds. */
  private biasTable(name: string) {
    const values = this.weights.get(name);
    if (!values) return undefined;
    const size = Math.sqrt(values.length / this.config.heads);
    const tags = this.batch.tags!;
    const entry = (query: number, key: number, head: number) =>
      (head * size + tags[query]) * size + tags[key];
    const [sums, sizes] = [new Float64Array(values.length), new Float64Array(values.length)];
    const add = (query: number, key: number, head: number, gradient: number, gradientSize: number) => {
      const at = entry(query, key, head);
      sums[at] = this.round(sums[at] + gradient);
      sizes[at] += gradientSize;
    };
    const total = (at: number) => [sums[at], sizes[at]] as const;
    const end = () => void this.gradients.set(name, computed(values.length, total));
    const of = (query: number, key: number, head: number) => values[entry(query, key, head)];
    return { of, add, end };
  }

  private linear(name: string, x: Numbers): Part {
    const weight = this.weights.get(`${name}.weight`)!;
    const bias = this.weights.get(`${name}.bias`)!;
    const inputs = weight.length / bias.length;
    const shape = { rows: x.length / inputs, inputs, outputs: bias.length };
    return part(linearForward(shape, x, weight, bias, this.round), (gradient) =>
      this.keep(name, linearBackward(shape, x, weight, gradient, this.round)),
    );
  }

  private norm(name: string, x: Numbers): Part {
    const { hidden, normEpsilon } = this.config;
    const shape = { rows: x.length / hidden, hidden, epsilon: normEpsilon };
    const weight = this.weights.get(`${name}.weight`)!;
    const bias = this.weights.get(`${name}.bias`)!;
    return part(layerNormForward(shape, x, weight, bias, this.round), (gradient) =>
      this.keep(name, layerNormBackward(shape, x, weight, gradient, this.round)),
    );
  }

  /** The backward pass gives the gradient of the dropped values; that of the residual is the output's gradient. */
  private dropout(site: HiddenSite, layer: number, x: Numbers, residual?: Numbers): Part {
    const { factors } = this.batch;
    const drops = !(this.isDistilBert && site === 'attention output');
    const factor = (row: number, channel: number) =>
      drops && factors ? factors.hidden(site, layer, row, channel) : 1;
    const { hidden } = this.config;
    return part(
      dropoutForward(hidden, factor, x, residual, this.round),
      (gradient) => dropoutForward(hidden, factor, gradient, undefined, this.round).values,
    );
  }

  private keep(name: string, gradients: { input: Computed; weight: Computed; bias: Computed }): Numbers {
    this.gradients.set(`${name}.weight`, gradients.weight);
    this.gradients.set(`${name}.bias`, gradients.bias);
    return gradients.input.values;
  }

  private added(a: Computed, b: Computed): Computed {
    const scale = a.scale + b.scale;
    return computed(a.values.length, (i) => [this.round(a.values[i] + b.values[i]), scale]);
  }

  private sum(...terms: Numbers[]): Numbers {
    return computed(terms[0].length, (i) => [terms.reduce((sum, term) => this.round(sum + term[i]), 0), 0])
      .values;
  }
}

function part<Gradient>(result: Computed, backward: (gradient: Numbers) => Gradient): Part<Gradient> {
  return { output: result.values, computed: result, backward };
}

/**
 * Hugging Face's classifier of sequences, or model of masked tokens, with its gradients, computed number by number. It shares no code
 * with what it tests. @param round Rounds every number: `exact` for float64 (see arithmetic.ts).
 */
export function referenceBert(
  config: ReferenceConfig,
  weights: Weights,
  batch: BertBatch,
  round = exact,
): BertResult {
  const bert = new Bert(config, weights, batch, round);
  const embeddings = bert.embeddings();
  const layers: Part[] = [];
  let hidden = embeddings.output;
  for (let index = 0; index < config.layers; index++) {
    layers.push(bert.layer(index, hidden));
    hidden = layers[index].output;
  }
  const head = bert.head(hidden);
  const outputs = head.output.length / batch.labels.length;
  const { loss, logits } = crossEntropy(outputs, head.output, batch.labels, round);
  const inputGradient = (logitsGradient: Numbers) => {
    let gradient = head.backward(logitsGradient);
    for (const layer of [...layers].reverse()) gradient = layer.backward(gradient);
    return embeddings.backward(gradient);
  };
  const gradients = () => {
    inputGradient(logits.values);
    return bert.gradients;
  };
  return { logits: head.computed, loss, gradients, inputGradient };
}
