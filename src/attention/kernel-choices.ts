import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { fields, positiveWhole, recordOf, text } from '../base/json-schemas.js';
import type { Device } from '../gpu/device.js';
import { LONGEST_SEQUENCE, type Plan } from '../plan/plan.js';
import type { ShapeOfTiles } from '../plan/tiles.js';
import { fastestFamily } from './families/families.js';
import { kernelVariants } from './kernel-variants.js';

/** Batches whose longest sequence has so many tokens at most share a choice: sentences, paragraphs, documents. */
export const LENGTH_CLASSES = [64, 512, LONGEST_SEQUENCE] as const;

/**
 * The variants that were measured to be the fastest, for one adapter with its driver and one head dimension. Sums are taken in
 * the order of the tiles: a run that is to give the same bits again needs the same choices.
 */
export interface KernelChoices {
  /** `adapterKey` of the device that was measured; on any other the choices are without effect. */
  adapter: string;
  headDim: number;
  /** The name of a variant, by kind of plan and longest sequence (`choiceKey`). */
  variants: Record<string, string>;
}

/** Names an adapter with its driver, and what of it the kernels depend on. */
export function adapterKey({ adapter, lanes }: Device): string {
  const { vendor, architecture, device, description } = adapter;
  return [vendor, architecture, device, description, lanes ? `${lanes} lanes` : '']
    .filter(Boolean)
    .join(', ');
}

/** Names a choice: "sparse, up to 512", say. */
export function choiceKey(kind: Plan['kind'], longest: number): string {
  return `${kind}, up to ${LENGTH_CLASSES.find((most) => longest <= most) ?? LONGEST_SEQUENCE}`;
}

const CHOICES = fields({ adapter: text, headDim: positiveWhole, variants: recordOf(text) });

/** Choices as a file holds them. @throws CallerError where it holds none. */
export function checkedChoices(json: unknown, file: string): KernelChoices {
  const { success, output } = v.safeParse(CHOICES, json, { abortEarly: true });
  if (success) {
    const { adapter, headDim, variants } = output;
    return { adapter, headDim, variants };
  }
  throw new CallerError({
    what: 'the choices of kernels cannot be read',
    where: file,
    expected: '{ "adapter": …, "headDim": …, "variants": { … } }, as `parsimony tune` writes them',
    remedy: 'remove them, and measure again with `parsimony tune`',
  });
}

/** The choices for a head dimension, if any of a list are. */
export function choicesFor(headDim: number, all: readonly KernelChoices[] = []): KernelChoices | undefined {
  return all.find((choices) => choices.headDim === headDim);
}

/** The tiles that a device's plans have: as was chosen for it, else those of the kernels that are expected to be fastest. */
export function tilesOn(device: Device, choices?: KernelChoices): ShapeOfTiles {
  const chosen = choices?.adapter === adapterKey(device) ? choices.variants : {};
  return (kind, lengths) => {
    let [longest, tokens] = [0, 0];
    for (let sequence = 0; sequence < lengths.length; sequence++) {
      longest = Math.max(longest, lengths[sequence]);
      tokens += lengths[sequence];
    }
    const name = chosen[choiceKey(kind, longest)];
    const variant = name && kernelVariants(device, kind, tokens).find((known) => known.name === name);
    return variant ? variant.tile : fastestFamily(device, tokens).tile;
  };
}
