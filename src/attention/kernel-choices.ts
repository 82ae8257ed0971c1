import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { fields, positiveWhole, recordOf, text } from '../base/json-schemas.js';
import type { Device } from '../gpu/device.js';
import { type Layout, LONGEST_SEQUENCE } from '../plan/layout.js';
import type { TileChooser, TileConfig } from '../plan/tiles.js';
import { familiesOn, fastestFamily } from './families/families.js';

/** A way to run attention: the tiles that plans are cut into, and with them the family of kernels. */
export interface KernelVariant {
  /** The family, the rows of a tile and, where it steers the plan, what a tile is said to cost. */
  name: string;
  tile: TileConfig;
}

/**
 * What a tile is said to cost beside its pairs, in pairs. The more, the sooner runs share a tile, and their pairs are tested
 * one by one, instead of having tiles of their own.
 */
const TILE_COSTS = [64, 256, 1024];

function variant(family: string, kind: Layout['kind'], tile: TileConfig): KernelVariant {
  const cost = kind === 'dense' ? '' : `, cost ${tile.tileCost}`;
  return { name: `${family}, ${tile.rows} rows${cost}`, tile };
}

/** Every variant that a device runs for plans of a kind, each once; the first is what runs where nothing was measured. */
export function kernelVariants(device: Device, kind: Layout['kind'], tokens = 0): KernelVariant[] {
  const families = familiesOn(device, tokens);
  const { name, tile } = families[0];
  const costs = kind === 'dense' ? [tile.tileCost] : TILE_COSTS;
  const all = [variant(name, kind, tile)];
  for (const tileCost of costs) all.push(variant(name, kind, { ...tile, tileCost }));
  // A software adapter takes minutes to compile the kernels of GPUs, and they have never won there.
  for (const family of device.isSoftware ? families.slice(0, 1) : families)
    for (const rows of family.heights) all.push(variant(family.name, kind, { ...family.tile, rows }));
  return all.filter((each, index) => all.findIndex((other) => other.name === each.name) === index);
}

/** Batches whose longest sequence is in the same class share a choice: sentences, paragraphs, documents. */
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
export function choiceKey(kind: Layout['kind'], longest: number): string {
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
export function tilesOn(device: Device, choices?: KernelChoices): TileChooser {
  const chosen = choices?.adapter === adapterKey(device) ? choices.variants : {};
  return (kind, lengths) => {
    let [longest, tokens] = [0, 0];
    for (let sequence = 0; sequence < lengths.length; sequence++) {
      longest = Math.max(longest, lengths[sequence]);
      tokens += lengths[sequence];
    }
    const name = chosen[choiceKey(kind, longest)];
    const variant = name && kernelVariants(device, kind, tokens).find((each) => each.name === name);
    return variant ? variant.tile : fastestFamily(device, tokens).tile;
  };
}
