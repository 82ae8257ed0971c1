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

/** The types of `MaskedTokens`. Their contents are checked where they are used. */
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

/** Checks the arguments of `attend`. @throws CallerError for a wrong one. */
export function checkAttend(deviceArgument: unknown, attendOptions: unknown): void {
  checkArgument(device, deviceArgument, 'device');
  checkArgument(ATTEND, attendOptions, 'options');
}

/** Checks the arguments of `Attention`. @throws CallerError for a wrong one. */
export function checkAttention(deviceArgument: unknown, input: unknown, heads: unknown): void {
  checkArgument(device, deviceArgument, 'device');
  const isPlan = typeof input === 'object' && input !== null && 'kind' in input;
  checkArgument(isPlan ? options({ order: arrayLike }) : options(PLAN), input, 'options');
  const expected = 'a positive integer';
  checkArgument(v.pipe(v.number(expected), v.integer(expected), v.minValue(1, expected)), heads, 'heads');
}

/** Checks the arguments of an encoded pass. @throws CallerError for a wrong one. */
export function checkEncoding(encoder: unknown, passOptions: unknown, buffers: unknown): void {
  checkArgument(encoderArgument, encoder, 'encoder');
  checkArgument(options({}), passOptions, 'options');
  const needed = { query: bound, key: bound, value: bound, output: bound, logSumExp: bound };
  checkArgument(options(needed), buffers, 'buffers');
  checkArgument(v.record(v.string(), v.optional(bound)), buffers, 'buffers');
}
