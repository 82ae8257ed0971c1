import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import envPaths from 'env-paths';
import * as v from 'valibot';
import { quickCheck } from '../../bench/quick-check.js';
import { WIDEST_INTERVAL } from '../../bench/statistics.js';
import { type TunedRow, type Tuning, type TuningOptions, tune } from '../../bench/tuner.js';
import {
  adapterKey,
  checkedChoices,
  choiceKey,
  type KernelChoices,
  kernelVariants,
  LENGTH_CLASSES,
} from '../attention/kernel-choices.js';
import { CallerError, EngineError, ParsimonyError } from '../base/errors.js';
import { hashOf, sortedEntries } from '../base/hash.js';
import { fields, notNegative, positiveWhole, recordOf, text } from '../base/json-schemas.js';
import type { Precision } from '../base/precision.js';
import { createFolder, readText, writeAtomically } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { kernelSources } from '../gpu/kernel-sources.generated.js';
import { headDimOf } from '../nn/model-config.js';
import { checkFits } from '../nn/model-size.js';
import { descriptionOf, type TrainingRun } from '../train/training-run.js';
import { note } from './terminal.js';

/** The file of the choices for an adapter and a head dimension; other kernels, or another driver, have another file. */
export function choicesFile(device: Device, headDim: number): string {
  const name = hashOf([adapterKey(device), headDim, kernelSources]);
  return join(envPaths('parsimony', { suffix: '' }).cache, `kernels-${name}.json`);
}

/** What a run needs choices for. */
type Tuned = Required<Omit<TuningOptions, 'onNote'>>;

/** The noise of a choice's measurement, and how often it was measured. */
interface Measurement {
  /** See `Tuning.noise`. */
  noise: number;
  times: number;
}

const MEASUREMENTS = fields({
  measurements: recordOf(fields({ noise: notNegative, times: positiveWhole })),
  checksum: text,
});

interface StoredChoices {
  choices: KernelChoices;
  /** By choice. */
  measurements: Record<string, Measurement>;
}

/** A choice that a noisy machine made is measured again, but not at every run of a machine that is always noisy. */
const MOST_MEASUREMENTS = 3;

/** Whether a choice is kept: it was measured on a quiet machine, or often enough. */
function isKept(measurement: Measurement | undefined): boolean {
  return (
    measurement !== undefined &&
    (measurement.noise <= WIDEST_INTERVAL || measurement.times >= MOST_MEASUREMENTS)
  );
}

/** The checksum of choices: damage in a readable file could choose kernels that were never compared. */
function checksumOf({ choices, measurements }: StoredChoices): string {
  const { adapter, headDim, variants, machine } = choices;
  return hashOf([adapter, headDim, sortedEntries(variants), sortedEntries(measurements), machine ?? null]);
}

