import { Command } from 'commander';
import { CallerError } from '../base/errors.js';
import type { DataSource } from '../data/dataset.js';
import type { Device } from '../gpu/device.js';
import { caseNote } from '../grammar/vocabulary.js';
import type { RunInterrupted } from '../train/interruption.js';
import { loadDescription } from '../train/model-folder.js';
import { isUnfinished, refuseOccupied } from '../train/run-folder.js';
import { type StartingPoint, startFrom } from '../train/starting-point.js';
import { runTraining, standingRun, type TrainingRun } from '../train/training-run.js';
import { dataOf } from './data-options.js';
import { withDevice } from './options.js';
import { outliveReaders } from './output-streams.js';
import { type CheckpointRecord, refuseOverwriting } from './starting-checkpoint.js';
import { folderWord, shellCommand, stoppable } from './stopping.js';
import { note } from './terminal.js';
import { addTrainFlags, checkTogether, type TrainFlags } from './train-flags.js';
import { classCounts, printOutcome, type RunResult, runDisplay } from './train-output.js';
import { type CommandNotes, chooseKernels, examplesOf, runOfFlags } from './train-run.js';

const EXAMPLE = `
Example:
  $ parsimony train --data embedded --strategy hard --out runs/hard
  $ parsimony train --data path/to/SST-2 --strategy none --epochs 3 --seed 42 --out runs/none
  $ parsimony train --data sst2 --init hub:prajjwal1/bert-tiny --strategy hard --out runs/bert-tiny
  $ parsimony train --resume runs/none
  $ parsimony train --data reviews.csv --dev reviews-dev.csv --text-column review --out runs/reviews

The folder holds config.json, rules.json, vocab.txt, model.safetensors (the weights that were best on dev),
last.safetensors (those of the last step), training.json (the settings), metrics.jsonl (a line for every report, evaluation
and epoch) and, until the run is finished, checkpoint.safetensors, from which --resume goes on. Ctrl-C ends a run with a
checkpoint. A folder that holds a finished run, a model or other files is refused; --force replaces run and model, after
the first step has run, and leaves all other files.`;

/** `parsimony train` */
export function trainCommand(): Command {
  const command = new Command('train').description(
    'train a sentence classifier, from scratch or from a checkpoint',
  );
  return addTrainFlags(command)
    .addHelpText('after', EXAMPLE)
    .action(async (flags: TrainFlags & { resume?: string }) => {
      checkTogether(command);
      if (flags.resume === undefined) await train(flags);
      else await resume(flags.resume, flags);
    });
}

async function train(flags: TrainFlags): Promise<void> {
  if (flags.init !== undefined) refuseOverwriting(flags.init, flags.out);
  if (!flags.force) {
    await refuseOccupied(flags.out, 'choose another one, or replace its run or model with --force');
  }
  const { run, source } = await runOfFlags(flags);
  if (isUnfinished(flags.out)) {
    note(
      `The run that stands unfinished in ${flags.out} is given up for this one after its first step; --resume would go on with it.`,
    );
  }
  await withDevice(flags.adapter, async (device) => {
    await chooseKernels(device, run, flags);
    const { force } = flags;
    const goesOn = { data: undefined, adapter: undefined };
    await runAndPrint(
      device,
      { ...run, startOver: true, force },
      source,
      { ...flags, folder: flags.out },
      goesOn,
    );
  });
}

async function resume(folder: string, flags: Pick<TrainFlags, 'adapter' | 'json'> & { data?: string }) {
  const standing = await standingRun(folder);
  const notes = standing.notes as Partial<CommandNotes>;
  const named = flags.data === undefined ? notes.data : { ...notes.data, data: flags.data };
  if (!named)
    throw new CallerError({
      what: 'does not say where its data lie',
      where: folder,
      remedy: 'name them with --data',
    });
  const source = dataOf(named, { tags: standing.rules?.tags, labels: standing.classes });
  const start = notes.init && (await startOfRun(folder, standing, notes.init));
  const run: TrainingRun = { ...standing, data: await examplesOf(source), start };
  await withDevice(flags.adapter ?? notes.adapter, async (device) => {
    const { strategy = 'none', bestBy = 'accuracy' } = standing;
    await runAndPrint(device, run, source, { folder, strategy, bestBy, json: flags.json }, flags);
  });
}

/** What a run began with that began from a checkpoint: its model as the run's folder describes it, the checkpoint's weights. */
async function startOfRun(
  folder: string,
  standing: Omit<TrainingRun, 'data'>,
  init: CheckpointRecord,
): Promise<StartingPoint> {
  const { weights } = await startFrom(init.folder, standing);
  return { description: await loadDescription(folder), weights, notes: [] };
}

async function runAndPrint(
  device: Device,
  run: TrainingRun,
  source: DataSource,
  result: RunResult,
  { data, adapter }: Pick<Partial<TrainFlags>, 'data' | 'adapter'>,
): Promise<void> {
  const display = runDisplay(result.folder, () => {
    const rows = run.data.train.length;
    const { strategy, seed } = run;
    const { description } = device.adapter;
    note(`Training ${strategy} on ${rows} sentences of ${source.name}, seed ${seed}, on ${description}`);
    note(classCounts(source.classes, run.data));
    const guessed = run.start ? undefined : caseNote(run.vocabulary);
    if (guessed) note(`--vocab: ${guessed} (--case keep or lower says otherwise).`);
    if (source.note) note(`${source.name} is ${source.note}.`);
  });
  outliveReaders();
  const { folder } = result;
  const given = Object.entries({ '--data': data, '--adapter': adapter });
  const flags = given.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const goOn = ({ standsThere }: RunInterrupted) =>
    standsThere
      ? `go on with: ${shellCommand('train', '--resume', folderWord(folder), ...flags)}`
      : `what stood in ${folder} is as it was`;
  const training = (signal: AbortSignal) => runTraining(device, run, folder, { ...display, signal });
  printOutcome(result, await stoppable(training, goOn).finally(display.stop));
}
