import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { DataSource } from '../data/dataset.js';
import { requireTags } from '../data/encoded-data.js';
import { createFolder, readText, removeFile, writeWhole } from '../data/files.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import type { Strategy } from '../grammar/rules.js';
import { parseVocabulary } from '../grammar/vocabulary.js';
import { saveDescription, WEIGHTS_FILE } from '../train/model-folder.js';
import {
  type BuildOptions,
  completeSettings,
  describeModel,
  SentenceClassifier,
  TRAINING_DEFAULTS,
} from '../train/sentence-classifier.js';
import type { EpochMetrics, EvaluationMetrics } from '../train/trainer.js';
import { type DataFlags, dataOf, fileOptions, labelsOption, noteOnTags } from './data-options.js';
import { kernelsFor, noTuneOption } from './kernel-cache.js';
import {
  adapterOption,
  betaOption,
  dataOption,
  jsonOption,
  readRules,
  realNumber,
  rulesOption,
  type ShapeFlags,
  shapeOf,
  shapeOptions,
  strategyOption,
  wholeNumber,
  withDevice,
} from './options.js';
import { note, print, printJson, progress } from './terminal.js';

interface TrainFlags extends ShapeFlags, DataFlags {
  strategy: Strategy;
  rules: string;
  beta?: number;
  epochs: number;
  batch: number;
  lr: number;
  warmup?: number;
  weightDecay: number;
  clip: number;
  seed: number;
  evaluations: number;
  maxLength: number;
  dropout: number;
  vocab?: string;
  out: string;
  adapter?: string;
  tune: boolean;
  json?: boolean;
}

const EXAMPLE = `
Example:
  $ parsimony train --data embedded --strategy hard --out runs/hard
  $ parsimony train --data path/to/SST-2 --strategy none --epochs 3 --seed 42 --out runs/none
  $ parsimony train --data reviews.csv --dev reviews-dev.csv --text-column review --out runs/reviews

The folder holds config.json, rules.json, vocab.txt, model.safetensors (the weights that were best on dev),
training.json (the settings) and metrics.jsonl (a line an epoch).`;

function number(flags: string, description: string, parse: (text: string) => number, value?: number): Option {
  const option = new Option(flags, description).argParser(parse);
  return value === undefined ? option : option.default(value);
}

/** `parsimony train` */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a sentence classifier from scratch')
    .addOption(dataOption().makeOptionMandatory())
    .addOption(strategyOption().default('none'))
    .addOption(rulesOption().default('paper'))
    .addOption(betaOption())
    .addOption(
      number('--epochs <count>', 'passes over the training data', wholeNumber, TRAINING_DEFAULTS.epochs),
    )
    .addOption(number('--batch <count>', 'sentences a step', wholeNumber, TRAINING_DEFAULTS.batch))
    .addOption(number('--lr <rate>', 'learning rate after warm-up', realNumber, TRAINING_DEFAULTS.rate))
    .addOption(
      number('--warmup <steps>', 'warm-up steps (default: a tenth of all, at most 500)', wholeNumber),
    )
    .addOption(number('--weight-decay <number>', 'of AdamW', realNumber, TRAINING_DEFAULTS.weightDecay))
    .addOption(
      number(
        '--clip <norm>',
        'largest gradient norm; 0 for no clipping',
        realNumber,
        TRAINING_DEFAULTS.clipNorm,
      ),
    )
    .addOption(
      number('--seed <number>', 'of weights, data order and dropout', wholeNumber, TRAINING_DEFAULTS.seed),
    )
    .addOption(
      number(
        '--evaluations <count>',
        'times an epoch that dev is evaluated, for the best weights',
        wholeNumber,
        4,
      ),
    )
    .addOption(number('--max-length <pieces>', 'where texts are cut, up to 16384', wholeNumber, 128))
    .addOption(number('--dropout <probability>', 'everywhere', realNumber, 0.1))
    .option('--vocab <file>', "vocab.txt, a word piece a line (default: BERT's vocabulary)")
    .requiredOption('--out <folder>', 'where the model and its metrics go')
    .addOption(adapterOption())
    .addOption(noTuneOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(train);
  for (const option of [...fileOptions(), labelsOption(), ...shapeOptions()]) command.addOption(option);
  return command;
}

