import { basename, dirname, join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import { commandLine } from '../../bench/environment.js';
import { CallerError } from '../base/errors.js';
import type { Device } from '../gpu/device.js';
import { caseNote } from '../grammar/vocabulary.js';
import type { RunInterrupted } from '../train/interruption.js';
import { type PreparedRun, prepareResumedRun, prepareRun } from '../train/prepare-run.js';
import { isUnfinished, refuseOccupied } from '../train/run-folder.js';
import { SETTING_DEFAULTS } from '../train/settings.js';
import { withTensorBoard } from '../train/tensorboard.js';
import { descriptionOf, runTraining } from '../train/training-run.js';
import { findRate } from './find-rate.js';
import { kernelsFor } from './kernel-cache.js';
import { withDevice } from './options.js';
import { type JsonTarget, jsonOption } from './output-files.js';
import { outliveReaders } from './output-streams.js';
import { settingOptions, settingsOf, withOptions } from './setting-options.js';
import { folderWord, shellCommand, shellWords, stoppable } from './stopping.js';
import { note } from './terminal.js';
import { classCounts, printOutcome, runDisplay } from './train-output.js';

/** The flags that are not settings of the run. */
interface TrainFlags {
  out: string;
  force?: boolean;
  tensorboard?: string | true;
  json?: JsonTarget;
}

interface FindRateFlags {
  findLr: true;
  json?: JsonTarget;
}

interface ResumeFlags {
  resume: string;
  data?: string;
  adapter?: string;
  tensorboard?: string | true;
  json?: JsonTarget;
}

const EXAMPLE = `
Example:
  $ parsimony train --data embedded --strategy hard --out runs/hard
  $ parsimony train --data path/to/SST-2 --strategy none --epochs 3 --seed 42 --out runs/none
  $ parsimony train --data sst2 --init hub:prajjwal1/bert-tiny --strategy hard --out runs/bert-tiny
  $ parsimony train --resume runs/none
  $ parsimony train --data embedded --strategy hard --find-lr
  $ parsimony train --data embedded --strategy hard --tensorboard --out runs/curves
  $ parsimony train --data reviews.csv --dev reviews-dev.csv --text-column review --out runs/reviews

The folder holds config.json, rules.json, vocab.txt, model.safetensors (the weights that were best on dev),
last.safetensors (those of the last step), training.json (the settings), metrics.jsonl (a line for every report, evaluation
and epoch) and, until the run is finished, checkpoint.safetensors, from which --resume continues. Ctrl-C ends a run with a
checkpoint. A folder that holds a finished run, a model or other files is refused; --force replaces run and model, after
the first step has run, and leaves all other files.`;

const FIND_RATE = 'instead of training, try learning rates for 100 steps, and suggest one';

export function trainCommand(command: Command): void {
  withOptions(command, ...settingOptions())
    .optionsGroup('Run:')
    .option('--out <folder>', 'where the model and its metrics go')
    .option('--force', 'replace the finished run or the model in --out')
    .option('--resume <folder>', 'continue the run in this folder, with its settings')
    .option(
      '--tensorboard [folder]',
      'also write the curves for TensorBoard (default: tensorboard, next to the run)',
    )
    .addOption(new Option('--find-lr', FIND_RATE).conflicts(['out', 'force', 'resume', 'tensorboard']))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(async (flags: TrainFlags | ResumeFlags | FindRateFlags) => {
      checkTogether(command);
      if ('findLr' in flags) await sweepRates(flags);
      else if ('resume' in flags) await resume(flags);
      else await train(flags);
    });
}

/** Flags that `--resume` may have: the location of data, the adapter, and the form of the results. */
const BESIDE_RESUME = new Set(['resume', 'data', 'adapter', 'tensorboard', 'json']);

/** Ends the command where flags are missing, or cannot be used together. */
function checkTogether(command: Command): void {
  const isTyped = (name: string) => command.getOptionValueSource(name) === 'cli';
  if (isTyped('resume')) {
    const other = command.options.find((option) => {
      return isTyped(option.attributeName()) && !BESIDE_RESUME.has(option.attributeName());
    });
    if (other) command.error(`error: option '${other.long}' cannot be used with option '--resume <folder>'`);
    return;
  }
  for (const name of isTyped('findLr') ? ['data'] : ['data', 'out']) {
    const option = command.options.find((candidate) => candidate.attributeName() === name)!;
    if (!isTyped(name)) command.error(`error: required option '${option.flags}' not specified`);
  }
}

async function sweepRates(flags: FindRateFlags): Promise<void> {
  const settings = settingsOf(flags);
  const { run } = await prepareRun(settings, note);
  const tune = settings.tune ?? SETTING_DEFAULTS.tune;
  const sweep = async (device: Device) =>
    findRate(device, { ...run, kernels: await kernelsFor(device, run, tune) }, flags.json);
  await withDevice(settings.adapter, sweep, settings.precision);
}

async function train(flags: TrainFlags): Promise<void> {
  const { out, force, json, tensorboard } = flags;
  const settings = settingsOf(flags);
  if (settings.init !== undefined && resolve(settings.init) === resolve(out)) {
    throw new CallerError({
      what: '--out is the folder of --init',
      expected: 'another: the checkpoint stays as it is',
    });
  }
  if (!force) await refuseOccupied(out, 'choose another one, or replace its run or model with --force');
  const { run, source } = await prepareRun(settings, note);
  if (isUnfinished(out)) {
    note(
      `The unfinished run in ${out} is replaced after the first step of this one; --resume would continue it.`,
    );
  }
  await withDevice(
    settings.adapter,
    async (device) => {
      const kernels = await kernelsFor(device, run, settings.tune ?? SETTING_DEFAULTS.tune);
      const notes = { command: commandLine(), ...run.notes };
      const prepared = { run: { ...run, kernels, notes, startOver: true, force }, source };
      await runAndPrint(device, prepared, { folder: out, json, tensorboard });
    },
    settings.precision,
  );
}

async function resume({ resume: folder, data, adapter, ...outputs }: ResumeFlags): Promise<void> {
  const prepared = await prepareResumedRun(folder, data);
  const typed = Object.entries({ '--data': data, '--adapter': adapter });
  const words = typed.flatMap(([flag, value]) => (value === undefined ? [] : [flag, value]));
  const continued = (device: Device) => runAndPrint(device, prepared, { folder, ...outputs }, words);
  await withDevice(adapter ?? prepared.adapter, continued, prepared.run.precision);
}

/** Where the results of a run go. */
interface RunOutputs extends Pick<TrainFlags, 'json' | 'tensorboard'> {
  folder: string;
}

/** The folder of a run's curves: `runs/tensorboard/hard` of the run `runs/hard`, where the flag names none. */
function tensorBoardFolder(folder: string, named: string | true): string {
  return named === true ? join(dirname(folder), 'tensorboard', basename(folder)) : named;
}

/** @param words More flags of the command that resumes the run after an interruption. */
async function runAndPrint(
  device: Device,
  { run, source }: PreparedRun,
  { folder, json, tensorboard }: RunOutputs,
  words: readonly string[] = [],
): Promise<void> {
  const curves = tensorboard === undefined ? undefined : tensorBoardFolder(folder, tensorboard);
  const display = runDisplay(folder, () => {
    const rows = run.data.train.length;
    const { seed } = run;
    const { strategy } = descriptionOf(run).mask;
    const { description } = device.adapter;
    note(`Training ${strategy} on ${rows} sentences of ${source.name}, seed ${seed}, on ${description}`);
    if (run.task !== 'mlm') note(classCounts(source.classes, run.data));
    const guessed = run.start ? undefined : caseNote(run.vocabulary);
    if (guessed) note(`--vocab: ${guessed} (--case keep or lower says otherwise).`);
    if (source.note) note(`${source.name} is ${source.note}.`);
    if (curves !== undefined) note(`Curves: tensorboard --logdir ${shellWords(dirname(curves))}`);
  });
  const hooks = curves === undefined ? display : withTensorBoard(curves, display);
  const more = [...words, ...(curves === undefined ? [] : ['--tensorboard', curves])];
  outliveReaders();
  const goOn = ({ isResumable }: RunInterrupted) =>
    isResumable
      ? `continue with: ${shellCommand('train', '--resume', folderWord(folder), ...more)}`
      : `${folder} is unchanged`;
  const training = (signal: AbortSignal) => runTraining(device, run, folder, { ...hooks, signal });
  await printOutcome(folder, run, await stoppable(training, goOn), json);
}
