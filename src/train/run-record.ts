import { createHash } from 'node:crypto';
import { join } from 'node:path';
import * as v from 'valibot';
import { adapterKey } from '../attention/kernel-choices.js';
import { CallerError } from '../base/errors.js';
import { hashOf, sortedEntries } from '../base/hash.js';
import { fields, recordOf, share, text, whole } from '../base/json-schemas.js';
import { JsonText } from '../base/json-text.js';
import type { Example } from '../data/dataset.js';
import { readText } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { kernelSources } from '../gpu/kernel-sources.generated.js';
import { formatRules } from '../grammar/rules-file.js';
import { formatTagNoise, type SeededTagNoise } from '../grammar/tag-noise.js';
import type { ModelDescription } from './model-description.js';
import {
  type TrainingSettings,
  trainingSettings,
  trainingSettingsIn,
  withHashedNames,
  withTodaysNames,
} from './settings-schema.js';

export const RECORD_FILE = 'training.json';

/** The examples of a run. */
export interface RunData {
  /** The name in outputs. */
  name: string;
  /** The examples that are trained on, one at least. */
  train: readonly Example[];
  /** The examples on which the best weights are chosen. */
  dev: readonly Example[];
}

/** What must be the same when a run is resumed. */
export interface Fingerprints {
  /** The hash of the model before training, without its kernels. */
  model: string;
  data: string;
  /** The hash of the text of all kernels. */
  kernels: string;
  /** `adapterKey` of the device. */
  adapter: string;
}

/** The content of `training.json`: all settings, and what identifies the run. */
export interface RunRecord {
  settings: TrainingSettings;
  fingerprints: Fingerprints;
  /** Notes of the caller. */
  notes: Record<string, unknown>;
}

