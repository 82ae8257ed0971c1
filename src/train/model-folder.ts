import { join } from 'node:path';
import { checkedStrategy } from '../attention/attention.js';
import { checkedChoices, type KernelChoices } from '../attention/kernel-choices.js';
import { createFolder, readBytesOf, readText, writeWhole } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';
import type { RuleSet, Strategy } from '../grammar/rules.js';
import { formatRules, parseRules } from '../grammar/rules-file.js';
import { parseVocabulary, type Vocabulary } from '../grammar/vocabulary.js';
import { BERT_TINY, checkConfig, type ModelConfig } from '../nn/config.js';
import { parameterSpecs } from '../nn/parameters.js';
import { formatSafetensors, parseSafetensors } from './safetensors.js';

/** Everything that a folder says of a model, except its weights. */
export interface ModelDescription {
  config: ModelConfig;
  vocabulary: Vocabulary;
  /** Names of the classes, by label. */
  classes: readonly string[];
  strategy: Strategy;
  rules: RuleSet;
  beta: number;
  /** Pieces at which sentences are cut, [CLS] and [SEP] included. */
  mostPieces: number;
  /** Variants of the kernels that it was trained with, where they had been measured. */
  kernels?: KernelChoices;
}

const CONFIG = 'config.json';
const RULES = 'rules.json';
const VOCABULARY = 'vocab.txt';
const TOKENIZER = 'tokenizer_config.json';
export const WEIGHTS_FILE = 'model.safetensors';

/** Where Hugging Face's configuration keeps each number of ours. */
const CONFIG_NAMES = {
  vocabulary: 'vocab_size',
  hidden: 'hidden_size',
  layers: 'num_hidden_layers',
  heads: 'num_attention_heads',
  feedForward: 'intermediate_size',
  positions: 'max_position_embeddings',
  types: 'type_vocab_size',
  normEpsilon: 'layer_norm_eps',
  hiddenDropout: 'hidden_dropout_prob',
  attentionDropout: 'attention_probs_dropout_prob',
  initialDeviation: 'initializer_range',
} as const satisfies Record<
  Exclude<keyof ModelConfig, 'family' | 'headDropout' | 'classes' | 'biasTags'>,
  string
>;

