import * as v from 'valibot';
import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';
import {
  fields,
  finite,
  isObject,
  type Json,
  listOf,
  positiveWhole,
  recordOf,
  text,
  whole,
} from '../../base/json-schemas.js';
import type { JsonText } from '../../base/json-text.js';
import { MOST_CLASSES } from '../../nn/model-checks.js';
import { BERT_TINY, type ModelConfig, TASKS, type Task } from '../../nn/model-config.js';
import { MODEL_FAMILIES, type ModelFamily } from '../../nn/tensor-names.js';

type NumberName = Exclude<keyof ModelConfig, 'family' | 'classes' | 'biasTags' | 'tagEmbeddings' | 'task'>;

/** Hugging Face's name of each number of `ModelConfig`, and its value where a configuration leaves it out. */
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
  initializerRange: ['initializer_range', 0.02],
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
  initializerRange: ['initializer_range', 0.02],
};

const FIELDS: Readonly<Record<ModelFamily, Fields>> = { bert: BERT_FIELDS, distilbert: DISTILBERT_FIELDS };

/** Fields of which the engine supports only some values, the usual one first. */
const ONE_WAY: Readonly<Record<ModelFamily, Readonly<Record<string, readonly unknown[]>>>> = {
  bert: {
    hidden_act: ['gelu', 'gelu_python'],
    position_embedding_type: ['absolute'],
    is_decoder: [false],
    add_cross_attention: [false],
  },
  distilbert: { activation: ['gelu', 'gelu_python'], sinusoidal_pos_embds: [false] },
};

/** The part of Hugging Face's class name that names the head of a task. */
const HEADS: Readonly<Record<Task, string>> = {
  classification: 'ForSequenceClassification',
  mlm: 'ForMaskedLM',
};

const FAMILY_CLASSES: Readonly<Record<ModelFamily, string>> = { bert: 'Bert', distilbert: 'DistilBert' };

function architecture(family: ModelFamily, task: Task): string {
  return `${FAMILY_CLASSES[family]}${HEADS[task]}`;
}

/** The content of a `config.json`. */
export interface HuggingFaceConfig {
  /** All but the classes and the tables that only our models have. */
  shape: Omit<ModelConfig, 'classes' | 'biasTags' | 'tagEmbeddings' | 'task'>;
  classes: string[];
  /**
   * What its head is for; undefined where it has none, or one of another task. A tensor `classifier` is of texts or of tokens, or a
   * regression: all have the same name.
   */
  task?: Task;
}

function isFamily(name: unknown): name is ModelFamily {
  return MODEL_FAMILIES.some((family) => family === name);
}

/** The family that a configuration names. Old configurations name none: their fields decide. */
function familyOf(json: Json, file: string): ModelFamily {
  const named = json.model_type ?? undefined;
  if (isFamily(named)) return named;
  if (named === undefined) return 'dim' in json || 'n_layers' in json ? 'distilbert' : 'bert';
  throw new CallerError({
    what: `"model_type" is ${describeValue(named)}`,
    where: file,
    expected: MODEL_FAMILIES.join(' or '),
  });
}

function refuseOtherWays(json: Json, family: ModelFamily, file: string): void {
  for (const [name, values] of Object.entries(ONE_WAY[family])) {
    const value = json[name] ?? values[0];
    if (values.includes(value)) continue;
    throw new CallerError({
      what: `"${name}" is ${describeValue(value)}, which is not supported`,
      where: file,
      expected: JSON.stringify(values[0]),
    });
  }
  const pruned = json.pruned_heads ?? {};
  if (!isObject(pruned) || Object.keys(pruned).length > 0) {
    throw new CallerError({
      what: '"pruned_heads" names heads, which is not supported',
      where: file,
      expected: 'none',
    });
  }
}

const label = v.union([text, finite], 'the name of a class');
const labels = v.nullish(recordOf(label));

const CLASSES = fields({
  id2label: labels,
  label2id: v.nullish(
    recordOf(v.union([whole, v.pipe(text, v.digits('the number of a class'))], 'the number of a class')),
  ),
  num_labels: v.nullish(
    v.pipe(positiveWhole, v.maxValue(MOST_CLASSES, `a whole number up to ${MOST_CLASSES}`)),
  ),
});

