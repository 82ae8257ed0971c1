import * as v from 'valibot';
import { oneOf, text } from '../base/json-schemas.js';
import { precision } from '../base/precision.js';
import { PRESET_NAMES } from '../grammar/presets.js';
import { STRATEGIES } from '../grammar/rules.js';
import { ADAMW_DEFAULTS } from '../nn/adamw.js';
import { BERT_TINY, MODEL_SIZES, type ModelSize, TASKS } from '../nn/model-config.js';
import { BEST_BY } from './best.js';
import { LR_SCHEDULERS } from './schedule.js';

export type Table = Readonly<Record<string, Setting>>;

/**
 * A setting of a training run. Its entry in the tables below defines all of it: the flag of `parsimony train`, the field of
 * an experiment's file and of `training.json`, the option of the library, and the line in `--help` and in docs/settings.md.
 */
export interface Setting {
  /** Type and range; its messages say what is expected. */
  type: v.GenericSchema<unknown, unknown> & { type: string };
  /** What `--help` calls the value; a flag without one is true or false. */
  value?: string | undefined;
  /** What it is; for a flag that is true by default, what its negation does. */
  help: string;
  default?: unknown;
  /** The default in words, where it follows from something else. */
  otherwise?: string;
  /** Names of version 0.1, which files and flags may still use. The first of them stays in the hashes that name runs. */
  aliases?: readonly string[];
}

/** Makes a function that defines settings of a type. */
function of<Type extends Setting['type']>(type: Type, value?: string) {
  return <const More extends Pick<Setting, 'default' | 'otherwise' | 'aliases'>>(
    help: string,
    more?: More,
  ) => ({
    ...({ ...more } as More),
    type,
    value,
    help,
  });
}

/** The schema of a number that meets a condition; all other values get the same message. */
function number(expected: string, holds: (value: number) => boolean) {
  return v.pipe(v.number(expected), v.check(holds, expected));
}

const positiveWhole = number(
  'a whole number of 1 or more',
  (value) => Number.isSafeInteger(value) && value >= 1,
);
const whole = number('a whole number of 0 or more', (value) => Number.isSafeInteger(value) && value >= 0);

/** The schema of a whole number within bounds. */
export function wholeWithin(least: number, most: number) {
  return number(
    `a whole number from ${least} to ${most}`,
    (value) => Number.isInteger(value) && value >= least && value <= most,
  );
}

/** Whether f32, in which kernels compute, holds the number as finite. */
function isSingle(value: number): boolean {
  return Number.isFinite(Math.fround(value));
}

