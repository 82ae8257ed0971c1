import * as v from 'valibot';
import { CallerError } from '../base/errors.js';
import { fields, finite, notNegative, positiveWhole, recordOf, text } from '../base/json-schemas.js';
import type { Precision } from '../base/precision.js';
import type { Device } from '../gpu/device.js';
import { type Layout, LONGEST_SEQUENCE } from '../plan/layout.js';
import type { Machine } from '../plan/machine.js';
import type { TileChooser, TileConfig } from '../plan/tiles.js';
import { familiesOn, fastestFamily } from './families/families.js';
import type { KernelFamily } from './families/family.js';

/** A way to run attention: the tiles of its plans, and the family of kernels. */
export interface KernelVariant {
  /** The family, the rows of a tile and, for sparse plans, the assumed cost of a tile. */
  name: string;
  tile: TileConfig;
}

/**
 * Assumed costs of a tile beside its pairs, in pairs. With a higher cost, more tag runs share a tile and a mask, instead of having
 * separate tiles.
 */
const TILE_COSTS = [64, 256, 1024];

function variant(family: string, kind: Layout['kind'], tile: TileConfig): KernelVariant {
  const cost = kind === 'dense' ? '' : `, cost ${tile.tileCost}`;
  return { name: `${family}, ${tile.rows} rows${cost}`, tile };
}

/**
 * Every variant that a device runs for a kind of plan, each once. The first one runs where nothing was measured.
 * @param machine The device as it was measured: on a GPU, every variant is also planned for it instead of for a typical GPU.
 */
export function kernelVariants(
  device: Device,
  kind: Layout['kind'],
  tokens = 0,
  machine?: Machine,
): KernelVariant[] {
  const families = familiesOn(device, tokens);
  const { name, tile } = families[0];
  const costs = kind === 'dense' ? [tile.tileCost] : TILE_COSTS;
  const variants = [variant(name, kind, tile)];
  for (const tileCost of costs) variants.push(variant(name, kind, { ...tile, tileCost }));
  // A software adapter takes minutes to compile the kernels of GPUs, and they have never won there.
  for (const family of device.isSoftware ? families.slice(0, 1) : families)
    for (const rows of family.heights) variants.push(variant(family.name, kind, { ...family.tile, rows }));
  const typical = variants.filter(
    (each, index) => variants.findIndex((other) => other.name === each.name) === index,
  );
  const forMachine = typical.flatMap(({ name, tile }) =>
    machine && tile.machine ? { name: `${name}, measured machine`, tile: { ...tile, machine } } : [],
  );
  return [...typical, ...forMachine];
}

/** Batches whose longest sequence is in the same class share a choice: sentences, paragraphs, documents. */
export const LENGTH_CLASSES = [64, 512, LONGEST_SEQUENCE] as const;

/**
 * The fastest variants, as measured for one adapter with its driver and one head dimension. Sums are in the order of the tiles: a run
 * reproduces the bits of another only with the same choices.
 */
export interface KernelChoices {
  /** `adapterKey` of the measured device. On any other device the choices have no effect. */
  adapter: string;
  /** The head dimension for which the variants were measured. */
  headDim: number;
  /** The name of a variant, by kind of plan and longest sequence (`choiceKey`). */
  variants: Record<string, string>;
  /** The GPU as it was measured, for the variants that are planned for it. */
  machine?: Machine;
}

/** The name of an adapter with its driver, and the properties on which the kernels depend. */
export function adapterKey({ adapter, lanes }: Device): string {
  const { vendor, architecture, device, description } = adapter;
  return [vendor, architecture, device, description, lanes ? `${lanes} lanes` : '']
    .filter(Boolean)
    .join(', ');
}

/** The name of a choice, such as "sparse, up to 512". */
export function choiceKey(kind: Layout['kind'], longest: number): string {
  return `${kind}, up to ${LENGTH_CLASSES.find((most) => longest <= most) ?? LONGEST_SEQUENCE}`;
}

