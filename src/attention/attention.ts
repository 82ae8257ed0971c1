import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import type { Precision } from '../base/precision.js';
import { randomStream } from '../base/random.js';
import type { Tensor } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import { Recorder } from '../gpu/recorder.js';
import type { Layout } from '../plan/layout.js';
import type { AttentionMask } from '../plan/mask.js';
import type { MaskTokens } from '../plan/mask-tokens.js';
import type { PairCounts } from '../plan/pair-counts.js';
import { inverseOf } from '../plan/tag-runs.js';
import { checkAttention, checkEncoding } from './attention-arguments.js';
import { DevicePlan } from './device-plan.js';
import { EncodedPasses } from './encoded-passes.js';
import { type KernelChoices, tilesOn } from './kernel-choices.js';
import type { AttentionConfig } from './passes.js';
import { type BackwardBuffers, type ForwardBuffers, recordBackward, recordForward } from './record.js';

/** The tokens of a packed batch, and which of them may attend to which. */
export interface MaskedTokens extends MaskTokens {
  /** Which pairs of tokens exist, and with which bias: from `AttentionMask.fromRules`, `window`, `causal` and others. */
  mask: AttentionMask;
  /** The fastest kernel variants, as measured on this adapter for the head dimension. */
  kernels?: KernelChoices;
  /**
   * The type of queries, keys, values and weights in products; f32 by default. f16 needs a device that was opened for it, and has no
   * number beyond 65,504: gradients should be of a scaled loss.
   */
  precision?: Precision;
}

/** Heads and head dimension, and the scale of the scores: 1 / √headDim by default. */
export interface AttentionOptions {
  /** Attention heads, 65,535 at most. */
  heads: number;
  /** Channels of a head: a multiple of 4 from 16 to 128. */
  headDim: number;
  /** The factor of the scores; 1 / √headDim by default. */
  scale?: number;
  /**
   * Dropout of attention probabilities: the probability with which one becomes 0, below 1, and a seed. The same seed drops the same pairs
   * under any mask and order, forward and backward.
   */
  dropout?: { probability: number; seed: number };
}

/** Workgroups that a dimension of a grid has on every adapter: one dimension counts heads. */
const MOST_HEADS = 65_535;

/** The configuration, with the default scale. @throws CallerError where the kernels do not support it. */
export function checkedConfig({ heads, headDim, scale, dropout }: AttentionOptions): AttentionConfig {
  if (!Number.isInteger(heads) || heads < 1)
    throw new CallerError({ what: `${describeValue(heads)} heads`, expected: 'a positive integer' });
  if (heads > MOST_HEADS)
    throw new CallerError({ what: `${heads} heads`, expected: `at most ${MOST_HEADS}` });
  if (!Number.isInteger(headDim) || headDim < 16 || headDim > 128 || headDim % 4 !== 0) {
    throw new CallerError({
      what: `head dimension ${describeValue(headDim)}`,
      expected: 'a multiple of 4 from 16 to 128',
    });
  }
  if (scale !== undefined && !Number.isFinite(scale)) {
    throw new CallerError({ what: `scale ${describeValue(scale)}`, expected: 'a finite number' });
  }
  const checked = { heads, headDim, scale: scale ?? 1 / Math.sqrt(headDim) };
  if (dropout === undefined) return checked;
  const { probability, seed } = dropout;
  if (!(probability >= 0 && probability < 1)) {
    const expected = 'a number of 0 or more, below 1';
    throw new CallerError({ what: `dropout ${describeValue(probability)}`, expected });
  }
  if (!Number.isInteger(seed) || seed < 0 || seed >= 2 ** 32) {
    const expected = 'a whole number from 0 to 2³² - 1';
    throw new CallerError({ what: `dropout with seed ${describeValue(seed)}`, expected });
  }
  return probability === 0 ? checked : { ...checked, dropout: { probability, stream: randomStream(seed) } };
}