export const seed = number(
  'a whole number from 0 to 2³² - 1',
  (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 32,
);
const isShareBelow1 = (value: number) => value >= 0 && value < 1;
const rate = of(
  number('a positive number of 32 bits', (value) => isSingle(value) && Math.fround(value) > 0),
  'rate',
);
const weight = of(
  number('a number of 0 or more, of 32 bits', (value) => isSingle(value) && value >= 0),
  'number',
);
const decayRate = of(number('a number from 0 to below 1', isShareBelow1), 'number');
const probability = of(number('a probability below 1', isShareBelow1), 'probability');
const real = of(number('a number', Number.isFinite), 'number');
const count = of(positiveWhole, 'count');
const steps = of(whole, 'steps');
const word = (value: string) => of(text, value);
const flag = of(v.boolean('true or false'));
const FILES = v.union([text, v.array(text)], 'the name of a file or folder, or a list of names');
const files = of(FILES, 'files');
const names = of(
  v.pipe(
    v.union([text, v.array(text)], 'a list of names'),
    v.transform((list) => (typeof list === 'string' ? list.split(',').map((name) => name.trim()) : list)),
  ),
  'list',
);
function choice<const Options extends readonly string[]>(options: Options, value: string) {
  return of(oneOf(options), value);
}

const { weightDecay, maxGradNorm, beta1, beta2, epsilon } = ADAMW_DEFAULTS;

/** BERT's share of the tokens that are masked. */
export const MLM_PROBABILITY = 0.15;

/** How weights are updated, and when dev is evaluated: what the library's `train` takes. */
export const TRAINING = {
  epochs: of(wholeWithin(1, 1_000_000), 'count')('passes over the training data', { default: 3 }),
  batchSize: of(wholeWithin(1, 65_536), 'count')('sentences in a batch', { default: 32, aliases: ['batch'] }),
  gradientAccumulationSteps: of(wholeWithin(1, 65_536), 'count')(
    'batches in a step, whose gradient is the mean over all their sentences',
    { default: 1, aliases: ['accumulate'] },
  ),
  learningRate: rate('learning rate at the end of the warm-up', {
    default: 2e-4,
    otherwise: '0.0002, with --init 0.00005',
    aliases: ['rate', 'lr'],
  }),
  biasLearningRate: rate('learning rate of the biases of strategy `learned`', {
    otherwise: 'as --learning-rate',
    aliases: ['biasRate', 'biasLr'],
  }),
  lrScheduler: choice(LR_SCHEDULERS, 'name')('what the learning rate does after the warm-up', {
    default: 'linear',
    aliases: ['schedule'],
  }),
  warmupSteps: steps('steps in which the learning rate rises from 0', {
    otherwise: 'a tenth of all, at most 500',
    aliases: ['warmUpSteps', 'warmup'],
  }),
  weightDecay: weight('weight decay of AdamW', { default: weightDecay }),
  maxGradNorm: weight('norm above which the whole gradient is scaled down; 0 for no clipping', {
    default: maxGradNorm,
    aliases: ['clipNorm', 'clip'],
  }),
  beta1: decayRate('decay rate of the first moment of AdamW', { default: beta1 }),
  beta2: decayRate('decay rate of the second moment of AdamW', { default: beta2 }),
  epsilon: of(
    number('a positive number', (value) => value > 0 && Number.isFinite(value)),
    'number',
  )('added to the denominator of AdamW', { default: epsilon }),
  precision: of(precision, 'type')(
    'type of the operands of matrix products: f32, or f16 on an adapter with subgroup matrices; weights and sums are f32 in both',
    { otherwise: 'f32' },
  ),
  seed: of(seed, 'number')('of weights, data order, dropout, masked tokens and drawn rows', { default: 42 }),
  maskProbability: probability('probability with which a token is read as [MASK] while training', {
    default: 0,
    aliases: ['maskTokens'],
  }),
  mlmProbability: probability('with --task mlm, share of the tokens of a text that the model should find', {
    otherwise: `${MLM_PROBABILITY}`,
  }),
  sparsity: weight('penalty on the share of pairs that strategy `learned` keeps, for `rules prune`', {
    default: 0,
  }),
  freezeEmbeddings: flag('train neither the tables nor the norm of the embeddings', { default: false }),
  evaluationsPerEpoch: count('evenly spread evaluations of dev in an epoch', {
    otherwise: '4; 1 in the library',
    aliases: ['evaluations'],
  }),
  evalSteps: of(positiveWhole, 'steps')(
    'steps between two evaluations, instead of --evaluations-per-epoch; the end of an epoch is always evaluated',
    { aliases: ['evaluateEvery'] },
  ),
  saveSteps: steps('steps between two checkpoints; 0 for none', {
    otherwise: 'at each evaluation',
    aliases: ['checkpointEvery'],
  }),
  metricForBestModel: choice(BEST_BY, 'metric')('metric of dev that tells the best weights', {
    default: 'accuracy',
    otherwise: 'accuracy, with --task mlm loss',
    aliases: ['bestBy'],
  }),
  earlyStoppingPatience: of(positiveWhole, 'evaluations')(
    'evaluations in a row without a better --metric-for-best-model after which a run ends',
    { otherwise: 'the run has all its epochs', aliases: ['patience'] },
  ),
  until: of(
    number('a number above 0, 1 at most', (value) => value > 0 && value <= 1),
    'accuracy',
  )('dev accuracy at which a run ends, at the first evaluation that has it', {
    otherwise: 'the run has all its epochs',
  }),
} satisfies Table;

/** All settings of a run, by name: data, model, training, and what it runs on. */
export const SETTINGS = {
  data: of(
    FILES,
    'source',
  )(
    'a folder or files (.tsv, .csv, .jsonl, .parquet, .conllu), sst2 (downloaded once), embedded (generated text), grampair:LABEL (generated, with gold tags), corrupt:KIND:SOURCE (minimal pairs of texts), or blimp:PATH (.jsonl files of BLiMP)',
  ),
  dev: files('files of the development split, where --data is files'),
  test: files('files of the test split, where --data is files'),
  devShare: of(
    number('a share above 0 and below 1', (value) => value > 0 && value < 1),
    'share',
  )(
    'share of the training rows that are the development split instead, drawn with the seed, where files have none',
  ),
  textColumn: word('name')('the column of the texts', { otherwise: 'sentence, else text' }),
  labelColumn: word('name')('the column of the labels', { otherwise: 'label' }),
  tagsColumn: word('name')("a column with a tag of the rules for each word, instead of wink-nlp's tags"),
  trainExamples: count('examples to train on, drawn with the seed; more contain fewer', {
    otherwise: 'all of the training split',
  }),
  labels: names('names of the classes in their order', {
    otherwise: 'the labels of the training split, sorted',
  }),
  task: choice(TASKS, 'task')(
    'what is trained: a class of each text, or masked tokens (mlm), a checkpoint for --init that needs no labels',
    { default: 'classification' },
  ),
  init: word('checkpoint')("start from a folder of Hugging Face's layout, or hub:owner/model[@revision]"),
  strategy: choice(STRATEGIES, 'name')('how rules act on attention', { default: 'none' }),
  rules: word('name or file')(
    `${PRESET_NAMES.join(', ')}, sepllm:W (a window of W tokens), or a JSON file; within a scope: paper@sentence, paper@128; with edits: 'paper readout:VERB +VERB:PART -DET:NOUN'; for training also random and permuted (the paper's under other tags), of about the paper's density, drawn with the seed or with that of random:7`,
    { default: 'paper' },
  ),
  beta: real('what soft pairs add to their score', { otherwise: "the rules' own" }),
  maxLength: of(positiveWhole, 'tokens')('length at which texts are cut, up to 16384', { default: 128 }),
  dropout: probability('dropout of hidden states', {
    otherwise: `${BERT_TINY.hiddenDropout}, with --init the checkpoint's`,
  }),
  attentionDropout: probability('dropout of attention probabilities', { otherwise: 'as --dropout' }),
  vocab: word('file')('vocab.txt, a token a line', { otherwise: "BERT's vocabulary" }),
  case: choice(['keep', 'lower'], 'how')('whether texts keep their capitals, for a vocabulary of --vocab', {
    otherwise: 'keep where a token of --vocab has capitals, else lower',
  }),
  tagNoise: word('how')(
    "a control: other tags than the tagger's: shuffled, noise:P (a share P of the words), blocks:N (by position)",
    { aliases: ['relabel'] },
  ),
  tagEmbeddings: flag(
    "add a learned embedding of each token's tag to the input: what tags say, without a mask",
    { default: false },
  ),
  preset: choice(Object.keys(MODEL_SIZES) as ModelSize[], 'size')(
    'the layers, hidden size, heads and feed-forward size of a BERT of this size (Turc et al. 2019)',
    { default: 'tiny' },
  ),
  layers: count('encoder layers', { otherwise: "the preset's" }),
  hidden: of(positiveWhole, 'size')('hidden size', { otherwise: "the preset's" }),
  heads: count('attention heads', { otherwise: "the preset's" }),
  feedForward: of(positiveWhole, 'size')('size of the feed-forward layer', { otherwise: "the preset's" }),
  initializerRange: weight('standard deviation of the initial weights', {
    default: BERT_TINY.initializerRange,
    aliases: ['initialDeviation'],
  }),
  ...TRAINING,
  adapter: word('name')('GPU adapter: auto, gpu, system, embedded, or part of its name'),
  tune: flag('run the variants of the kernels that are expected to be fastest, unmeasured', {
    default: true,
  }),
} satisfies Table;

export type SettingName = keyof typeof SETTINGS;

type Value<S> = S extends { type: infer Type extends v.GenericSchema } ? v.InferOutput<Type> : never;

/** Settings of a table, each of which may be left out. */
export type Options<T extends Table> = { -readonly [Name in keyof T]?: Value<T[Name]> };

/** Those of a table's settings that have a default. */
export type Defaults<T extends Table> = {
  -readonly [Name in keyof T as T[Name] extends { default: unknown } ? Name : never]: Value<T[Name]>;
};

/** The settings of a run, in an experiment or on a command line. */
export interface RunSettings extends Options<typeof SETTINGS> {}

function defaultsOf<T extends Table>(table: T): Defaults<T> {
  const pairs = Object.entries(table).map(([name, setting]) => [name, setting.default]);
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined)) as Defaults<T>;
}

export const TRAINING_DEFAULTS = defaultsOf(TRAINING);
export const SETTING_DEFAULTS = defaultsOf(SETTINGS);
export const DEFAULT_SEED = TRAINING_DEFAULTS.seed;

/** The learning rate of fine-tuning, lower than that of training from scratch: Hugging Face's default. */
export const FINE_TUNING_RATE = 5e-5;

/** The flag of a setting: `--weight-decay` for `weightDecay`. */
export function flagOf(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