/** The stored choices for a device; undefined where the file is damaged or is for another device. */
async function storedChoices(device: Device, headDim: number): Promise<StoredChoices | undefined> {
  const file = choicesFile(device, headDim);
  if (!existsSync(file)) return undefined;
  try {
    const json: unknown = JSON.parse(await readText(file));
    const choices = checkedChoices(json, file);
    const isOurs = choices.adapter === adapterKey(device) && choices.headDim === headDim;
    const { success, output } = v.safeParse(MEASUREMENTS, json);
    if (!isOurs || !success) return undefined;
    const stored = { choices, measurements: output.measurements };
    return output.checksum === checksumOf(stored) ? stored : undefined;
  } catch (error) {
    if (error instanceof CallerError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Writes a file of the cache. @returns The error where the disk refuses. */
async function writeToCache(file: string, content: object): Promise<ParsimonyError | undefined> {
  try {
    await createFolder(dirname(file));
    await writeAtomically(file, `${JSON.stringify(content, null, 2)}\n`);
    return undefined;
  } catch (error) {
    if (error instanceof ParsimonyError) return error;
    throw error;
  }
}

/** Measures, and stores the choices together with earlier ones for other plans. @throws EngineError where the GPU fails. */
export async function tuneAndStore(
  device: Device,
  options: TuningOptions,
): Promise<Tuning & { file: string }> {
  const file = choicesFile(device, options.headDim);
  const { choices, noise, rows } = await tune(device, options);
  const stored = await storedChoices(device, options.headDim);
  const variants = { ...stored?.choices.variants };
  const measurements = { ...stored?.measurements };
  for (const [choice, variant] of Object.entries(choices.variants)) {
    const before = measurements[choice];
    const isBest = noise[choice] <= WIDEST_INTERVAL || !(before?.noise < noise[choice]);
    if (isBest) variants[choice] = variant;
    const times = (before?.times ?? 0) + 1;
    measurements[choice] = { noise: isBest ? noise[choice] : before.noise, times };
  }
  const merged = { choices: { ...choices, variants }, measurements };
  const content = { ...merged.choices, measurements, checksum: checksumOf(merged) };
  const failure = await writeToCache(file, content);
  if (failure)
    note(`The choice of kernels is not kept, so that another run may choose others: ${failure.message}`);
  const noisy = Object.keys(choices.variants).filter((choice) => !isKept(measurements[choice]));
  if (noisy.length > 0)
    note(`The machine was too noisy to choose kernels well: a later run measures ${noisy.join('; ')} again.`);
  return { choices: merged.choices, noise, rows, file };
}

/** The stored choices for some head dimensions that are kept: a benchmark measures them, and does not choose. */
export async function storedChoicesOf(
  device: Device,
  shouldTune: boolean,
  headDims: readonly number[],
): Promise<KernelChoices[]> {
  if (!shouldTune) return [];
  const stored = await Promise.all(headDims.map((headDim) => storedChoices(device, headDim)));
  return stored.flatMap((each) => {
    if (!each) return [];
    const { choices, measurements } = each;
    const kept = Object.entries(choices.variants).filter(([choice]) => isKept(measurements[choice]));
    return kept.length > 0 ? [{ ...choices, variants: Object.fromEntries(kept) }] : [];
  });
}

/** The classes of lengths that a run with sequences of up to `longest` tokens has batches of. */
function classesUpTo(longest: number): number[] {
  return LENGTH_CLASSES.filter((_, index) => index === 0 || LENGTH_CLASSES[index - 1] < longest);
}

/** The problem that tuning found: no usable variant for a kind of plan, or a wrong variant that is not used; undefined if none. */
export function tuningProblem(
  rows: readonly TunedRow[],
): { error: EngineError; isUsable: boolean } | undefined {
  const choices = [...new Set(rows.map(({ choice }) => choice))];
  const none = choices.find((choice) => !rows.some((row) => row.choice === choice && row.isChosen));
  const isWrong = ({ choice, gate }: TunedRow) =>
    gate !== null && !gate.passed && (none === undefined || choice === none);
  const wrong = rows.find(isWrong);
  if (!wrong) return undefined;
  const found = `"${wrong.variant}" is wrong here: ${wrong.gate!.complaints[0]}`;
  if (none === undefined) {
    const remedy = 'it is not used; please report this adapter';
    return { error: new EngineError({ what: `variant ${found}`, remedy }), isUsable: true };
  }
  const error = new EngineError({
    what: `no variant of the kernels is right for ${none} tokens: ${found}`,
    remedy:
      'choose another adapter with --adapter, and please report this one with the output of `parsimony doctor`',
  });
  return { error, isUsable: false };
}

/**
 * Checks the kernels that run where none are measured, once on an adapter with its driver.
 * @throws EngineError where they are wrong.
 */
async function checkOnce(device: Device, { headDim, kinds }: Tuned, precision: Precision): Promise<void> {
  const name = hashOf([adapterKey(device), headDim, kinds, precision, kernelSources]);
  const file = join(envPaths('parsimony', { suffix: '' }).cache, `checked-${name}.json`);
  if (existsSync(file)) return;
  await quickCheck(device, kinds, headDim, precision);
  // Where the file cannot be written, the next run checks again.
  await writeToCache(file, { adapter: adapterKey(device), headDim, kinds, precision });
}

/**
 * The choices for a run: the stored ones, or else those measured now and stored. Undefined without tuning, and where there is one
 * variant of the kernels: in precision f16, and for dense attention on software.
 * @throws EngineError where the kernels that would run are wrong, or the GPU fails; CallerError or EngineError, before measuring,
 * where the model is too large.
 */
export async function kernelsFor(
  device: Device,
  run: TrainingRun,
  shouldTune: boolean,
): Promise<KernelChoices | undefined> {
  const { config, mask, tokenizer } = descriptionOf(run);
  checkFits(config, device, true);
  const kinds = [mask.strategy === 'none' ? 'dense' : 'sparse'] as const;
  const tuned: Tuned = { headDim: headDimOf(config), longest: tokenizer.maxLength, kinds };
  const hasOneVariant = run.precision === 'f16' || kernelVariants(device, kinds[0]).length === 1;
  if (!shouldTune || hasOneVariant) {
    await checkOnce(device, tuned, run.precision ?? 'f32');
    return undefined;
  }
  const stored = await storedChoices(device, tuned.headDim);
  const isStored = (kind: Tuned['kinds'][number]) =>
    classesUpTo(tuned.longest).every((most) => isKept(stored?.measurements[choiceKey(kind, most)]));
  if (stored && tuned.kinds.every(isStored)) return stored.choices;
  note(
    `Measuring the variants of the kernels for heads of ${tuned.headDim}, once on this adapter (--no-tune does without).`,
  );
  const { choices, rows } = await tuneAndStore(device, tuned);
  const complaint = tuningProblem(rows);
  if (complaint && !complaint.isUsable) throw complaint.error;
  if (complaint) note(complaint.error.message);
  return choices;
}
