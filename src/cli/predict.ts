import type { Command } from 'commander';
import { CallerError, escapeControls } from '../base/errors.js';
import type { Split } from '../data/dataset.js';
import type { Text } from '../grammar/custom-tags.js';
import { loadDescription } from '../train/model-folder.js';
import { dataOf } from '../train/run-data.js';
import type { Prediction } from '../train/sentence-classifier.js';
import { glueNames, glueText } from './glue.js';
import { OutputOption, writeOutput, wroteJson } from './output-files.js';
import { type Row, rowsOption, rowsText } from './row-files.js';
import {
  type DataFlags,
  fileOptions,
  modelOptions,
  settingOption,
  splitOption,
  withOptions,
} from './setting-options.js';
import { noteAll, printTable } from './terminal.js';
import { dataForModel, type ModelFlags, noteOnCut, strangeNotes, withModel } from './text-flags.js';

const EXAMPLE = `
Example:
  $ parsimony predict --model runs/hard "the brilliant film follows the dull critic ."
  $ parsimony predict --model runs/hard --data reviews.csv --text-column review --out predictions.csv
  $ parsimony predict --model runs/hard --data path/to/SST-2 --split test --glue SST-2.tsv`;

type PredictFlags = ModelFlags & Partial<DataFlags> & { split: Split; glue?: string; out?: string };

export function predictCommand(command: Command): void {
  command
    .argument('[text...]', 'sentences')
    .requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote");
  const glue = new OutputOption(
    '--glue <file>',
    "write the data's predictions as GLUE wants them, by number or, for MNLI, QNLI and RTE, by word",
  );
  const out = rowsOption('--out <file>', 'write the predictions into a .csv or .jsonl');
  const data = [settingOption('data'), splitOption('test'), ...fileOptions()];
  withOptions(command, ...data, out, glue, ...modelOptions())
    .addHelpText('after', EXAMPLE)
    .action(predict);
}

/** The texts of the arguments or of the data. @throws CallerError where there are both, or neither. */
async function textsOf(sentences: readonly string[], flags: PredictFlags): Promise<Text[]> {
  const { data, glue, split } = flags;
  if (data === undefined && sentences.length === 0) {
    throw new CallerError({ what: "missing required argument 'text'", expected: 'sentences, or --data' });
  }
  if (data !== undefined && sentences.length > 0) {
    throw new CallerError({ what: `sentences beside --data ${data}`, expected: 'one of them' });
  }
  if (data === undefined && glue !== undefined) {
    throw new CallerError({ what: `--glue ${glue} without --data`, expected: 'the data that it is of' });
  }
  if (data === undefined) return sentences.map((text) => ({ text }));
  return dataOf({ ...flags, data }, await dataForModel(flags, split)).texts(split);
}

/** A prediction as a row of a file, which `--data` reads with its labels. */
function rowOf({ text, label, probabilities, cut }: Prediction, classes: readonly string[]): Row {
  const named = probabilities.map((probability, at) => [`probability_${classes[at]}`, probability]);
  return { text, label, cut, ...Object.fromEntries(named) };
}

async function predict(sentences: string[], flags: PredictFlags): Promise<void> {
  const texts = await textsOf(sentences, flags);
  // Before the texts are read, so that classes without a name in GLUE are refused at once.
  const names =
    flags.glue === undefined ? undefined : glueNames((await loadDescription(flags.model)).classes);
  await withModel(flags, texts, async (model) => {
    noteAll(await strangeNotes(sentences, flags.model, model.description));
    const predictions = await model.predict(texts);
    const { classes } = model.description;
    noteOnCut(predictions.filter(({ cut }) => cut).length, texts.length, model);
    if (flags.glue !== undefined && names) {
      await writeOutput(flags.glue, glueText(predictions, classes, names));
    }
    if (flags.out !== undefined) {
      await writeOutput(
        flags.out,
        rowsText(
          flags.out,
          predictions.map((one) => rowOf(one, classes)),
        ),
      );
    }
    if (await wroteJson(flags.json, predictions)) return;
    if (flags.glue === undefined && flags.out === undefined) {
      printTable(
        ['label', ...classes.map(escapeControls), 'text'],
        predictions.map(({ label, probabilities, text }) => {
          const shares = probabilities.map((p) => p.toFixed(3));
          return [escapeControls(label), ...shares, escapeControls(text)];
        }),
      );
    }
  });
}
