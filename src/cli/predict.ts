import { Command, Option } from 'commander';
import { SPLITS, type Split, type Text } from '../data/dataset.js';
import { writeWhole } from '../data/files.js';
import { CallerError } from '../gpu/errors.js';
import type { Prediction } from '../train/sentence-classifier.js';
import { type DataFlags, dataOf, fileOptions } from './data-options.js';
import { adapterOption, betaOption, dataOption, jsonOption, rulesOption, strategyOption } from './options.js';
import { dataForModel, noteOnCut, type ReadingFlags, withModel } from './reading.js';
import { note, printJson, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony predict --model runs/hard "the brilliant film follows the dull hero ." "the film is not funny ."
  $ parsimony predict --model runs/hard --data path/to/SST-2 --split test --glue SST-2.tsv`;

type PredictFlags = ReadingFlags & Partial<DataFlags> & { split: Split; glue?: string };

/** `parsimony predict` */
export function predictCommand(): Command {
  const command = new Command('predict')
    .description('classify sentences, or the texts of a file')
    .argument('[text...]', 'sentences')
    .requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote")
    .addOption(dataOption())
    .addOption(new Option('--split <name>', 'which part of the data').choices(SPLITS).default('test'));
  for (const option of fileOptions()) command.addOption(option);
  return command
    .option(
      '--glue <file>',
      "write the data's predictions as GLUE wants them: index and prediction, a row a text",
    )
    .addOption(strategyOption())
    .addOption(rulesOption())
    .addOption(betaOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
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

/**
 * GLUE's file of predictions. Tasks whose labels are numbers are handed in by number, SST-2 among them; those whose labels are
 * words (MNLI, QNLI, RTE), by word.
 */
function glueText(predictions: readonly Prediction[], classes: readonly string[]): string {
  const isSst2 = classes.join() === 'negative,positive';
  const rows = predictions.map(({ label }, index) => {
    return `${index}\t${isSst2 ? classes.indexOf(label) : label}\n`;
  });
  return `index\tprediction\n${rows.join('')}`;
}

async function predict(sentences: string[], flags: PredictFlags): Promise<void> {
  const texts = await textsOf(sentences, flags);
  await withModel(flags, texts, async (model) => {
    const predictions = await model.predict(texts);
    const { classes } = model.description;
    noteOnCut(predictions.filter(({ cut }) => cut).length, texts.length, model);
    if (flags.glue !== undefined) {
      await writeWhole(flags.glue, glueText(predictions, classes));
      note(`${predictions.length} predictions are in ${flags.glue}.`);
    }
    if (flags.json) printJson(predictions);
    else if (flags.glue === undefined) {
      printTable(
        ['label', ...classes, 'text'],
        predictions.map(({ label, probabilities, text }) => {
          return [label, ...probabilities.map((p) => p.toFixed(3)), text];
        }),
      );
    }
  });
}