function configJson({ config, classes, strategy, beta, mostPieces, kernels }: ModelDescription): string {
  const numbers = Object.entries(CONFIG_NAMES).map(([ours, theirs]) => [
    theirs,
    config[ours as keyof ModelConfig],
  ]);
  const json = {
    architectures: ['BertForSequenceClassification'],
    model_type: 'bert',
    hidden_act: 'gelu',
    pad_token_id: 0,
    position_embedding_type: 'absolute',
    ...Object.fromEntries(numbers),
    id2label: Object.fromEntries(classes.map((name, label) => [label, name])),
    label2id: Object.fromEntries(classes.map((name, label) => [name, label])),
    parsimony: {
      strategy,
      beta,
      most_pieces: mostPieces,
      ...(config.biasTags > 0 && { bias_tags: config.biasTags }),
      ...(kernels && { kernels }),
    },
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

/** Writes what describes a model: configuration, rules, vocabulary. @throws EngineError where the disk refuses. */
export async function saveDescription(folder: string, description: ModelDescription): Promise<void> {
  const tokenizer = {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: true,
    model_max_length: description.mostPieces,
  };
  await createFolder(folder);
  await writeWhole(join(folder, CONFIG), configJson(description));
  await writeWhole(join(folder, RULES), formatRules(description.rules));
  await writeWhole(join(folder, VOCABULARY), description.vocabulary.toText());
  await writeWhole(join(folder, TOKENIZER), `${JSON.stringify(tokenizer, null, 2)}\n`);
}

/** Writes a model's weights beside its description, under Hugging Face's names. @throws EngineError where the disk refuses. */
export async function saveWeights(
  folder: string,
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<void> {
  const tensors = parameterSpecs(config).map(
    ({ name, shape }) => [name, { shape, values: weights.get(name)! }] as const,
  );
  await writeWhole(join(folder, WEIGHTS_FILE), formatSafetensors(new Map(tensors)));
}

type Json = Record<string, unknown>;

function parseJson(text: string, file: string): Json {
  try {
    const json: unknown = JSON.parse(text);
    if (json && typeof json === 'object' && !Array.isArray(json)) return json as Json;
  } catch {
    // Told below, as every other content that is no object.
  }
  throw new CallerError({ what: 'no JSON object', where: file, expected: "a model's configuration" });
}

function numberIn(json: Json, name: string, file: string): number {
  const value = json[name];
  if (typeof value === 'number') return value;
  throw new CallerError({ what: `"${name}" is ${JSON.stringify(value)}`, where: file, expected: 'a number' });
}

function classNames(json: Json, file: string): string[] {
  const names = json.id2label;
  if (
    names &&
    typeof names === 'object' &&
    Object.keys(names).every((label, index) => label === `${index}`)
  ) {
    return Object.values(names).map(String);
  }
  throw new CallerError({
    what: '"id2label" does not name the classes 0, 1 …',
    where: file,
    expected: '{ "0": …, "1": … }',
  });
}

function ownSettings(json: Json, file: string): Json {
  if (json.parsimony && typeof json.parsimony === 'object') return json.parsimony as Json;
  throw new CallerError({
    what: 'no strategy is named',
    where: file,
    expected: '"parsimony": { "strategy": …, "beta": …, "most_pieces": … }, as `parsimony train` writes it',
  });
}

/** @throws CallerError where a model of so many positions cannot read sentences of so many pieces. */
export function checkedMostPieces(mostPieces: number, { positions }: ModelConfig, where?: string): number {
  if (Number.isInteger(mostPieces) && mostPieces >= 3 && mostPieces <= positions) return mostPieces;
  throw new CallerError({
    what: `sentences of up to ${mostPieces} pieces`,
    where,
    expected: `3 to ${positions}, the model's positions`,
    remedy: 'choose another length, or a model with more positions',
  });
}

/** Reads what describes a model. @throws CallerError where a file is missing or is not what it should be. */
export async function loadDescription(folder: string): Promise<ModelDescription> {
  const file = join(folder, CONFIG);
  const json = parseJson(
    await readText(file, "a model's folder, as `parsimony train --out` writes it"),
    file,
  );
  const own = ownSettings(json, file);
  const classes = classNames(json, file);
  const numbers = Object.entries(CONFIG_NAMES).map(([ours, theirs]) => [ours, numberIn(json, theirs, file)]);
  const biasTags = own.bias_tags === undefined ? 0 : numberIn(own, 'bias_tags', file);
  const config: ModelConfig = {
    ...BERT_TINY,
    ...Object.fromEntries(numbers),
    classes: classes.length,
    biasTags,
  };
  checkConfig(config, file);
  const vocabularyFile = join(folder, VOCABULARY);
  const vocabulary = parseVocabulary(await readText(vocabularyFile), vocabularyFile);
  if (vocabulary.size !== config.vocabulary) {
    throw new CallerError({
      what: `${vocabulary.size} pieces`,
      where: vocabularyFile,
      expected: `${config.vocabulary}, as ${CONFIG} says`,
    });
  }
  const rulesFile = join(folder, RULES);
  return {
    config,
    vocabulary,
    classes,
    strategy: checkedStrategy(String(own.strategy), file),
    rules: parseRules(await readText(rulesFile), rulesFile),
    beta: numberIn(own, 'beta', file),
    mostPieces: checkedMostPieces(numberIn(own, 'most_pieces', file), config, file),
    kernels: own.kernels === undefined ? undefined : checkedChoices(own.kernels, file),
  };
}

/**
 * Reads a model's weights.
 * @throws CallerError where the file is missing or cut off, or a tensor is missing, too much or of another shape.
 */
export async function loadWeights(folder: string, config: ModelConfig): Promise<Map<string, Float32Array>> {
  const file = join(folder, WEIGHTS_FILE);
  const tensors = parseSafetensors(await readBytesOf(file), file);
  const specs = parameterSpecs(config);
  for (const { name, shape } of specs) {
    const tensor = tensors.get(name);
    if (!tensor) throw new CallerError({ what: `tensor "${name}" is missing`, where: file });
    if (tensor.shape.join() !== shape.join()) {
      throw new CallerError({
        what: `tensor "${name}" is ${tensor.shape.join(' x ')}`,
        where: file,
        expected: shape.join(' x '),
      });
    }
  }
  const extra = [...tensors.keys()].find((name) => !specs.some((spec) => spec.name === name));
  if (extra) throw new CallerError({ what: `tensor "${extra}" is none of this model's`, where: file });
  return new Map([...tensors].map(([name, { values }]) => [name, values]));
}
