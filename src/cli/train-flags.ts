import { type Command, Option } from 'commander';
import type { Strategy } from '../grammar/rules.js';
import { BERT_TINY } from '../nn/model-config.js';
import { BEST_BY, type BestBy } from '../train/best.js';
import { RANDOM_RULES } from '../train/control-rules.js';
import { SCHEDULES, type ScheduleKind } from '../train/schedule.js';
import { TRAINING_DEFAULTS, type TrainingOptions } from '../train/settings.js';
import { type DataFlags, fileOptions, labelsOption } from './data-options.js';
import { noTuneOption } from './kernel-cache.js';
import {
  adapterOption,
  betaOption,
  countNumber,
  dataOption,
  jsonOption,
  realNumber,
  rulesOption,
  type ShapeFlags,
  seedNumber,
  shapeOptions,
  strategyOption,
  wholeNumber,
} from './options.js';
import { FINE_TUNING_RATE, refuseShapeFlags } from './starting-checkpoint.js';

export interface TrainFlags extends ShapeFlags, DataFlags {
  strategy: Strategy;
  rules: string;
  beta?: number;
  epochs: number;
  batch: number;
  accumulate: number;
  init?: string;
  lr?: number;
  biasLr?: number;
  schedule: ScheduleKind;
  warmup?: number;
  weightDecay: number;
  clip: number;
  seed: number;
  evaluations?: number;
  evaluateEvery?: number;
  bestBy: BestBy;
  checkpointEvery?: number;
  maxLength: number;
  dropout?: number;
  attentionDropout?: number;
  maskTokens: number;
  sparsity: number;
  freezeEmbeddings: boolean;
  vocab?: string;
  case?: 'keep' | 'lower';
  relabel?: string;
  initialDeviation: number;
  out: string;
  force?: boolean;
  adapter?: string;
  tune: boolean;
  json?: boolean;
}

/** Evaluations an epoch where no flag says how many: the best weights are looked for more often than the library does. */
const EVALUATIONS = 4;

function number(flags: string, description: string, parse: (text: string) => number, value?: number): Option {
  const option = new Option(flags, description).argParser(parse);
  return value === undefined ? option : option.default(value);
}

/** Rules may be drawn here, where the data are known that decide how many pairs they allow. */
function trainRulesOption(): Option {
  const option = rulesOption().default('paper');
  option.description += `; ${RANDOM_RULES}: drawn with the seed, as many pairs as the paper's allow`;
  return option;
}

function modelOptions(): Option[] {
  return [
    new Option(
      '--init <checkpoint>',
      "start from a folder of Hugging Face's layout, or hub:owner/model[@revision]",
    ),
    strategyOption().default('none'),
    trainRulesOption(),
    betaOption(),
    number('--max-length <tokens>', 'where texts are cut, up to 16384', countNumber, 128),
    number(
      '--dropout <probability>',
      `of hidden states (default: ${BERT_TINY.hiddenDropout}, with --init the checkpoint's)`,
      realNumber,
    ),
    number('--attention-dropout <probability>', 'of attention (default: as --dropout)', realNumber),
    new Option('--vocab <file>', "vocab.txt, a token a line (default: BERT's vocabulary)"),
    new Option(
      '--case <how>',
      'of texts, beside --vocab (default: keep where a token of it has capitals, else lower)',
    ).choices(['keep', 'lower']),
    new Option(
      '--relabel <how>',
      "a control: other tags than the tagger's: shuffled, noise:P (a share P of the words), blocks:N (by place)",
    ),
    ...shapeOptions(),
    number(
      '--initial-deviation <number>',
      'standard deviation of the first weights',
      realNumber,
      BERT_TINY.initialDeviation,
    ),
  ];
}