async function train(flags: TrainFlags): Promise<void> {
  const rules = await readRules(flags.rules);
  const source = dataOf(flags, { tags: rules.tags });
  const vocabulary = flags.vocab
    ? parseVocabulary(await readText(flags.vocab, 'a file with a word piece a line'), flags.vocab)
    : bertVocabulary();
  const examples = { train: await source.examples('train'), dev: await source.examples('dev') };
  // Not of use here: what is wrong with it shall be known before a long run, not after.
  if (flags.test !== undefined) await source.texts('test');
  const ownTags = examples.train.some(({ words }) => words);
  const all = [...examples.train, ...examples.dev];
  requireTags(all, rules, ownTags);
  const settings = completeSettings(
    {
      epochs: flags.epochs,
      batch: flags.batch,
      rate: flags.lr,
      warmUpSteps: flags.warmup,
      weightDecay: flags.weightDecay,
      clipNorm: flags.clip,
      seed: flags.seed,
      evaluations: flags.evaluations,
    },
    examples.train.length,
  );
  const about: BuildOptions = {
    vocabulary,
    shape: {
      ...shapeOf(flags),
      hiddenDropout: flags.dropout,
      attentionDropout: flags.dropout,
    },
    classes: source.classes,
    strategy: flags.strategy,
    rules,
    beta: flags.beta,
    tags: ownTags ? 'own' : undefined,
    mostPieces: flags.maxLength,
    seed: flags.seed,
  };
  // Before kernels are measured for a model that cannot be.
  const { config } = describeModel(about);
  await withDevice(flags.adapter, async (device) => {
    const kinds = [flags.strategy === 'none' ? 'dense' : 'sparse'] as const;
    const tuned = { headDim: config.hidden / config.heads, longest: flags.maxLength, kinds };
    const kernels = await kernelsFor(device, flags.tune, tuned);
    const model = SentenceClassifier.build(device, { ...about, kernels });
    noteOnTags(ownTags, all);
    introduce(source, examples.train.length, flags, device.adapter.description);
    await createFolder(flags.out);
    // A model that stands there goes first: its weights must never be read under this run's rules.
    for (const file of [WEIGHTS_FILE, 'metrics.jsonl']) await removeFile(join(flags.out, file));
    await saveDescription(flags.out, model.description);
    const record = { ...flags, ...settings, data: source.name, adapter: device.adapter, kernels };
    await writeWhole(join(flags.out, 'training.json'), `${JSON.stringify(record, null, 2)}\n`);
    finish(flags, await runEpochs(model, examples, settings, flags.out));
  });
}

type Settings = ReturnType<typeof completeSettings>;
type Examples = Record<'train' | 'dev', Awaited<ReturnType<DataSource['examples']>>>;

function introduce(source: DataSource, rows: number, { strategy, seed }: TrainFlags, adapter: string): void {
  note(`Training ${strategy} on ${rows} sentences of ${source.name}, seed ${seed}, on ${adapter}`);
  if (source.note) note(`${source.name} is ${source.note}.`);
}

async function runEpochs(
  model: SentenceClassifier,
  examples: Examples,
  settings: Settings,
  out: string,
): Promise<Outcome> {
  const outcome: Outcome = { epochs: [], best: undefined };
  const totalSteps = settings.epochs * Math.ceil(examples.train.length / settings.batch);
  const display = progress('training', totalSteps);
  await model.train(examples.train, examples.dev, settings, {
    onProgress({ epoch, step, loss, tokensPerSecond }) {
      display.update(
        step,
        `epoch ${epoch} | loss ${loss.toFixed(4)} | ${Math.round(tokensPerSecond)} tokens/s`,
      );
    },
    async onEvaluation(metrics) {
      if (outcome.best && metrics.devAccuracy <= outcome.best.devAccuracy) return;
      outcome.best = metrics;
      await model.saveWeights(out);
    },
    async onEpoch(metrics) {
      outcome.epochs.push(metrics);
      const lines = outcome.epochs.map((line) => `${JSON.stringify(line)}\n`);
      await writeWhole(join(out, 'metrics.jsonl'), lines.join(''));
      if (metrics.epoch === settings.epochs) display.stop();
      const { devAccuracy, step } = outcome.best!;
      note(
        `epoch ${metrics.epoch}: train loss ${metrics.trainLoss.toFixed(4)}, dev loss ${metrics.devLoss.toFixed(4)}, ` +
          `dev accuracy ${metrics.devAccuracy.toFixed(4)} (best ${devAccuracy.toFixed(4)}, step ${step}, saved)`,
      );
    },
  });
  return outcome;
}

/** What a run came to: its epochs, and the evaluation whose weights were saved. */
interface Outcome {
  epochs: EpochMetrics[];
  best: EvaluationMetrics | undefined;
}

function finish({ json, out, strategy }: TrainFlags, { epochs, best }: Outcome): void {
  if (json) printJson({ model: out, strategy, best, epochs });
  else
    print(
      `dev accuracy ${best!.devAccuracy.toFixed(4)} (epoch ${best!.epoch}, step ${best!.step}, saved in ${out})`,
    );
}
