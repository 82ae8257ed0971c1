import { Command } from 'commander';
import { escapeControls } from '../base/errors.js';
import type { Split } from '../data/dataset.js';
import { dataOf } from '../train/prepare-run.js';
import { wroteJson } from './output-files.js';
import {
  type DataFlags,
  fileOptions,
  modelOptions,
  settingOption,
  splitOption,
  withOptions,
} from './setting-options.js';
import { note, print } from './terminal.js';
import { dataForModel, type ModelFlags, noteOnCut, refuseReorderedClasses, withModel } from './text-flags.js';

type EvaluateFlags = ModelFlags & DataFlags & { split: Split };

const EXAMPLE = `
Example:
  $ parsimony evaluate --model runs/hard --data embedded --split dev --json
  $ parsimony evaluate --model runs/reviews --data more-reviews.csv --text-column review`;

/** `parsimony evaluate` */
export function evaluateCommand(): Command {
  const command = new Command('evaluate')
    .description("accuracy, F1, Matthews' correlation and loss of a model on labelled sentences")
    .requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote");
  const data = settingOption('data').makeOptionMandatory();
  return withOptions(command, data, splitOption('dev'), ...fileOptions(), ...modelOptions())
    .addHelpText('after', EXAMPLE)
    .action(evaluate);
}

async function evaluate(flags: EvaluateFlags): Promise<void> {
  const dataOptions = await dataForModel(flags, flags.split);
  const source = dataOf(flags, dataOptions);
  const examples = await source.examples(flags.split);
  const read = escapeControls(source.nameOf(flags.split));
  if (source.byNumber) {
    refuseReorderedClasses(flags.model, source.classes);
    const meanings = source.classes.map((name, label) => `${label} as ${name}`);
    note(`The labels of ${read} are numbers, read as the model's: ${meanings.join(', ')}.`);
  }
  await withModel(flags, examples, async (model) => {
    const { accuracy, f1, matthews, loss, rows, cut } = await model.evaluate(examples);
    noteOnCut(cut, rows, model);
    const { strategy } = model.readsWith.mask;
    const json = {
      model: flags.model,
      data: source.name,
      ...(read !== source.name && { split: flags.split }),
      strategy,
      accuracy,
      f1,
      matthews,
      loss,
      rows,
    };
    if (await wroteJson(flags.json, json)) return;
    print(
      `accuracy ${accuracy.toFixed(4)}, F1 ${f1.toFixed(4)}, Matthews ${matthews.toFixed(4)}, loss ${loss.toFixed(4)} ` +
        `on ${rows} sentences of ${read}`,
    );
  });
}
