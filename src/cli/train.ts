import { resolve } from 'node:path';
import { Command } from 'commander';
import type { DataSource } from '../data/dataset.js';
import { readText } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { parseVocabulary } from '../grammar/vocabulary.js';
import { describeModel } from '../train/sentence-classifier.js';
import { completeSettings } from '../train/settings.js';
import { runTraining, standingRun, type TrainingRun } from '../train/training-run.js';
import { kernelsFor } from './kernel-cache.js';
import { readRules, shapeOf, withDevice } from './options.js';
import { note } from './terminal.js';
import { addTrainFlags, checkTogether, settingsOf, type TrainFlags } from './train-flags.js';
import { printOutcome, type RunResult, runDisplay } from './train-output.js';

const EXAMPLE = `
Example:
  $ parsimony train --data embedded --strategy hard --out runs/hard
  $ parsimony train --data path/to/SST-2 --strategy none --epochs 3 --seed 42 --out runs/none
  $ parsimony train --resume runs/none

The folder holds config.json, rules.json, vocab.txt, model.safetensors (the weights that were best on dev),
last.safetensors (those of the last step), training.json (the settings), metrics.jsonl (a line for every report, evaluation
and epoch) and, until the run is finished, checkpoint.safetensors, from which --resume goes on.`;

/** `parsimony train` */
export function trainCommand(): Command {
  const command = new Command('train').description('train a sentence classifier from scratch');
  return addTrainFlags(command)
    .addHelpText('after', EXAMPLE)
    .action(async (flags: TrainFlags & { resume?: string }) => {
      checkTogether(command);
      if (flags.resume === undefined) await train(flags);
      else await resume(flags.resume, flags);
    });
}

/** What the command keeps in `training.json`, to find data and adapter again. */
interface CommandNotes {
  /** What `--data` named; a folder by its whole path. */
  data: string;
  adapter?: string;
}

async function examplesOf(source: DataSource) {
  return { name: source.name, train: await source.examples('train'), dev: await source.examples('dev') };
}

async function train(flags: TrainFlags): Promise<void> {
  const source = dataSource(flags.data);
  const rules = await readRules(flags.rules);
  const vocabulary = flags.vocab
    ? parseVocabulary(await readText(flags.vocab, 'a file with a word piece a line'), flags.vocab)
    : bertVocabulary();
  const run: TrainingRun = {
    ...settingsOf(flags),
    data: await examplesOf(source),
    vocabulary,
    shape: {
      ...shapeOf(flags),
      hiddenDropout: flags.dropout,
      attentionDropout: flags.attentionDropout ?? flags.dropout,
    },
    classes: source.classes,
    strategy: flags.strategy,
    rules,
    beta: flags.beta,
    mostPieces: flags.maxLength,
    bestBy: flags.bestBy,
    startOver: true,
    notes: { data: placeOf(flags.data), adapter: flags.adapter } satisfies CommandNotes,
  };
  // Before kernels are measured for a model or a run that cannot be.
  const { config } = describeModel(run);
  completeSettings(run, run.data.train.length);
  await withDevice(flags.adapter, async (device) => {
    const kinds = [flags.strategy === 'none' ? 'dense' : 'sparse'] as const;
    const tuned = { headDim: config.hidden / config.heads, longest: flags.maxLength, kinds };
    run.kernels = await kernelsFor(device, flags.tune, tuned);
    await runAndPrint(device, run, source, { ...flags, folder: flags.out });
  });
}

async function resume(folder: string, flags: Pick<TrainFlags, 'adapter' | 'json'> & { data?: string }) {
  const standing = await standingRun(folder);
  const notes = standing.notes as Partial<CommandNotes>;
  const source = dataSource(flags.data ?? String(notes.data));
  const run: TrainingRun = { ...standing, data: await examplesOf(source) };
  await withDevice(flags.adapter ?? notes.adapter, async (device) => {
    const { strategy = 'none', bestBy = 'accuracy' } = standing;
    await runAndPrint(device, run, source, { folder, strategy, bestBy, json: flags.json });
  });
}

/** A source's name that leads to it from any folder. */
function placeOf(data: string): string {
  return ['embedded', 'sst2'].includes(data) ? data : resolve(data);
}

async function runAndPrint(
  device: Device,
  run: TrainingRun,
  source: DataSource,
  result: RunResult,
): Promise<void> {
  const display = runDisplay(result.folder, () => {
    const rows = run.data.train.length;
    const { strategy, seed } = run;
    const { description } = device.adapter;
    note(`Training ${strategy} on ${rows} sentences of ${source.name}, seed ${seed}, on ${description}`);
    if (source.note) note(`${source.name} is ${source.note}.`);
  });
  printOutcome(result, await runTraining(device, run, result.folder, display));
}
