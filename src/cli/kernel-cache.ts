import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Option } from 'commander';
import envPaths from 'env-paths';
import { type Tuning, type TuningOptions, tune } from '../../bench/tuner.js';
import { adapterKey, checkedChoices, choiceKey, type KernelChoices } from '../attention/kernel-choices.js';
import { createFolder, readText, writeWhole } from '../data/files.js';
import { hashOf, sortedEntries } from '../data/hash.js';
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

/** What a file of choices must end with: damage that leaves it readable would choose kernels that nobody compared. */
function checksumOf({ adapter, headDim, variants }: KernelChoices): string {
  return hashOf([adapter, headDim, sortedEntries(variants)]);
}

/** The choices that were kept for a device. A file that is damaged, or another's, counts as none. */
async function keptChoices(device: Device, headDim: number): Promise<KernelChoices | undefined> {
  const file = choicesFile(device, headDim);
  if (!existsSync(file)) return undefined;
  try {
    const json: unknown = JSON.parse(await readText(file));
    const choices = checkedChoices(json, file);
    const isOurs = choices.adapter === adapterKey(device) && choices.headDim === headDim;
    return isOurs && (json as { checksum?: unknown }).checksum === checksumOf(choices) ? choices : undefined;
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
  const choices = {
    ...chosen,
    variants: { ...(await keptChoices(device, options.headDim))?.variants, ...chosen.variants },
  };
  try {
    await createFolder(dirname(file));
    await writeWhole(file, `${JSON.stringify({ ...choices, checksum: checksumOf(choices) }, null, 2)}\n`);
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
  const kept = headDims.map((headDim) => keptChoices(device, headDim));
  return shouldTune ? (await Promise.all(kept)).filter((choices) => choices !== undefined) : [];
}

/** The choices for a device: none where not asked for, else those that were kept, else measured now and kept. */
export async function kernelsFor(
  device: Device,
  shouldTune: boolean,
  tuned: Tuned,
): Promise<KernelChoices | undefined> {
  if (!shouldTune) return undefined;
  const kept = await keptChoices(device, tuned.headDim);
  const isKept = (kind: Tuned['kinds'][number]) =>
    Object.hasOwn(kept?.variants ?? {}, choiceKey(kind, tuned.longest));
  if (kept && tuned.kinds.every(isKept)) return kept;
  note(
    `Measuring the variants of the kernels for heads of ${tuned.headDim}, once on this adapter (--no-tune does without).`,
  );
  const { choices } = await tuneAndKeep(device, tuned);
  return choices;
}