function hashOfWeights(weights: ReadonlyMap<string, Float32Array>): string {
  const hash = createHash('sha256');
  for (const [name, values] of weights) {
    hash.update(name).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex').slice(0, 16);
}

/** The hash of the examples of a run, with their custom tags. */
export function dataHash({ train, dev }: Pick<RunData, 'train' | 'dev'>): string {
  const rows = (examples: readonly Example[]) =>
    examples.map(({ text, label, words }) => (words ? [text, label, words] : [text, label]));
  return hashOf([rows(train), rows(dev)]);
}

/** Tag noise with the field names of the first versions, so that their runs keep their fingerprints. */
function hashedNoise({ how, seed }: SeededTagNoise) {
  return { how: how.kind === 'blocks' ? { kind: how.kind, pieces: how.tokens } : how, seed };
}

/** @param start The first weights of the run, where they are not drawn from its seed. */
export function fingerprintsOf(
  device: Device,
  description: ModelDescription,
  data: RunData,
  start?: ReadonlyMap<string, Float32Array>,
): Fingerprints {
  const { config, tokenizer, classes, mask } = description;
  return {
    model: hashOf([
      sortedEntries(withHashedNames(config)),
      tokenizer.vocabulary.toText(),
      classes,
      mask.strategy,
      formatRules(mask.rules),
      mask.beta,
      tokenizer.maxLength,
      tokenizer.tagNoise ? hashedNoise(tokenizer.tagNoise) : null,
      ...(start ? [hashOfWeights(start)] : []),
    ]),
    data: dataHash(data),
    ...machineOf(device),
  };
}

/** The part of a run's fingerprints that decides its bits without being a setting. */
export function machineOf(device: Device): Pick<Fingerprints, 'kernels' | 'adapter'> {
  return { kernels: kernelsHash(), adapter: adapterKey(device) };
}

/** The hash of the text of all kernels. */
export function kernelsHash(): string {
  return hashOf(sortedEntries(kernelSources));
}

/** The fingerprint of a run, which its checkpoints must have. */
export function fingerprintOf({
  settings,
  fingerprints,
}: Pick<RunRecord, 'settings' | 'fingerprints'>): string {
  const { metricForBestModel, ...others } = settings;
  const entries = sortedEntries(withHashedNames(others));
  return hashOf([entries, metricForBestModel, fingerprints.model, fingerprints.data]);
}

/** The fingerprint of the weights of a run: it does not depend on the interval of checkpoints. */
export function weightsRunOf({ settings, fingerprints }: RunRecord): string {
  return fingerprintOf({ settings: { ...settings, saveSteps: undefined }, fingerprints });
}

/**
 * The text of a run's record, which also has fields that only people read.
 * @param pairs The share of dev's pairs that exist, and that the model's layers join.
 */
export function formatRecord(
  record: RunRecord,
  description: ModelDescription,
  data: RunData,
  device: Device,
  pairs: { density: number; closure?: number },
): string {
  const { mask, kernels, tokenizer, config } = description;
  const { settings, notes, fingerprints } = record;
  const json = {
    strategy: mask.strategy,
    rules: mask.rules.name,
    beta: mask.beta,
    data: data.name,
    ...pairs,
    rows: { train: data.train.length, dev: data.dev.length },
    ...settings,
    maxLength: tokenizer.maxLength,
    dropout: config.hiddenDropout,
    attentionDropout: config.attentionDropout,
    tagNoise: tokenizer.tagNoise && formatTagNoise(tokenizer.tagNoise.how),
    adapter: device.adapter,
    kernels,
    fingerprints,
    notes,
  };
  return `${JSON.stringify(json, null, 2)}\n`;
}

const RECORD = fields({
  fingerprints: fields({ model: text, data: text, kernels: text, adapter: text }),
  notes: v.optional(recordOf(v.unknown()), {}),
  density: v.optional(share),
  closure: v.optional(share),
  rows: v.optional(recordOf(whole)),
  adapter: v.optional(
    fields({
      description: text,
      kind: v.optional(text, ''),
      vendor: v.optional(text),
      device: v.optional(text),
    }),
  ),
});

const SETTINGS_OF_RECORD = v.pipe(
  trainingSettings,
  v.check(
    ({ metricForBestModel }) => metricForBestModel !== undefined,
    'the metric that tells the best weights',
  ),
);

/** The record of a run of this version or 0.1, with the setting names of this version. */
export type WrittenRecord = v.InferOutput<typeof RECORD> & TrainingSettings;

/** Reads a whole record. @throws CallerError where it is missing or cannot be read. */
export async function readWrittenRecord(folder: string): Promise<WrittenRecord> {
  const file = join(folder, RECORD_FILE);
  const content = await readText(file, 'the folder of a training run, as `parsimony train --out` writes it');
  const expected = 'the settings of a training run, as this version writes them';
  const json = new JsonText(content, file, { expected, remedy: 'start the run again' });
  json.checked(SETTINGS_OF_RECORD);
  return withTodaysNames(json.checked(RECORD)) as WrittenRecord;
}

/** Reads the part of a record that a resumed run needs. @throws CallerError where it is missing or cannot be read. */
export async function readRecord(folder: string): Promise<RunRecord> {
  const record = await readWrittenRecord(folder);
  const { fingerprints, notes } = record;
  return { settings: trainingSettingsIn(record) as TrainingSettings, fingerprints, notes };
}

/**
 * Checks that the run in a folder is this one.
 * @throws CallerError where settings, model or data differ.
 */
export function checkSameRun(folder: string, recorded: RunRecord, run: RunRecord): void {
  const where = join(folder, RECORD_FILE);
  const remedy = 'use the settings that it started with, or choose another folder';
  for (const [name] of sortedEntries({ ...recorded.settings, ...run.settings })) {
    const [before, now] = [recorded, run].map(({ settings }) => settings[name as keyof TrainingSettings]);
    if (before === now) continue;
    throw new CallerError({ what: `a run with ${name} ${before}`, where, expected: `${now}`, remedy });
  }
  const { model, data } = recorded.fingerprints;
  if (model !== run.fingerprints.model) {
    throw new CallerError({ what: 'a run of another model or under other rules', where, remedy });
  }
  if (data !== run.fingerprints.data) {
    throw new CallerError({
      what: 'a run on other data',
      where,
      expected: `the sentences that were there when it began, in their order (${data}, not ${run.fingerprints.data})`,
      remedy,
    });
  }
}

/**
 * Checks that a resumed run gets the bits of an uninterrupted one.
 * @throws CallerError where the adapter or the kernels differ.
 */
export function checkSameMachine(folder: string, recorded: RunRecord, run: RunRecord): void {
  const where = join(folder, RECORD_FILE);
  const { adapter, kernels } = recorded.fingerprints;
  if (adapter !== run.fingerprints.adapter) {
    throw new CallerError({
      what: `a run on the adapter "${adapter}"`,
      where,
      expected: `the same, not "${run.fingerprints.adapter}", which gives other bits`,
      remedy: 'choose it with --adapter, or start the run again',
    });
  }
  if (kernels !== run.fingerprints.kernels) {
    throw new CallerError({
      what: 'a run with the kernels of another version of this package',
      where,
      remedy: 'continue with that version, or start the run again',
    });
  }
}
