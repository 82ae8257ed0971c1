import { Command, Option } from 'commander';
import { SPLITS, type Split } from '../data/dataset.js';
import { dataSource } from '../data/sources.js';
import { CallerError } from '../gpu/errors.js';
import type { Strategy } from '../grammar/rules.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import {
  adapterOption,
  betaOption,
  dataOption,
  jsonOption,
  readRules,
  rulesOption,
  strategyOption,
  withDevice,
} from './options.js';
import { note, print, printJson } from './terminal.js';

export interface ReadingFlags {
  model: string;
  strategy?: Strategy;
  rules?: string;
  beta?: number;
  adapter?: string;
  json?: boolean;
}

interface EvaluateFlags extends ReadingFlags {
  data: string;
  split: Split;
}

const EXAMPLE = `
Example:
  $ parsimony evaluate --model runs/hard --data embedded --split dev --json`;

/** `parsimony evaluate` */
export function evaluateCommand(): Command {
  return new Command('evaluate')
    .description('accuracy and loss of a model on labelled sentences')
    .requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote")
    .addOption(dataOption().makeOptionMandatory())
    .addOption(new Option('--split <name>', 'which part of the data').choices(SPLITS).default('dev'))
    .addOption(strategyOption())
    .addOption(rulesOption())
    .addOption(betaOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(evaluate);
}

/** Loads a model, and other rules or another strategy for it where flags name them: the reader is told. */
export async function withModel<T>(
  flags: ReadingFlags,
  action: (model: SentenceClassifier) => Promise<T>,
): Promise<T> {
  const rules = flags.rules === undefined ? undefined : await readRules(flags.rules);
  return withDevice(flags.adapter, async (device) => {
    const model = await SentenceClassifier.load(device, flags.model);
    const { strategy, beta } = model.description;
    if (rules || (flags.strategy && flags.strategy !== strategy) || (flags.beta ?? beta) !== beta) {
      const read = flags.strategy ?? strategy;
      note(
        `This model was trained with strategy ${strategy}; it is read with ${read}, rules ${rules?.name ?? 'its own'}.`,
      );
      model.useRules(read, rules, flags.beta);
    }
    return action(model);
  });
}

/** @throws CallerError where a model's labels are not the data's: 1 must not be counted as the other's 0. */
function checkClasses(model: string, ours: readonly string[], theirs: readonly string[]): void {
  const [own, others] = [ours, theirs].map((names) => names.map((name) => name.toLowerCase()));
  const isReordered = own.join() !== others.join() && [...own].sort().join() === [...others].sort().join();
  if (own.length === others.length && !isReordered) return;
  throw new CallerError({
    what: `classes ${ours.join(', ')}`,
    where: model,
    expected: `those of the data: ${theirs.join(', ')}`,
  });
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const source = dataSource(flags.data);
  const examples = await source.examples(flags.split);
  await withModel(flags, async (model) => {
    checkClasses(flags.model, model.description.classes, source.classes);
    const { accuracy, loss, rows } = await model.evaluate(examples);
    const { strategy } = model.description;
    if (flags.json) {
      printJson({
        model: flags.model,
        data: source.name,
        split: flags.split,
        strategy: flags.strategy ?? strategy,
        accuracy,
        loss,
        rows,
      });
    } else {
      print(
        `accuracy ${accuracy.toFixed(4)}, loss ${loss.toFixed(4)} on ${rows} sentences of ${source.name} (${flags.split})`,
      );
    }
  });
}
