import { Command } from 'commander';
import { type ReadingFlags, withModel } from './evaluate.js';
import { adapterOption, betaOption, jsonOption, rulesOption, strategyOption } from './options.js';
import { note, printJson, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony predict --model runs/hard "the brilliant film follows the dull hero ." "the film is not funny ."`;

/** `parsimony predict` */
export function predictCommand(): Command {
  return new Command('predict')
    .description('classify sentences')
    .argument('<text...>', 'sentences')
    .requiredOption('--model <folder>', "a folder that `train` or Hugging Face's save_pretrained wrote")
    .addOption(strategyOption())
    .addOption(rulesOption())
    .addOption(betaOption())
    .addOption(adapterOption())
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(predict);
}

async function predict(texts: string[], flags: ReadingFlags): Promise<void> {
  await withModel(flags, async (model) => {
    const predictions = await model.predict(texts);
    const cut = predictions.filter((prediction) => prediction.cut).length;
    if (cut > 0) {
      const { mostPieces } = model.description;
      note(
        `${cut} of ${texts.length} texts: only the first ${mostPieces} pieces were read, as the model was trained.`,
      );
    }
    if (flags.json) {
      printJson(predictions);
      return;
    }
    const probabilities = predictions.map(({ probabilities }) => probabilities.map((p) => p.toFixed(3)));
    printTable(
      ['label', ...model.description.classes, 'text'],
      predictions.map(({ label, text }, index) => [label, ...probabilities[index], text]),
    );
  });
}