const STEPS = fields({ resident: positiveWhole, alone: notNegative, busy: notNegative });
const MACHINE = fields({
  multiprocessors: positiveWhole,
  launch: notNegative,
  start: notNegative,
  steps: fields({ 32: STEPS, 16: STEPS }),
  combine: notNegative,
  bandwidth: v.pipe(finite, v.gtValue(0, 'a number over 0')),
});
const CHOICES = fields({
  adapter: text,
  headDim: positiveWhole,
  variants: recordOf(text),
  machine: v.optional(MACHINE),
});

/** The choices of a file, checked. @throws CallerError where they are invalid. */
export function checkedChoices(json: unknown, file: string): KernelChoices {
  const { success, output } = v.safeParse(CHOICES, json, { abortEarly: true });
  if (success) {
    const { adapter, headDim, variants, machine } = output;
    return { adapter, headDim, variants, ...(machine && { machine }) };
  }
  throw new CallerError({
    what: 'the choices of kernels cannot be read',
    where: file,
    expected: '{ "adapter": …, "headDim": …, "variants": { … } }, as `parsimony tune` writes them',
    remedy: 'remove them, and measure again with `parsimony tune`',
  });
}

/** The choices for a head dimension, or undefined. */
export function choicesFor(headDim: number, all: readonly KernelChoices[] = []): KernelChoices | undefined {
  return all.find((choices) => choices.headDim === headDim);
}

/**
 * The most tokens of a batch, and of a sequence in it, that get the tiles of short texts: tiles of 32 rows would be too few.
 * Dense attention has more steps in a tile, and so fills a GPU with fewer of them.
 */
const SHORT: Readonly<Record<Layout['kind'], { tokens: number; longest: number }>> = {
  dense: { tokens: 512, longest: 256 },
  sparse: { tokens: 1024, longest: 1023 },
};

/**
 * The same for tiles whose columns are one range: a GPU then waits for the steps of [CLS], which has all columns, and a step over one range is
 * shorter.
 */
const SHORTEST = { tokens: 1024, longest: 128 };

/**
 * The tiles of a family that are expected to be the fastest for sequences of these lengths.
 * @param isFull A sparse plan has every pair, as a dense one.
 */
export function expectedTiles(
  family: KernelFamily,
  kind: Layout['kind'],
  lengths: ArrayLike<number>,
  isFull = false,
): TileConfig {
  const { longest, tokens } = sizeOf(lengths);
  const short = SHORT[isFull ? 'dense' : kind];
  const isShort = tokens <= short.tokens && longest <= short.longest;
  const isShortest = tokens <= SHORTEST.tokens && longest <= SHORTEST.longest;
  if (kind === 'sparse' && !isFull && isShortest && family.shortestTile) return family.shortestTile;
  return isShort ? family.shortTile : family.tile;
}

function sizeOf(lengths: ArrayLike<number>): { longest: number; tokens: number } {
  let [longest, tokens] = [0, 0];
  for (let sequence = 0; sequence < lengths.length; sequence++) {
    longest = Math.max(longest, lengths[sequence]);
    tokens += lengths[sequence];
  }
  return { longest, tokens };
}

/**
 * The tiles of a device's plans: those of its choices, else of the kernels that are expected to be the fastest. Choices are of f32.
 * @throws CallerError for precision f16, where the device was not opened for it.
 */
export function tilesOn(device: Device, choices?: KernelChoices, precision: Precision = 'f32'): TileChooser {
  if (precision === 'f16') {
    const family = fastestFamily(device, 0, 'f16');
    return (kind, lengths, isFull) => expectedTiles(family, kind, lengths, isFull);
  }
  const { variants: chosen = {}, machine } = choices?.adapter === adapterKey(device) ? choices : {};
  return (kind, lengths, isFull) => {
    const { longest, tokens } = sizeOf(lengths);
    const name = chosen[choiceKey(kind, longest)];
    const variant = name && kernelVariants(device, kind, tokens, machine).find((each) => each.name === name);
    return variant ? variant.tile : expectedTiles(fastestFamily(device, tokens), kind, lengths, isFull);
  };
}
