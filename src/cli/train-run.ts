import { resolve } from 'node:path';
import type { DataSource } from '../data/dataset.js';
import { readText } from '../data/files.js';
import { dataSource } from '../data/sources.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { parseRelabelling } from '../grammar/relabelling.js';
import { parseVocabulary, type Vocabulary } from '../grammar/vocabulary.js';
import { RANDOM_RULES, type RelabellingOfModel, randomRulesFor } from '../train/control-rules.js';
import { describeModel } from '../train/sentence-classifier.js';
import { completeSettings } from '../train/settings.js';
import { checkSparsity } from '../train/sparsity.js';
import type { TrainingRun } from '../train/training-run.js';
import { kernelsFor } from './kernel-cache.js';
import { readModelRules, shapeOf } from './options.js';
import { settingsOf, type TrainFlags } from './train-flags.js';

/** What the command keeps in `training.json`, to find data and adapter again. */
export interface CommandNotes {
  /** What `--data` named; a folder by its whole path. */
  data: string;
  adapter?: string;
}

/** A source's name that leads to it from any folder. */
function placeOf(data: string): string {
  return ['embedded', 'sst2'].includes(data) ? data : resolve(data);
}

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
  const source = dataSource(flags.data);
  const vocabulary = await vocabularyOf(flags);
  const relabelling: RelabellingOfModel | undefined =
    flags.relabel === undefined ? undefined : { how: parseRelabelling(flags.relabel), seed: flags.seed };
  const data = await examplesOf(source);
  const rules: ModelRules =
    flags.rules === RANDOM_RULES
      ? randomRulesFor(data.train, vocabulary, flags.maxLength, flags.seed, relabelling)
      : await readModelRules(flags.rules);
  checkHeads(rules, flags, flags.rules);
  checkSparsity(flags.sparsity, flags.strategy);
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
    mostPieces: flags.maxLength,
    relabelling,
    bestBy: flags.bestBy,
    notes: { data: placeOf(flags.data), adapter: flags.adapter } satisfies CommandNotes,
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
