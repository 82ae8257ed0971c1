import { resolve } from 'node:path';
import type { DataSource } from '../data/dataset.js';
import { requireTags } from '../data/encoded-data.js';
import { readText } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { checkHeads } from '../grammar/head-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { parseRelabelling, type SeededRelabelling } from '../grammar/relabelling.js';
import { parseVocabulary, type Vocabulary } from '../grammar/vocabulary.js';
import { RANDOM_RULES, randomRulesFor } from '../train/control-rules.js';
import { describeModel } from '../train/sentence-classifier.js';
import { completeSettings } from '../train/settings.js';
import { checkSparsity } from '../train/sparsity.js';
import type { TrainingRun } from '../train/training-run.js';
import { type DataFlags, dataOf, noteOnTags } from './data-options.js';
import { kernelsFor } from './kernel-cache.js';
import { readModelRules, shapeOf } from './options.js';
import { settingsOf, type TrainFlags } from './train-flags.js';

/** What the command keeps in `training.json`, to find data and adapter again. */
export interface CommandNotes {
  /** The flags that named the data; files by their whole paths. */
  data: DataFlags;
  adapter?: string;
}

/** Names that lead to the same files from any folder. */
function placeOf(files: string): string {
  if (['embedded', 'sst2'].includes(files)) return files;
  return files
    .split(',')
    .map((file) => resolve(file.trim()))
    .join(',');
}

function notesOf(flags: TrainFlags): CommandNotes {
  const { data, dev, test, textColumn, labelColumn, tagsColumn, adapter } = flags;
  const place = (files: string | undefined) => (files === undefined ? undefined : placeOf(files));
  const files = { dev: place(dev), test: place(test) };
  return { data: { data: placeOf(data), ...files, textColumn, labelColumn, tagsColumn }, adapter };
}

/** The examples that a run is made of. @throws CallerError where they are not there, or some have tags and others none. */
export async function examplesOf(source: DataSource): Promise<TrainingRun['data']> {
  return { name: source.name, train: await source.examples('train'), dev: await source.examples('dev') };
}

async function vocabularyOf({ vocab }: TrainFlags): Promise<Vocabulary> {
  if (!vocab) return bertVocabulary();
  return parseVocabulary(await readText(vocab, 'a file with a word piece a line'), vocab);
}

/**
 * The run that the flags of `train` describe, checked before kernels are measured for one that cannot be.
 * @throws CallerError where data, rules, vocabulary, model or settings are not what they should be.
 */
export async function runOfFlags(flags: TrainFlags): Promise<{ run: TrainingRun; source: DataSource }> {
  const drawn = flags.rules === RANDOM_RULES;
  const written = drawn ? PAPER_RULES : await readModelRules(flags.rules);
  checkHeads(written, flags, flags.rules);
  checkSparsity(flags.sparsity, flags.strategy);
  const source = dataOf(flags, { tags: written.tags });
  const vocabulary = await vocabularyOf(flags);
  const relabelling: SeededRelabelling | undefined =
    flags.relabel === undefined ? undefined : { how: parseRelabelling(flags.relabel), seed: flags.seed };
  const data = await examplesOf(source);
  // Not of use here: what is wrong with it shall be known before a long run, not after.
  if (flags.test !== undefined) await source.texts('test');
  const ownTags = data.train.some(({ words }) => words);
  const all = [...data.train, ...data.dev];
  requireTags(all, written, ownTags);
  noteOnTags(ownTags, all);
  const rules = drawn
    ? randomRulesFor(data.train, vocabulary, flags.maxLength, flags.seed, relabelling)
    : written;
  const run: TrainingRun = {
    ...settingsOf(flags),
    data,
    vocabulary,
    shape: {
      ...shapeOf(flags),
      hiddenDropout: flags.dropout,
      attentionDropout: flags.attentionDropout ?? flags.dropout,
      initialDeviation: flags.initialDeviation,
    },
    classes: source.classes,
    strategy: flags.strategy,
    rules,
    beta: flags.beta,
    tags: ownTags ? 'own' : undefined,
    mostPieces: flags.maxLength,
    relabelling,
    bestBy: flags.bestBy,
    notes: { ...notesOf(flags) },
  };
  describeModel(run);
  completeSettings(run, data.train.length);
  return { run, source };
}

/** Gives a run the kernels that were measured to be the fastest for it, measuring them where none were. */
export async function chooseKernels(device: Device, run: TrainingRun, flags: TrainFlags): Promise<void> {
  const { config } = describeModel(run);
  const kinds = [flags.strategy === 'none' ? 'dense' : 'sparse'] as const;
  const tuned = { headDim: config.hidden / config.heads, longest: flags.maxLength, kinds };
  run.kernels = await kernelsFor(device, flags.tune, tuned);
}
