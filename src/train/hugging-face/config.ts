import { CallerError } from '../../gpu/errors.js';
import { BERT_TINY, type ModelConfig } from '../../nn/config.js';
import { MODEL_FAMILIES, type ModelFamily } from '../../nn/tensor-names.js';
import { isObject, type Json, numberIn } from './json.js';

type NumberName = Exclude<keyof ModelConfig, 'family' | 'classes' | 'biasTags'>;

/** What Hugging Face calls a number of ours, and what it is where a configuration leaves it out. */
type Fields = Partial<Record<NumberName, readonly [name: string, missing?: number]>>;

/** `BertConfig` */
const BERT_FIELDS: Fields = {
  vocabulary: ['vocab_size', 30_522],
  hidden: ['hidden_size', 768],
  layers: ['num_hidden_layers', 12],
  heads: ['num_attention_heads', 12],
  feedForward: ['intermediate_size', 3072],
  positions: ['max_position_embeddings', 512],
  types: ['type_vocab_size', 2],
  normEpsilon: ['layer_norm_eps', 1e-12],
  hiddenDropout: ['hidden_dropout_prob', 0.1],
  attentionDropout: ['attention_probs_dropout_prob', 0.1],
  headDropout: ['classifier_dropout'],
  initialDeviation: ['initializer_range', 0.02],
};

/** `DistilBertConfig` */
const DISTILBERT_FIELDS: Fields = {
  vocabulary: ['vocab_size', 30_522],
  hidden: ['dim', 768],
  layers: ['n_layers', 6],
  heads: ['n_heads', 12],
  feedForward: ['hidden_dim', 3072],
  positions: ['max_position_embeddings', 512],
  hiddenDropout: ['dropout', 0.1],
  attentionDropout: ['attention_dropout', 0.1],
  headDropout: ['seq_classif_dropout', 0.2],
  initialDeviation: ['initializer_range', 0.02],
};

const FIELDS: Readonly<Record<ModelFamily, Fields>> = { bert: BERT_FIELDS, distilbert: DISTILBERT_FIELDS };

/** Values of the fields that the engine has one way of; a configuration that says something else is another model. */
const ONE_WAY: Readonly<Record<ModelFamily, Readonly<Record<string, readonly unknown[]>>>> = {
  bert: {
    hidden_act: ['gelu', 'gelu_python'],
    position_embedding_type: ['absolute'],
    is_decoder: [false],
    add_cross_attention: [false],
  },
  distilbert: { activation: ['gelu', 'gelu_python'], sinusoidal_pos_embds: [false] },
};

/** Classes without names that a configuration may count. */
const MOST_UNNAMED = 65_536;

const SENTENCE_HEADS: Readonly<Record<ModelFamily, string>> = {
  bert: 'BertForSequenceClassification',
  distilbert: 'DistilBertForSequenceClassification',
};

/** What a `config.json` says of a model. */
export interface HuggingFaceConfig {
  /** All but the classes and the tables that only our models have. */
  shape: Omit<ModelConfig, 'classes' | 'biasTags'>;
  classes: string[];
  /** Whether a tensor `classifier` is a classifier of sentences: one of tokens, or a regression, has the same name. */
  hasSentenceHead: boolean;
}

function isFamily(name: unknown): name is ModelFamily {
  return MODEL_FAMILIES.some((family) => family === name);
}

/** The family that a configuration names; where it names none, as those of BERT's first years, that whose fields it has. */
function familyOf(json: Json, file: string): ModelFamily {
  const named = json.model_type;
  if (isFamily(named)) return named;
  if (named === undefined) return 'dim' in json || 'n_layers' in json ? 'distilbert' : 'bert';
  throw new CallerError({
    what: `"model_type" is ${JSON.stringify(named)}`,
    where: file,
    expected: MODEL_FAMILIES.join(' or '),
  });
}

function refuseOtherWays(json: Json, family: ModelFamily, file: string): void {
  for (const [name, values] of Object.entries(ONE_WAY[family])) {
    const value = json[name] ?? values[0];
    if (values.includes(value)) continue;
    throw new CallerError({
      what: `"${name}" is ${JSON.stringify(value)}, which is not supported`,
      where: file,
      expected: JSON.stringify(values[0]),
    });
  }
  if (isObject(json.pruned_heads) && Object.keys(json.pruned_heads).length > 0) {
    throw new CallerError({
      what: '"pruned_heads" names heads, which is not supported',
      where: file,
      expected: 'none',
    });
  }
}

/** The names of the classes, by label; as Hugging Face names them where a configuration does not. */
function classNames(json: Json, file: string): string[] {
  const names = json.id2label;
  if (names === undefined || names === null) {
    const count = numberIn(json, 'num_labels', file, 2);
    if (Number.isInteger(count) && count >= 1 && count <= MOST_UNNAMED) {
      return Array.from({ length: count }, (_, label) => `LABEL_${label}`);
    }
    throw new CallerError({
      what: `"num_labels" is ${count}`,
      where: file,
      expected: `a whole number from 1 to ${MOST_UNNAMED}`,
    });
  }
  if (isObject(names) && Object.keys(names).every((label, index) => label === `${index}`)) {
    return Object.values(names).map(String);
  }
  throw new CallerError({
    what: '"id2label" does not name the classes 0, 1 …',
    where: file,
    expected: '{ "0": …, "1": … }',
  });
}

/**
 * Reads a configuration of Hugging Face's, of BERT or DistilBERT, with its defaults for what is left out.
 * @throws CallerError where it is of another kind of model, naming what is not supported.
 */
export function readConfig(json: Json, file: string): HuggingFaceConfig {
  const family = familyOf(json, file);
  refuseOtherWays(json, family, file);
  const numbers = Object.entries(FIELDS[family]).flatMap(([ours, [theirs, missing]]) => {
    const isLeftOut = missing === undefined && (json[theirs] ?? undefined) === undefined;
    return isLeftOut ? [] : [[ours, numberIn(json, theirs, file, missing)]];
  });
  const { classes: _, biasTags: __, ...defaults } = BERT_TINY;
  const { architectures, problem_type: problem } = json;
  const head = Array.isArray(architectures) ? architectures[0] : undefined;
  return {
    shape: { ...defaults, family, types: 0, ...Object.fromEntries(numbers) },
    classes: classNames(json, file),
    hasSentenceHead:
      (head === undefined || head === SENTENCE_HEADS[family]) &&
      (problem ?? 'single_label_classification') === 'single_label_classification',
  };
}

/**
 * What a `config.json` says of a model, so that Python's `transformers` makes the same one of it.
 * @param padding The id of [PAD].
 */
export function configFields(config: ModelConfig, classes: readonly string[], padding: number): Json {
  const { family } = config;
  const numbers = Object.entries(FIELDS[family]).flatMap(([ours, [theirs]]) => {
    const value = config[ours as NumberName];
    return value === undefined ? [] : [[theirs, value]];
  });
  return {
    architectures: [SENTENCE_HEADS[family]],
    model_type: family,
    ...Object.fromEntries(Object.entries(ONE_WAY[family]).map(([name, [value]]) => [name, value])),
    pad_token_id: padding,
    ...Object.fromEntries(numbers),
    id2label: Object.fromEntries(classes.map((name, label) => [label, name])),
    label2id: Object.fromEntries(classes.map((name, label) => [name, label])),
  };
}