function settingsOptions(): Option[] {
  const { epochs, batch, accumulate, rate, schedule, weightDecay, clipNorm, seed } = TRAINING_DEFAULTS;
  return [
    number('--epochs <count>', 'passes over the training data', countNumber, epochs),
    number('--batch <count>', 'sentences a batch', countNumber, batch),
    number('--accumulate <count>', 'batches a step, as if they were one', countNumber, accumulate),
    number(
      '--lr <rate>',
      `learning rate after warm-up (default: ${rate}, with --init ${FINE_TUNING_RATE})`,
      realNumber,
    ),
    number(
      '--bias-lr <rate>',
      'learning rate of the biases of strategy `learned` (default: as --lr)',
      realNumber,
    ),
    new Option('--schedule <name>', 'of the rate after warm-up').choices(SCHEDULES).default(schedule),
    number('--warmup <steps>', 'warm-up steps (default: a tenth of all, at most 500)', wholeNumber),
    number('--weight-decay <number>', 'of AdamW', realNumber, weightDecay),
    number('--clip <norm>', 'largest gradient norm; 0 for no clipping', realNumber, clipNorm),
    number('--seed <number>', 'of weights, data order, dropout and masks', seedNumber, seed),
    number('--mask-tokens <probability>', 'of a token to be read as [MASK] while training', realNumber, 0),
    number(
      '--sparsity <number>',
      'penalty on the share of pairs that `learned` keeps, for `rules prune`',
      realNumber,
      0,
    ),
    new Option('--freeze-embeddings', 'leave tables and norm of the embeddings as they are').default(false),
    number(
      '--evaluations <count>',
      `times an epoch that dev is evaluated, for the best weights (default: ${EVALUATIONS})`,
      countNumber,
    ),
    number('--evaluate-every <steps>', 'instead of --evaluations; also at the end of an epoch', countNumber),
    new Option('--best-by <metric>', 'of dev, for the best weights').choices(BEST_BY).default('accuracy'),
    number(
      '--checkpoint-every <steps>',
      'from one checkpoint to the next; 0 for none (default: one at each evaluation)',
      wholeNumber,
    ),
  ];
}

/** Adds all flags of `parsimony train` to it. */
export function addTrainFlags(command: Command): Command {
  const options = [dataOption(), ...fileOptions(), labelsOption(), ...modelOptions(), ...settingsOptions()];
  for (const option of options) command.addOption(option);
  return command
    .option('--out <folder>', 'where the model and its metrics go')
    .option('--force', 'replace the finished run or the model that stands in --out')
    .option('--resume <folder>', 'go on with the run in this folder, with the settings that it began with')
    .addOption(adapterOption())
    .addOption(noTuneOption())
    .addOption(jsonOption());
}

/** What training is to be like, by the library's names. */
export function settingsOf(flags: TrainFlags): TrainingOptions {
  const { evaluateEvery, evaluations = evaluateEvery === undefined ? EVALUATIONS : undefined } = flags;
  return {
    epochs: flags.epochs,
    batch: flags.batch,
    accumulate: flags.accumulate,
    rate: flags.lr ?? (flags.init === undefined ? TRAINING_DEFAULTS.rate : FINE_TUNING_RATE),
    biasRate: flags.biasLr,
    schedule: flags.schedule,
    warmUpSteps: flags.warmup,
    weightDecay: flags.weightDecay,
    clipNorm: flags.clip,
    seed: flags.seed,
    maskTokens: flags.maskTokens,
    sparsity: flags.sparsity,
    freezeEmbeddings: flags.freezeEmbeddings,
    evaluations,
    evaluateEvery,
    checkpointEvery: flags.checkpointEvery,
  };
}

/** What may stand beside `--resume`: where data and GPU are found, and how the result is printed. */
const BESIDE_RESUME = new Set(['resume', 'data', 'adapter', 'json']);

/** Ends the command where flags are missing, or make no sense together. */
export function checkTogether(command: Command): void {
  const given = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (given('resume')) {
    const other = command.options.find((option) => {
      return given(option.attributeName()) && !BESIDE_RESUME.has(option.attributeName());
    });
    if (other) {
      command.error(`error: option '${other.long}' cannot be used with option '--resume <folder>'`);
    }
    return;
  }
  if (given('init')) refuseShapeFlags(command);
  for (const name of ['data', 'out']) {
    const option = command.options.find((candidate) => candidate.attributeName() === name)!;
    if (!given(name)) command.error(`error: required option '${option.flags}' not specified`);
  }
}
