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
import { anyMask } from '../plan/mask.js';
import { TOKENS } from '../plan/mask-tokens.js';

const kernels = options({ adapter: v.string('a text'), headDim: number, variants: options({}) });

/** The types of `MaskedTokens`; what they hold is checked where it is used. */
const PLAN = {
  mask: anyMask,
  ...TOKENS,
  kernels: v.optional(kernels),
};

const ATTEND = options({
  ...PLAN,
  q: numbers,
  k: numbers,
  v: numbers,
  bias: v.optional(numbers),
  outputGradient: v.optional(numbers),
});

const encoderArgument = objectWith<GPUCommandEncoder>('a GPUCommandEncoder', 'beginComputePass');
const buffer = objectWith<GPUBuffer>('a GPUBuffer, or a part of one', 'destroy');
const bound = v.union([options({ buffer }), buffer], 'a GPUBuffer, or a part of one');

/** @throws CallerError where these are no arguments for `attend`. */
export function checkAttend(onDevice: unknown, given: unknown): void {
  checkArgument(device, onDevice, 'device');
  checkArgument(ATTEND, given, 'options');
}

/** @throws CallerError where these are no arguments for an `Attention`. */
export function checkAttention(onDevice: unknown, given: unknown, heads: unknown): void {
  checkArgument(device, onDevice, 'device');
  const isPlan = typeof given === 'object' && given !== null && 'kind' in given;
  checkArgument(isPlan ? options({ order: arrayLike }) : options(PLAN), given, 'options');
  const expected = 'a positive integer';
  checkArgument(v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected)), heads, 'heads');
}

/** @throws CallerError where these are no arguments for encoding a pass. */
export function checkEncoding(encoder: unknown, given: unknown, buffers: unknown): void {
  checkArgument(encoderArgument, encoder, 'encoder');
  checkArgument(options({}), given, 'options');
  const needed = { query: bound, key: bound, value: bound, output: bound, logSumExp: bound };
  checkArgument(options(needed), buffers, 'buffers');
  checkArgument(v.record(v.string(), v.optional(bound)), buffers, 'buffers');
}
