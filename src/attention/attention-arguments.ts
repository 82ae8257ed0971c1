import * as v from 'valibot';
import {
  arrayLike,
  checkArgument,
  device,
  number,
  numbers,
  objectWith,
  options,
} from '../base/argument-schemas.js';
import { precision } from '../base/precision.js';
import { anyMask } from '../plan/mask.js';
import { TOKENS } from '../plan/mask-tokens.js';

/** The type of `KernelChoices`. The variants are checked where they are used. */
export const kernels = options({
  adapter: v.string('a text'),
  headDim: number,
  variants: options({}),
  machine: v.optional(options({})),
});

/** The types of `MaskedTokens`. Their contents are checked where they are used. */
const MASKED_TOKENS = {
  mask: anyMask,
  ...TOKENS,
  kernels: v.optional(kernels),
  precision: v.optional(precision),
};

/** The options of an `Attention`: a layout, or tokens and their mask. */
const LAYOUT = options({ order: arrayLike });
const PLAN = options(MASKED_TOKENS);

const COUNT = 'a positive integer';
const HEADS = v.pipe(v.number(COUNT), v.integer(COUNT), v.minValue(1, COUNT));

/** Its numbers are checked where they are used. */
const dropout = options({ probability: number, seed: number });

const ATTEND = options({
  ...MASKED_TOKENS,
  q: numbers,
  k: numbers,
  v: numbers,
  bias: v.optional(numbers),
  dropout: v.optional(dropout),
  outputGradient: v.optional(numbers),
});

const encoderArgument = objectWith<GPUCommandEncoder>('a GPUCommandEncoder', 'beginComputePass');
const buffer = objectWith<GPUBuffer>('a GPUBuffer, or a part of one', 'destroy');
const bound = v.union([options({ buffer }), buffer], 'a GPUBuffer, or a part of one');

// Built once: passes are encoded in every step.
const PASS_OPTIONS = options({ dropout: v.optional(dropout) });
const REQUIRED_BUFFERS = options({ query: bound, key: bound, value: bound, output: bound, logSumExp: bound });
const ANY_BUFFERS = v.record(v.string(), v.optional(bound));

/** Checks the arguments of `attend`. @throws CallerError for a wrong one. */
export function checkAttend(deviceArgument: unknown, attendOptions: unknown): void {
  checkArgument(device, deviceArgument, 'device');
  checkArgument(ATTEND, attendOptions, 'options');
}

/** Checks the arguments of `Attention`. @throws CallerError for a wrong one. */
export function checkAttention(deviceArgument: unknown, input: unknown, heads: unknown): void {
  checkArgument(device, deviceArgument, 'device');
  const isLayout = typeof input === 'object' && input !== null && 'kind' in input;
  checkArgument(isLayout ? LAYOUT : PLAN, input, 'options');
  checkArgument(HEADS, heads, 'heads');
}

/** Checks the arguments of an encoded pass. @throws CallerError for a wrong one. */
export function checkEncoding(encoder: unknown, passOptions: unknown, buffers: unknown): void {
  checkArgument(encoderArgument, encoder, 'encoder');
  checkArgument(PASS_OPTIONS, passOptions, 'options');
  checkArgument(REQUIRED_BUFFERS, buffers, 'buffers');
  checkArgument(ANY_BUFFERS, buffers, 'buffers');
}