/** The names of the classes, by label; as Hugging Face names them where a configuration does not. */
function classNames(json: JsonText): string[] {
  const { id2label, label2id, num_labels: count } = json.checked(CLASSES);
  const refuse = (field: string, what: string, expected: string): never => {
    throw json.errorAt([field], { what, expected });
  };
  if (!id2label) return Array.from({ length: count ?? 2 }, (_, each) => `LABEL_${each}`);
  const names = Object.values(id2label).map(String);
  if (!Object.keys(id2label).every((key, index) => key === `${index}`))
    refuse('id2label', '"id2label" does not name the classes 0, 1 …', '{ "0": …, "1": … }');
  if (names.length > MOST_CLASSES)
    refuse('id2label', `"id2label" names ${names.length} classes`, `at most ${MOST_CLASSES}`);
  const numbers = new Map<string, number>();
  for (const [number, name] of names.entries()) {
    const other = numbers.get(name);
    if (other !== undefined)
      refuse(
        'id2label',
        `"id2label" names classes ${other} and ${number} ${describeValue(name)}`,
        'a name for each',
      );
    numbers.set(name, number);
  }
  if ((count ?? names.length) !== names.length)
    refuse('num_labels', `"num_labels" is ${count}`, `${names.length}, as "id2label" names`);
  for (const [name, number] of Object.entries(label2id ?? {})) {
    const namedNumber = numbers.get(name) ?? Number(number);
    if (namedNumber !== Number(number))
      refuse(
        'label2id',
        `"label2id" gives ${describeValue(name)} number ${number}`,
        `${namedNumber}, as "id2label" does`,
      );
  }
  return names;
}

/** The numbers of `ModelConfig` that must be whole. */
const COUNTS = new Set('vocabulary hidden layers heads feedForward positions types'.split(' '));

function numbersIn(json: JsonText, family: ModelFamily): Record<string, number> {
  const all = Object.entries(FIELDS[family]);
  const entries = all.map(([name, [fileName]]) => [
    fileName,
    v.nullish(COUNTS.has(name) ? positiveWhole : finite),
  ]);
  const fileNumbers: Record<string, unknown> = json.checked(fields(Object.fromEntries(entries)));
  const numbers = all.map(([name, [fileName, missing]]) => [name, fileNumbers[fileName] ?? missing]);
  return Object.fromEntries(numbers.filter(([, value]) => value !== undefined));
}

const HEAD = fields({
  model_type: v.nullish(text),
  architectures: v.nullish(listOf(text)),
  problem_type: v.nullish(text),
});

/**
 * Reads a configuration of Hugging Face's, of BERT or DistilBERT, with its defaults for what is left out.
 * @throws CallerError where it is of another kind of model, naming what is not supported, or holds a value of another type.
 */
export function readConfig(json: JsonText, file: string): HuggingFaceConfig {
  const { architectures, problem_type: problem, ...all } = json.checked(HEAD);
  const family = familyOf(all, file);
  refuseOtherWays(all, family, file);
  const { classes: _, biasTags: __, ...defaults } = BERT_TINY;
  const head = architectures?.[0];
  const isOneLabel = (problem ?? 'single_label_classification') === 'single_label_classification';
  const named =
    head === undefined ? 'classification' : TASKS.find((each) => head === architecture(family, each));
  const task = named !== 'classification' || isOneLabel ? named : undefined;
  return {
    shape: { ...defaults, family, types: 0, ...numbersIn(json, family) },
    classes: task === 'mlm' ? [] : classNames(json),
    task,
  };
}

/**
 * The content of a `config.json` from which Python's `transformers` builds the same model.
 * @param padding The id of [PAD].
 */
export function configFields(config: ModelConfig, classes: readonly string[], padding: number): Json {
  const { family, task = 'classification' } = config;
  const numbers = Object.entries(FIELDS[family]).flatMap(([name, [fileName]]) => {
    const value = config[name as NumberName];
    return value === undefined ? [] : [[fileName, value]];
  });
  return {
    architectures: [architecture(family, task)],
    model_type: family,
    ...Object.fromEntries(Object.entries(ONE_WAY[family]).map(([name, [value]]) => [name, value])),
    pad_token_id: padding,
    ...Object.fromEntries(numbers),
    ...(task !== 'mlm' && {
      id2label: Object.fromEntries(classes.map((name, label) => [label, name])),
      label2id: Object.fromEntries(classes.map((name, label) => [name, label])),
    }),
  };
}
