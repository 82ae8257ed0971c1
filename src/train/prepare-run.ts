import { resolve } from 'node:path';
import * as v from 'valibot';
import { options as anyOptions, checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { absoluteData } from '../data/data-location.js';
import type { DataSource } from '../data/dataset.js';
import { readText } from '../data/files.js';
import { type HubName, hubCheckpoint, parseHubName } from '../data/hub-download.js';
import { readModelRules } from '../data/named-rules.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { requireRulesTags, requireTags, tagsNote } from '../grammar/custom-tags.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { parseTagNoise } from '../grammar/tag-noise.js';
import { caseNote, normalisationFor, parseVocabulary, type Vocabulary } from '../grammar/vocabulary.js';
import { BERT_TINY, MODEL_SIZES, TASKS } from '../nn/model-config.js';
import { AttentionMask } from '../plan/mask.js';
import { drawnRules, drawRules } from './control-rules.js';
import { parseIndex, WEIGHTS_FILES } from './hugging-face/weights.js';
import { loadDescription, readFolderConfig } from './model-folder.js';
import { type DataSettings, dataOf, examplesOf } from './run-data.js';
import { FINE_TUNING_RATE, type RunSettings, SETTING_DEFAULTS } from './settings.js';
import { completeSettings, conflictIn, trainingSettingsIn } from './settings-schema.js';
import { type StartingPoint, type StartOptions, startFrom } from './starting-point.js';
import { descriptionOf, recordedRun, type TrainingRun } from './training-run.js';

/** A checked run, and its data. */
export interface PreparedRun {
  /** For `runTraining`. */
  run: TrainingRun;
  /** Where the examples of the run are from, and those of test. */
  source: DataSource;
  /** The adapter of the run; any by default. */
  adapter?: string;
}

/** The checkpoint that a run started from, in its notes. */
interface CheckpointRecord extends Partial<HubName> {
  /** The value of the setting `init`. */
  name: string;
  folder: string;
  /** The commit that a revision of a Hugging Face checkpoint named. */
  commit?: string;
}

/** The notes in `training.json` by which data, adapter and checkpoint are found again. */
interface RunNotes {
  /** The settings that named the data; files by their absolute paths. */
  data: DataSettings;
  adapter?: string;
  init?: CheckpointRecord;
}

/** Called with each note to the user, a line of text. */
export type OnNote = (note: string) => void;

/** Evaluations an epoch where no setting gives a number: more than those of the library. */
const EVALUATIONS = 4;

function notesOf(settings: RunSettings, init?: CheckpointRecord): RunNotes {
  const { data, dev, test, textColumn, labelColumn, tagsColumn, trainExamples, devShare, adapter } = settings;
  const named = { data: absoluteData(data), dev: absoluteData(dev), test: absoluteData(test) };
  return { data: { ...named, textColumn, labelColumn, tagsColumn, trainExamples, devShare }, adapter, init };
}

/** The examples that settings name, checked before a long run. */
async function checkedData(settings: RunSettings, rules: ModelRules, onNote: OnNote) {
  const source = dataOf(settings, { tags: rules.tags });
  const data = await examplesOf(source, settings);
  if (settings.task !== 'mlm' && new Set(data.train.map(({ label }) => label)).size < 2) {
    throw new CallerError({
      what: `every row is of the class "${source.classes[data.train[0].label]}"`,
      where: source.name,
      expected: 'examples of two classes at least',
    });
  }
  // Training does not use the test split; an error in it should appear before the run.
  if (settings.test !== undefined) await source.texts('test');
  const customTags = data.train.some(({ words }) => words);
  const all = [...data.train, ...data.dev];
  if (customTags) requireTags(all, rules.tags);
  if ((settings.strategy ?? 'none') !== 'none') requireRulesTags(all, rules);
  for (const note of tagsNote(customTags, all)) onNote(note);
  return { source, data, customTags };
}

/** The vocabulary that settings name. @throws CallerError where the file is not a vocabulary. */
async function vocabularyOf({ vocab, case: letterCase }: RunSettings): Promise<Vocabulary> {
  if (!vocab) return bertVocabulary();
  const text = await readText(vocab, 'a file with a token a line');
  return parseVocabulary(text, vocab, letterCase && normalisationFor(letterCase === 'lower'));
}

/**
 * The folder of the checkpoint that `init` names, a folder or `hub:id@revision`: from the user's cache, or downloaded into it.
 * @throws EngineError where it cannot be downloaded.
 */
async function checkpointOf(name: string, onNote: OnNote): Promise<CheckpointRecord> {
  const hub = parseHubName(name);
  if (!hub) return { name, folder: resolve(name) };
  const layout = {
    names: WEIGHTS_FILES,
    filesOf: (text: string, file: string) => parseIndex(text, file).values(),
  };
  return { name, ...(await hubCheckpoint(hub, layout, onNote)) };
}

/** Reads a checkpoint, with notes on omitted and drawn tensors. @throws CallerError where the engine cannot run it. */
async function startingPoint(
  { name, folder, commit }: CheckpointRecord,
  options: StartOptions,
  onNote: OnNote,
): Promise<StartingPoint> {
  const start = await startFrom(folder, options);
  const { family, layers, hidden } = start.description.config;
  onNote(`Starting from ${name}${commit ? ` (commit ${commit})` : ''}: ${family}, ${layers} x ${hidden}`);
  const guessed = caseNote(start.description.tokenizer.vocabulary);
  for (const line of [...start.notes, ...(guessed ? [guessed] : [])]) onNote(`${name}: ${line}`);
  return start;
}

function shapeOf(settings: RunSettings): TrainingRun['shape'] {
  const size = MODEL_SIZES[settings.preset ?? SETTING_DEFAULTS.preset];
  const { layers, hidden, heads, feedForward } = { ...size, ...settings };
  const { initializerRange } = { ...SETTING_DEFAULTS, ...settings };
  const { dropout = BERT_TINY.hiddenDropout, attentionDropout = dropout } = settings;
  return { layers, hidden, heads, feedForward, hiddenDropout: dropout, attentionDropout, initializerRange };
}

/**
 * The run that settings describe. Its data, rules, vocabulary and checkpoint are read, and all is checked before hours are spent.
 * @param onNote Called with each note to the user, a line of text.
 * @throws CallerError where data, rules, vocabulary, model or settings are not what they should be.
 */
export async function prepareRun(settings: RunSettings, onNote: OnNote = () => {}): Promise<PreparedRun> {
  checkArgument(anyOptions({ rules: v.optional(string) }), settings, 'settings');
  const conflict = conflictIn(settings);
  if (conflict) throw new CallerError(conflict);
  const { rules: named, strategy, maxLength, seed } = { ...SETTING_DEFAULTS, ...settings };
  const { init, beta, dropout, attentionDropout } = settings;
  const drawn = drawnRules(named, seed);
  const written = drawn ? PAPER_RULES : await readModelRules(named);
  const shape = shapeOf(settings);
  if (init === undefined) checkHeads(written, { ...BERT_TINY, ...shape }, named);
  const { source, data, customTags } = await checkedData(settings, written, onNote);
  const tagNoise =
    settings.tagNoise === undefined ? undefined : { how: parseTagNoise(settings.tagNoise), seed };
  const checkpoint = init === undefined ? undefined : await checkpointOf(init, onNote);
  const vocabulary = checkpoint
    ? (await readFolderConfig(checkpoint.folder)).tokenizer.vocabulary
    : await vocabularyOf(settings);
  const tokenization = { maxLength, customTags, tagNoise };
  const rules = drawn ? drawRules(drawn, data.train, { vocabulary, ...tokenization }) : written;
  const mask = AttentionMask.fromRules(rules, strategy, { beta });
  const { tagEmbeddings, task } = settings;
  const classes = task === 'mlm' ? [] : source.classes;
  const model = { classes, mask, seed, task, tagEmbeddings, ...tokenization };
  const startOptions = { ...model, dropout, attentionDropout };
  const run: TrainingRun = {
    ...(init !== undefined && { learningRate: FINE_TUNING_RATE }),
    ...(task === 'mlm' && { metricForBestModel: 'loss' as const }),
    ...(settings.evalSteps === undefined && { evaluationsPerEpoch: EVALUATIONS }),
    ...trainingSettingsIn(settings),
    ...model,
    data,
    vocabulary,
    shape,
    start: checkpoint && (await startingPoint(checkpoint, startOptions, onNote)),
    notes: { ...notesOf(settings, checkpoint) },
  };
  descriptionOf(run);
  completeSettings(run, data.train.length);
  return { run, source, adapter: settings.adapter };
}

/**
 * The unfinished run in a folder, with its data read again.
 * @param data The current location of the data, where it has changed.
 * @throws CallerError where there is no run, a file of it cannot be read, or its data are not there.
 */
export async function prepareResumedRun(folder: string, data?: string): Promise<PreparedRun> {
  const recorded = await recordedRun(folder);
  const notes = recorded.notes as Partial<RunNotes>;
  const named = data === undefined ? notes.data : { ...notes.data, data };
  if (!named) {
    throw new CallerError({
      what: 'does not name its data',
      where: folder,
      remedy: 'name them with --data',
    });
  }
  const source = dataOf(
    { ...named, seed: recorded.seed },
    { tags: recorded.mask?.rules.tags, ...(recorded.task !== 'mlm' && { labels: recorded.classes }) },
  );
  const examples = await examplesOf(source, { ...named, seed: recorded.seed, task: recorded.task });
  const run = { ...recorded, data: examples };
  if (!notes.init) return { run, source, adapter: notes.adapter };
  // The folder has the description; the first weights are those of the checkpoint.
  const { weights } = await startFrom(notes.init.folder, recorded);
  const start = { description: await loadDescription(folder, TASKS), weights, notes: [] };
  return { run: { ...run, start }, source, adapter: notes.adapter };
}
