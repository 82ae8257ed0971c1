import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import envPaths from 'env-paths';
import { type Tuning, type TuningOptions, tune } from '../../bench/tuner.js';
import { adapterKey, checkedChoices, choiceKey, type KernelChoices } from '../attention/kernel-choices.js';
import { createFolder, readText, writeWhole } from '../data/files.js';
import { hashOf } from '../data/hash.js';
import type { Device } from '../gpu/device.js';
import { CallerError, ParsimonyError } from '../gpu/errors.js';
import { kernelSources } from '../gpu/kernel-sources.generated.js';
import { note } from './terminal.js';

/** `--no-tune` */
export function noTuneOption(): Option {
  return new Option(
    '--no-tune',
    'run the variants of the kernels that are expected to be fastest, unmeasured',
  );
}

/** Where the choices for an adapter and a head dimension are kept; other kernels, or another driver, have a file of their own. */
export function choicesFile(device: Device, headDim: number): string {
  const name = hashOf([adapterKey(device), headDim, kernelSources]);
  return join(envPaths('parsimony', { suffix: '' }).cache, `kernels-${name}.json`);
}

/** What a run needs choices for. */
type Tuned = Omit<TuningOptions, 'onNote'>;

/** The choices that were kept. A file that cannot be read counts as none. */
async function keptChoices(file: string): Promise<KernelChoices | undefined> {
  if (!existsSync(file)) return undefined;
  try {
    return checkedChoices(JSON.parse(await readText(file)), file);
  } catch (error) {
    if (error instanceof CallerError || error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** Measures, and keeps what was chosen beside what had been chosen for other plans. @throws EngineError where the GPU fails. */
export async function tuneAndKeep(
  device: Device,
  options: TuningOptions,
): Promise<Tuning & { file: string }> {
  const file = choicesFile(device, options.headDim);
  const { choices: chosen, rows } = await tune(device, options);
  const choices = { ...chosen, variants: { ...(await keptChoices(file))?.variants, ...chosen.variants } };
  try {
    await createFolder(dirname(file));
    await writeWhole(file, `${JSON.stringify(choices, null, 2)}\n`);
  } catch (error) {
    if (!(error instanceof ParsimonyError)) throw error;
    note(`The choice of kernels is not kept, so that another run may choose others: ${error.message}`);
  }
  return { choices, rows, file };
}

/** The choices that were kept for some head dimensions, for a benchmark: it measures what runs, and chooses nothing itself. */
export async function allKept(
  device: Device,
  shouldTune: boolean,
  headDims: readonly number[],
): Promise<KernelChoices[]> {
  const kept = headDims.map((headDim) => keptChoices(choicesFile(device, headDim)));
  return shouldTune ? (await Promise.all(kept)).filter((choices) => choices !== undefined) : [];
}

/** The choices for a device: none where not asked for, else those that were kept, else measured now and kept. */
export async function kernelsFor(
  device: Device,
  shouldTune: boolean,
  tuned: Tuned,
): Promise<KernelChoices | undefined> {
  if (!shouldTune) return undefined;
  const kept = await keptChoices(choicesFile(device, tuned.headDim));
  if (kept && tuned.kinds.every((kind) => choiceKey(kind, tuned.longest) in kept.variants)) return kept;
  note(
    `Measuring the variants of the kernels for heads of ${tuned.headDim}, once on this adapter (--no-tune does without).`,
  );
  const { choices } = await tuneAndKeep(device, tuned);
  return choices;
}
