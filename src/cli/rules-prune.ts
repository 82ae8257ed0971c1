import { Command, Option } from 'commander';
import type { Split } from '../data/dataset.js';
import { writeAtomically } from '../data/files.js';
import { requireTags, tagsNote } from '../grammar/custom-tags.js';
import { formatRules } from '../grammar/rules-file.js';
import { percent } from '../report/page/numbers.js';
import { loadDescription } from '../train/model-folder.js';
import { dataOf } from '../train/run-data.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import { withDevice } from './options.js';
import { type JsonTarget, jsonOption, OutputOption, wroteJson } from './output-files.js';
import {
  type DataFlags,
  settingOption,
  shareNumber,
  splitOption,
  textOptions,
  withOptions,
} from './setting-options.js';
import { noteAll, print, printTable, progress } from './terminal.js';

interface PruneFlags extends Pick<DataFlags, 'textColumn' | 'tagsColumn'> {
  model: string;
  density: number;
  data: string;
  split: Split;
  out: string;
  adapter?: string;
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony rules prune --model runs/learned --density 0.3 --data embedded --out rules.json
  $ parsimony train --data embedded --strategy hard --rules rules.json --out runs/pruned

Every head keeps the pairs of tags whose pairs of tokens get the most attention on these texts, until they are the share
of all pairs that was asked for; [CLS] always sees everything, and every tag sees itself.`;

export function rulesPruneCommand(): Command {
  const command = new Command('prune')
    .description('make hard rules for each head from what a model has learned')
    .requiredOption('--model <folder>', 'a folder that `train --strategy learned` wrote')
    .addOption(
      new Option('--density <share>', 'of all pairs, that each head keeps')
        .argParser(shareNumber)
        .makeOptionMandatory(),
    )
    .addOption(new OutputOption('--out <file>', 'where the rules go').makeOptionMandatory());
  const data = [settingOption('data').makeOptionMandatory(), splitOption('train'), ...textOptions()];
  return withOptions(command, ...data, settingOption('adapter'), jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(prune);
}

async function prune(flags: PruneFlags): Promise<void> {
  const { tokenizer } = await loadDescription(flags.model);
  const source = dataOf(flags, { tags: tokenizer.wordTags, split: flags.split });
  const texts = await source.texts(flags.split);
  if (tokenizer.customTags) requireTags(texts, tokenizer.wordTags);
  noteAll(tagsNote(tokenizer.customTags, texts));
  await withDevice(flags.adapter, async (device) => {
    const model = await SentenceClassifier.load(device, flags.model);
    const display = progress({ label: 'reading', total: texts.length, unit: 'sentences' });
    const { rules, densities } = await model
      .prune(texts, flags.density, (done) => display.update(done, ''))
      .finally(() => display.stop());
    await writeAtomically(flags.out, formatRules(rules));
    const heads = rules.heads.flatMap((layer, index) =>
      layer.map(({ hard }, head) => ({
        layer: index,
        head,
        rules: hard.length,
        density: densities[index][head],
      })),
    );
    const json = { rules: flags.out, model: flags.model, data: source.name, split: flags.split, heads };
    if (await wroteJson(flags.json, json)) return;
    printTable(
      ['layer', 'head', 'pairs of tags', 'density'],
      heads.map(({ layer, head, rules: count, density }) => [layer, head, count, percent(density)]),
    );
    print();
    print(`Densities are of all pairs of ${source.nameOf(flags.split)}. The rules are in ${flags.out}.`);
  });
}
