import { CallerError } from '../base/errors.js';
import { createStorage, readFloats, upload } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { checkedLengths } from '../plan/layout.js';
import { Attention, type AttentionOptions, checkedConfig, type MaskedTokens } from './attention.js';
import { checkAttend } from './attention-arguments.js';

/** Queries, keys and values in the caller's token order, and the mask. */
export interface AttendOptions extends MaskedTokens, AttentionOptions {
  /** Queries, [tokens, heads, headDim]. */
  q: Float32Array;
  /** Keys, [tokens, heads, headDim]. */
  k: Float32Array;
  /** Values, [tokens, heads, headDim]. */
  v: Float32Array;
  /** Biases of strategy `learned`, [heads, tags, tags] by query tag, then key tag, in the order of the mask's tags. */
  bias?: Float32Array;
  /** The gradient of the loss with respect to the output, [tokens, heads, headDim]; the backward pass runs only with it. */
  outputGradient?: Float32Array;
}

/** What `attend` returns, in the caller's token order. */
export interface AttendResult {
  /** [tokens, heads, headDim]; 0 for a token that attends to none. */
  output: Float32Array;
  /** [tokens, heads], natural logarithm of the sum of exp(score); -1e30 for a token that attends to none. */
  logSumExp: Float32Array;
  /** The gradient of the queries, [tokens, heads, headDim], with an output gradient only. */
  dq?: Float32Array;
  /** The gradient of the keys, [tokens, heads, headDim], with an output gradient only. */
  dk?: Float32Array;
  /** The gradient of the values, [tokens, heads, headDim], with an output gradient only. */
  dv?: Float32Array;
  /**
   * Where the mask has rules: the gradient with respect to the bias of each (query tag, key tag) pair,
   * [heads, tags, tags], in the order of the mask's tags. The gradient with respect to β is its sum over the soft pairs.
   */
  dBias?: Float32Array;
}

/** The result with an output gradient. */
export type AttendGradients = AttendResult & Required<Pick<AttendResult, 'dq' | 'dk' | 'dv'>>;

/** Rows of `width` numbers, row i taken from row `order[i]`. */
function gatherRows(source: Float32Array, order: Uint32Array, width: number): Float32Array {
  const rows = new Float32Array(source.length);
  order.forEach((from, to) => {
    rows.set(source.subarray(from * width, (from + 1) * width), to * width);
  });
  return rows;
}

function checkLength(name: string, array: Float32Array | undefined, expected: number, shape: string): void {
  if (array && array.length !== expected) {
    throw new CallerError({
      what: `${array.length} numbers`,
      where: name,
      expected: `${expected} (${shape})`,
    });
  }
}

/**
 * Attention on host arrays: uploads, runs, reads back. It is for checks and small experiments; a model encodes on its buffers with
 * `Attention`.
 *
 * @throws CallerError where arrays, tokens, mask and configuration do not fit together; EngineError where the GPU fails.
 */
export function attend(
  device: Device,
  options: AttendOptions & { outputGradient: Float32Array },
): Promise<AttendGradients>;
export function attend(device: Device, options: AttendOptions): Promise<AttendResult>;
export async function attend(device: Device, options: AttendOptions): Promise<AttendResult> {
  checkAttend(device, options);
  const { q, k, v, outputGradient } = options;
  const { heads, headDim } = checkedConfig(options);
  const width = heads * headDim;
  if (q.length % width !== 0) {
    throw new CallerError({
      what: `${q.length} numbers`,
      where: 'q',
      expected: `a multiple of ${width} (${heads} heads x ${headDim})`,
    });
  }
  const tokens = options.tags?.length ?? q.length / width;
  const lengths = options.lengths ?? [tokens];
  checkedLengths(lengths, tokens);
  for (const [name, array] of Object.entries({ q, k, v, outputGradient })) {
    checkLength(name, array, tokens * width, `${tokens} tokens x ${heads} heads x ${headDim}`);
  }
  const attention = new Attention(device, { ...options, lengths }, heads);
  const tableSize = options.mask.hasLabels ? heads * attention.labels ** 2 : 0;
  checkLength('bias', options.bias, tableSize, `${heads} heads x tags x tags`);
  const buffers: GPUBuffer[] = [];
  const uploaded = (array: Float32Array, label: string) => {
    const buffer = upload(device, array, label);
    buffers.push(buffer);
    return buffer;
  };
  const sorted = (array: Float32Array, label: string) =>
    uploaded(gatherRows(array, attention.order, width), label);
  const empty = (floats: number, label: string) => {
    const buffer = createStorage(device, 4 * floats, label);
    buffers.push(buffer);
    return buffer;
  };
  const inCallersOrder = async (buffer: GPUBuffer, rowWidth: number) => {
    return gatherRows(await readFloats(device, buffer, tokens * rowWidth), attention.inverseOrder, rowWidth);
  };

  try {
    const forward = {
      query: sorted(q, 'q'),
      key: sorted(k, 'k'),
      value: sorted(v, 'v'),
      output: empty(q.length, 'output'),
      logSumExp: empty(tokens * heads, 'logSumExp'),
      ...(options.bias && { biasTable: uploaded(options.bias, 'bias') }),
    };
    const encoder = device.gpu.createCommandEncoder();
    attention.encodeForward(encoder, options, forward);
    const result: Partial<AttendResult> = {};
    if (outputGradient) {
      const backward = {
        ...forward,
        outputGradient: sorted(outputGradient, 'outputGradient'),
        queryGradient: empty(q.length, 'dq'),
        keyGradient: empty(q.length, 'dk'),
        valueGradient: empty(q.length, 'dv'),
        ...(tableSize > 0 && { biasGradient: empty(tableSize, 'dBias') }),
      };
      attention.encodeBackward(encoder, options, backward);
      device.submit(encoder);
      result.dq = await inCallersOrder(backward.queryGradient, width);
      result.dk = await inCallersOrder(backward.keyGradient, width);
      result.dv = await inCallersOrder(backward.valueGradient, width);
      if (backward.biasGradient) result.dBias = await readFloats(device, backward.biasGradient, tableSize);
    } else {
      device.submit(encoder);
    }
    const output = await inCallersOrder(forward.output, width);
    const logSumExp = await inCallersOrder(forward.logSumExp, heads);
    return { ...result, output, logSumExp };
  } finally {
    for (const buffer of buffers) device.release(buffer);
    attention.release();
  }
}