function checkBuffers(
  buffers: object,
  { tokens, heads: plans }: Layout,
  { heads, headDim }: AttentionConfig,
): void {
  const { table } = plans[0];
  const entries = heads * (table ? table.size ** 2 : 0);
  const numbers: Record<string, number> = {
    logSumExp: tokens * heads,
    softmaxStatistics: 2 * tokens * heads,
    biasTable: entries,
    biasGradient: entries,
  };
  for (const [name, buffer] of Object.entries(buffers) as [string, GPUBuffer | BufferSlice | undefined][]) {
    const size = buffer && ('buffer' in buffer ? (buffer.size ?? buffer.buffer.size) : buffer.size);
    const bytes = 4 * (numbers[name] ?? tokens * heads * headDim);
    if (size !== undefined && size < bytes) {
      throw new CallerError({
        what: `${size} bytes`,
        where: `buffer ${name}`,
        expected: `at least ${bytes}`,
      });
    }
  }
  if (table?.learned && !('biasTable' in buffers && buffers.biasTable)) {
    throw new CallerError({
      what: 'strategy "learned" without a buffer "biasTable"',
      expected: 'its biases',
    });
  }
  const listed = plans.flatMap((each) => each.heads ?? []);
  if (listed.length > 0 && listed.length !== heads) {
    throw new CallerError({ what: `rules for ${listed.length} heads`, expected: `${heads}` });
  }
}

/**
 * Attention over one packed batch, on the caller's buffers and in the caller's command encoder. Nothing is read back.
 *
 * Tokens are in the layout's order: `order[i]` is the caller's index of the i-th token. A model sorts its token ids once; nothing is
 * permuted afterwards.
 */
export class Attention {
  private readonly plan: DevicePlan;
  private readonly passes: EncodedPasses;

  /**
   * @param options Tokens and their mask, or a layout for the tiles of this device.
   * @param heads Heads that have a learned table; only strategy `learned` needs it.
   * @throws CallerError where tokens and mask do not fit together, or the device was not opened for the precision.
   */
  constructor(
    private readonly device: Device,
    options: MaskedTokens | Layout,
    heads = 1,
  ) {
    checkAttention(device, options, heads);
    this.plan = new DevicePlan(device);
    this.passes = new EncodedPasses(device);
    const layout =
      'kind' in options
        ? options
        : options.mask.layout(options, tilesOn(device, options.kernels, options.precision));
    this.plan.write(layout, heads);
  }

  /** Tokens of the packed batch, all sequences together. */
  get tokens(): number {
    return this.plan.layout.tokens;
  }

  /** For each token in the layout's order, its index in the caller's order. */
  get order(): Uint32Array {
    return this.plan.layout.order;
  }

  /** For each token in the caller's order, its index in the layout's order. */
  get inverseOrder(): Uint32Array {
    return inverseOf(this.order);
  }

  /** The number of labels of the plan, mostly tags; 0 for dense attention. */
  get labels(): number {
    return this.plan.layout.heads[0].table?.size ?? 0;
  }

  /** Useful, executed and dense pairs, per head. */
  get pairCounts(): PairCounts {
    return this.plan.layout.pairCounts;
  }

  /**
   * Encodes the forward pass: writes `output` and `logSumExp`.
   * @throws CallerError where the configuration is not supported or a buffer is too small.
   */
  encodeForward(encoder: GPUCommandEncoder, options: AttentionOptions, buffers: ForwardBuffers): void {
    this.encode(encoder, options, buffers, buffers?.output, (recorder, config) =>
      recordForward(recorder, this.plan, config, buffers),
    );
  }

  /**
   * Encodes the backward pass, after the forward pass: writes the gradients of query, key and value, and, with a buffer for it and a
   * sparse mask, of the bias table, [heads, tags, tags].
   * @throws CallerError where the configuration is not supported or a buffer is too small.
   */
  encodeBackward(encoder: GPUCommandEncoder, options: AttentionOptions, buffers: BackwardBuffers): void {
    this.encode(encoder, options, buffers, buffers?.queryGradient, (recorder, config) =>
      recordBackward(recorder, this.plan, config, buffers),
    );
  }

  /** @param written A buffer that the pass writes, and no other pass of this plan. */
  private encode(
    encoder: GPUCommandEncoder,
    options: AttentionOptions,
    buffers: ForwardBuffers,
    written: Tensor,
    record: (recorder: Recorder, config: AttentionConfig) => void,
  ): void {
    const pass = { options, buffers: buffers as ForwardBuffers & Record<string, GPUBuffer> };
    let recording = options && this.passes.find(written, pass);
    if (!recording || !encoder?.beginComputePass) {
      checkEncoding(encoder, options, buffers);
      const config = checkedConfig(options);
      checkBuffers(buffers, this.plan.layout, config);
      recording = this.passes.record(written, pass, () => {
        const recorder = new Recorder(this.device);
        record(recorder, config);
        return recorder.recording();
      });
    }
    recording.encode(encoder);
  }

  /** Destroys the buffers of the plan. */
  release(): void {
    this.plan.release();
  }
}
