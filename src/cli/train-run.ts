import { resolve } from 'node:path';
import { commandLine } from '../../bench/environment.js';
import { CallerError } from '../base/errors.js';
import type { DataSource } from '../data/dataset.js';
import { readText } from '../data/files.js';
import { isFolder, namesIn } from '../data/split-files.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { requireRulesTags, requireTags } from '../grammar/custom-tags.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { parseTagNoise } from '../grammar/tag-noise.js';
import { normalisationFor, parseVocabulary, type Vocabulary } from '../grammar/vocabulary.js';
import { BERT_TINY, headDimOf } from '../nn/model-config.js';
import { checkFits } from '../nn/model-size.js';
import { RANDOM_RULES, randomRulesFor } from '../train/control-rules.js';
import { readFolderConfig } from '../train/model-folder.js';
import { completeSettings } from '../train/settings.js';
import { checkSparsity } from '../train/sparsity.js';
import { descriptionOf, type TrainingRun } from '../train/training-run.js';
import { type DataNames, dataOf, noteOnTags } from './data-options.js';
import { kernelsFor } from './kernel-cache.js';
import { readModelRules, shapeOf } from './options.js';
import { type CheckpointRecord, checkpointOf, startingPoint } from './starting-checkpoint.js';
import { settingsOf, type TrainFlags } from './train-flags.js';

/** What the command keeps in `training.json`, to find data and adapter again, and to be repeated. */
export interface CommandNotes {
  command: string;
  /** The flags that named the data; files by their whole paths. */
  data: DataNames;
  adapter?: string;
  /** What it began with, instead of random weights. */
  init?: CheckpointRecord;
}

/** Names that lead to the same files from any folder: a list, for a name may have a comma in it. */
function placeOf(files: string): string | string[] {
  if (['embedded', 'sst2'].includes(files)) return files;
  if (isFolder(files)) return resolve(files);
  return namesIn(files).map((file) => resolve(file));
}

function notesOf(flags: TrainFlags): CommandNotes {
  const { data, dev, test, textColumn, labelColumn, tagsColumn, adapter } = flags;
  const place = (files: string | undefined) => (files === undefined ? undefined : placeOf(files));
  const files = { dev: place(dev), test: place(test) };
  return {
    command: commandLine(),
    data: { data: placeOf(data), ...files, textColumn, labelColumn, tagsColumn },
    adapter,
  };
}

/** The examples that a run is made of. @throws CallerError where they are not there, or some have tags and others none. */
export async function examplesOf(source: DataSource): Promise<TrainingRun['data']> {
  return { name: source.name, train: await source.examples('train'), dev: await source.examples('dev') };
}

/** The vocabulary that flags name. @throws CallerError where it is none, or only its case is named. */
async function vocabularyOf(flags: TrainFlags): Promise<Vocabulary> {
  const { vocab, case: kept } = flags;
  if (!vocab) {
    if (kept === undefined) return bertVocabulary();
    throw new CallerError({
      what: `--case ${kept} without --vocab`,
      expected: "no --case: BERT's vocabulary, which is the default, is of lower case",
    });
  }
  const normalisation = kept && normalisationFor(kept === 'lower');
  const text = await readText(vocab, 'a file with a token a line');
  return parseVocabulary(text, vocab, normalisation);
}

/** The examples that flags name, known to be whole before a long run begins. */
async function checkedData(flags: TrainFlags, rules: ModelRules) {
  const source = dataOf(flags, { tags: rules.tags });
  const data = await examplesOf(source);
  if (new Set(data.train.map(({ label }) => label)).size < 2) {
    throw new CallerError({
      what: `every row is of the class "${source.classes[data.train[0].label]}"`,
      where: source.name,
      expected: 'examples of two classes at least',
    });
  }
  // Not of use here: what is wrong with it shall be known before the run, not after.
  if (flags.test !== undefined) await source.texts('test');
  const customTags = data.train.some(({ words }) => words);
  const all = [...data.train, ...data.dev];
  if (customTags) requireTags(all, rules.tags);
  if (flags.strategy !== 'none') requireRulesTags(all, rules);
  noteOnTags(customTags, all);
  return { source, data, customTags };
}

/**
 * The run that the flags of `train` describe, checked before kernels are measured for one that cannot be.
 * @throws CallerError where data, rules, vocabulary, model or settings are not what they should be.
 */
export async function runOfFlags(flags: TrainFlags): Promise<{ run: TrainingRun; source: DataSource }> {
  const { strategy, beta, seed, init, maxLength } = flags;
  const isDrawn = flags.rules === RANDOM_RULES;
  const written = isDrawn ? PAPER_RULES : await readModelRules(flags.rules);
  if (init === undefined) checkHeads(written, flags, flags.rules);
  checkSparsity(flags.sparsity, strategy);
  const { source, data, customTags } = await checkedData(flags, written);
  const tagNoise = flags.relabel === undefined ? undefined : { how: parseTagNoise(flags.relabel), seed };
  const classes = source.classes;
  const checkpoint = init === undefined ? undefined : await checkpointOf(init);
  const vocabulary = checkpoint
    ? (await readFolderConfig(checkpoint.folder)).tokenizer.vocabulary
    : await vocabularyOf(flags);
  const reading = { maxLength, customTags, tagNoise };
  const rules = isDrawn ? randomRulesFor(data.train, { vocabulary, ...reading }, seed) : written;
  const model = { classes, strategy, rules, beta, seed, ...reading };
  const { dropout, attentionDropout } = flags;
  const start = checkpoint && (await startingPoint(checkpoint, { ...model, dropout, attentionDropout }));
  const run: TrainingRun = {
    ...settingsOf(flags),
    ...model,
    data,
    vocabulary,
    shape: shapeOfRun(flags),
    start,
    bestBy: flags.bestBy,
    notes: { ...notesOf(flags), init: checkpoint },
  };
  descriptionOf(run);
  completeSettings(run, data.train.length);
  return { run, source };
}

function shapeOfRun(flags: TrainFlags): TrainingRun['shape'] {
  const { initialDeviation, dropout = BERT_TINY.hiddenDropout, attentionDropout = dropout } = flags;
  return { ...shapeOf(flags), hiddenDropout: dropout, attentionDropout, initialDeviation };
}

/**
 * Gives a run the kernels that were measured to be the fastest for it, measuring them where none were.
 * @throws CallerError or EngineError where the model is too large, before that.
 */
export async function chooseKernels(device: Device, run: TrainingRun, flags: TrainFlags): Promise<void> {
  const { config } = descriptionOf(run);
  checkFits(config, device, true);
  const kinds = [flags.strategy === 'none' ? 'dense' : 'sparse'] as const;
  const tuned = { headDim: headDimOf(config), longest: flags.maxLength, kinds };
  run.kernels = await kernelsFor(device, flags.tune, tuned);
}
