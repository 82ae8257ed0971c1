import { join } from 'node:path';
import { Command, Option } from 'commander';
import type { DataSource } from '../data/dataset.js';
import { createFolder, readText, removeFile, writeWhole } from '../data/files.js';
import { dataSource } from '../data/sources.js';
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
import { checkInitFlags, FINE_TUNING_RATE, startingCheckpoint } from './starting-checkpoint.js';
import { note, print, printJson, progress } from './terminal.js';

interface TrainFlags extends ShapeFlags {
  data: string;
  strategy: Strategy;
  rules: string;
  beta?: number;
  epochs: number;
  batch: number;
  init?: string;
  lr?: number;
  warmup?: number;
  weightDecay: number;
  clip: number;
  seed: number;
  evaluations: number;
  maxLength: number;
  dropout?: number;
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
  $ parsimony train --data sst2 --init hub:prajjwal1/bert-tiny --strategy hard --out runs/bert-tiny

The folder holds config.json, rules.json, vocab.txt, model.safetensors (the weights that were best on dev),
training.json (the settings) and metrics.jsonl (a line an epoch).`;

const SCRATCH_DROPOUT = 0.1;

function number(flags: string, description: string, parse: (text: string) => number, value?: number): Option {
  const option = new Option(flags, description).argParser(parse);
  return value === undefined ? option : option.default(value);
}

/** `parsimony train` */
export function trainCommand(): Command {
  const command = new Command('train')
    .description('train a sentence classifier, from scratch or from a checkpoint')
    .addOption(dataOption().makeOptionMandatory())
    .addOption(strategyOption().default('none'))
    .addOption(rulesOption().default('paper'))
    .addOption(betaOption())
    .addOption(
      number('--epochs <count>', 'passes over the training data', wholeNumber, TRAINING_DEFAULTS.epochs),
    )
    .addOption(number('--batch <count>', 'sentences a step', wholeNumber, TRAINING_DEFAULTS.batch))
    .option(
      '--init <checkpoint>',
      "start from a folder of Hugging Face's layout, or hub:owner/model[@revision]",
    )
    .addOption(
      number(
        '--lr <rate>',
        `learning rate after warm-up (default: ${TRAINING_DEFAULTS.rate}, with --init ${FINE_TUNING_RATE})`,
        realNumber,
      ),
    )
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
    .addOption(number('--max-length <pieces>', 'where sentences are cut', wholeNumber, 128))
    .addOption(
      number(
        '--dropout <probability>',
        "everywhere (default: 0.1, with --init the checkpoint's)",
        realNumber,
      ),
    )
    .option('--vocab <file>', "vocab.txt, a word piece a line (default: BERT's vocabulary)")
    .requiredOption('--out <folder>', 'where the model and its metrics go')
    .addOption(adapterOption())
    .addOption(noTuneOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(train);
  for (const option of shapeOptions()) command.addOption(option);
  return command;
}

async function train(flags: TrainFlags, command: Command): Promise<void> {
  if (flags.init !== undefined) checkInitFlags(command, flags.init, flags.out);
  const source = dataSource(flags.data);
  const rules = await readRules(flags.rules);
  const vocabulary = flags.vocab
    ? parseVocabulary(await readText(flags.vocab, 'a file with a word piece a line'), flags.vocab)
    : bertVocabulary();
  const examples = { train: await source.examples('train'), dev: await source.examples('dev') };
  const settings = completeSettings(
    {
      epochs: flags.epochs,
      batch: flags.batch,
      rate: flags.lr ?? (flags.init === undefined ? TRAINING_DEFAULTS.rate : FINE_TUNING_RATE),
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
      hiddenDropout: flags.dropout ?? SCRATCH_DROPOUT,
      attentionDropout: flags.dropout ?? SCRATCH_DROPOUT,
    },
    classes: source.classes,
    strategy: flags.strategy,
    rules,
    beta: flags.beta,
    mostPieces: flags.maxLength,
    seed: flags.seed,
  };
  // Before kernels are measured for a model that cannot be.
  const checkpoint =
    flags.init === undefined
      ? undefined
      : await startingCheckpoint(flags.init, { ...about, dropout: flags.dropout });
  const described = checkpoint?.start.description ?? describeModel(about);
  const { config } = described;
  await withDevice(flags.adapter, async (device) => {
    const kinds = [flags.strategy === 'none' ? 'dense' : 'sparse'] as const;
    const tuned = { headDim: config.hidden / config.heads, longest: flags.maxLength, kinds };
    const kernels = await kernelsFor(device, flags.tune, tuned);
    const model = checkpoint
      ? SentenceClassifier.of(device, { ...described, kernels }, checkpoint.start.weights)
      : SentenceClassifier.build(device, { ...about, kernels });
    introduce(source, examples.train.length, flags, device.adapter.description);
    await createFolder(flags.out);
    // A model that stands there goes first: its weights must never be read under this run's rules.
    for (const file of [WEIGHTS_FILE, 'metrics.jsonl']) await removeFile(join(flags.out, file));
    await saveDescription(flags.out, model.description);
    const record = {
      ...flags,
      ...settings,
      init: checkpoint?.record,
      data: source.name,
      adapter: device.adapter,
      kernels,
    };
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
