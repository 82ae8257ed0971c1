import type { Command } from 'commander';
import { escapeControls } from '../base/errors.js';
import type { Split } from '../data/dataset.js';
import { dataOf } from '../train/run-data.js';
import { classRows, errorRows, printClasses, printErrors } from './evaluation-output.js';
import { writeOutput, wroteJson } from './output-files.js';
import { rowsOption, rowsText } from './row-files.js';
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

type EvaluateFlags = ModelFlags & DataFlags & { split: Split; errors?: string | true };

const EXAMPLE = `
Example:
  $ parsimony evaluate --model runs/hard --data embedded --split dev --json
  $ parsimony evaluate --model runs/hard --data embedded --errors errors.csv
  $ parsimony evaluate --model runs/reviews --data more-reviews.csv --text-column review`;

export function evaluateCommand(command: Command): void {
  command.requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote");
  const data = settingOption('data').makeOptionMandatory();
  const errors = rowsOption(
    '--errors [file]',
    'the sentences with another prediction than their label: printed, or into a .csv or .jsonl',
  );
  withOptions(command, data, splitOption('dev'), ...fileOptions(), errors, ...modelOptions())
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
    const evaluation = await model.evaluate(examples);
    const { accuracy, f1, matthews, loss, rows, cut, confusion } = evaluation;
    const { classes } = model.description;
    noteOnCut(cut, rows, model);
    const { strategy } = model.readsWith.mask;
    const errors = errorRows(classes, examples, evaluation);
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
      classes: classRows(classes, evaluation),
      confusion,
      ...(flags.errors !== undefined && { errors }),
    };
    if (typeof flags.errors === 'string') await writeOutput(flags.errors, rowsText(flags.errors, errors));
    if (await wroteJson(flags.json, json)) return;
    print(
      `accuracy ${accuracy.toFixed(4)}, F1 ${f1.toFixed(4)}, Matthews ${matthews.toFixed(4)}, loss ${loss.toFixed(4)} ` +
        `on ${rows} sentences of ${read}`,
    );
    printClasses(classes, evaluation);
    if (flags.errors === true) printErrors(errors);
  });
}
