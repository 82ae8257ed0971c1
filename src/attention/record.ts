import type { Tensor } from '../gpu/buffers.js';
import type { Recorder } from '../gpu/recorder.js';
import type { DevicePlan } from './device-plan.js';
import {
  type AttentionConfig,
  AttentionRecorder,
  BACKWARD_KEY_VALUE,
  BACKWARD_QUERY,
  FORWARD,
} from './passes.js';

/** Buffers of the forward pass: [tokens, heads, headDim], and `logSumExp` [tokens, heads], in the layout's order. */
export interface ForwardBuffers {
  /** Queries, [tokens, heads, headDim], in the layout's order. */
  query: Tensor;
  /** Keys, as `query`. */
  key: Tensor;
  /** Values, as `query`. */
  value: Tensor;
  /** The weighted sums of values, [tokens, heads, headDim]; written by the forward pass. */
  output: GPUBuffer;
  /** The logarithm of each row's sum of exp(score), [tokens, heads]; written by the forward pass. */
  logSumExp: GPUBuffer;
  /**
   * Row maxima m and log l, [tokens, heads, 2], whose sum is `logSumExp`; the backward pass computes probabilities from them. By default
   * the plan saves those of its last forward pass. A backward pass of another forward pass uses `logSumExp` instead, which is less
   * accurate where scores are large.
   */
  softmaxStatistics?: GPUBuffer;
  /** Biases of strategy `learned`, [heads, tags, tags] by query tag, then key tag. */
  biasTable?: Tensor;
}

/** Buffers of the backward pass: those of the forward pass, unchanged, and the gradients, in the same layout. */
export interface BackwardBuffers extends ForwardBuffers {
  /** The gradient of the output, which is read. */
  outputGradient: GPUBuffer;
  /** The gradient of the queries, which is written. */
  queryGradient: Tensor;
  /** The gradient of the keys, which is written. */
  keyGradient: Tensor;
  /** The gradient of the values, which is written. */
  valueGradient: Tensor;
  /** The gradient of the bias table, [heads, tags, tags], of a sparse plan. */
  biasGradient?: Tensor;
}

/** Records the forward pass: it writes `output` and `logSumExp`. Rows that attend to no key get 0 and FORBIDDEN. */
export function recordForward(
  recorder: Recorder,
  plan: DevicePlan,
  config: AttentionConfig,
  buffers: ForwardBuffers,
  counting = false,
): void {
  const { query, key, value, output, logSumExp } = buffers;
  const attention = new AttentionRecorder(recorder, plan, config, counting);
  attention.learn(buffers.biasTable);
  attention.pass(FORWARD, {
    output,
    log_sum_exp: logSumExp,
    softmax_statistics: softmaxStatistics(plan, config, buffers),
    ...attention.operands({ query, key, value }),
  });
}

/**
 * Records the backward pass: it writes the gradients of queries, keys and values, and of the bias table: for each pair of tags the sum
 * of dL/dS over all pairs of tokens that exist. With `dropout`, the stream must be that of the forward pass.
 */
export function recordBackward(
  recorder: Recorder,
  plan: DevicePlan,
  config: AttentionConfig,
  buffers: BackwardBuffers,
  counting = false,
): void {
  const { query, key, value, outputGradient, queryGradient, keyGradient, valueGradient } = buffers;
  const attention = new AttentionRecorder(recorder, plan, config, counting);
  attention.learn(buffers.biasTable);
  const statistics = recordStatistics(recorder, plan, config, buffers);
  const inputs = {
    statistics,
    ...attention.operands({ query, key, value, output_gradient: outputGradient }),
  };
  const table = plan.layout.heads[0].table;
  const biasGradient = table && !counting ? buffers.biasGradient : undefined;
  const labelNumbers = biasGradient ? plan.layout.tokens * config.heads * table!.size : 1;
  const labelGradients = table && plan.temporary(biasGradient ? 'label gradients' : 'nothing', labelNumbers);
  attention.pass(
    BACKWARD_QUERY,
    {
      query_gradient: queryGradient,
      ...(labelGradients && { label_gradients: labelGradients }),
      ...inputs,
    },
    table ? { BIAS_GRADIENT: biasGradient ? 1 : 0 } : {},
    biasGradient ? table!.size : 0,
  );
  attention.pass(BACKWARD_KEY_VALUE, {
    key_gradient: keyGradient,
    value_gradient: valueGradient,
    ...inputs,
  });
  if (biasGradient) recordBiasGradient(recorder, plan, config.heads, labelGradients!, biasGradient);
}

/** The buffer of m and log l of every row: the caller's or the plan's. */
function softmaxStatistics(
  plan: DevicePlan,
  { heads }: AttentionConfig,
  { softmaxStatistics: buffer }: ForwardBuffers,
): GPUBuffer {
  return buffer ?? plan.temporary(`softmax statistics of ${heads} heads`, 2 * plan.layout.tokens * heads);
}

/** Records m, log l and Δ of every row, and returns them. */
function recordStatistics(
  recorder: Recorder,
  plan: DevicePlan,
  config: AttentionConfig,
  buffers: BackwardBuffers,
): GPUBuffer {
  const { heads, headDim } = config;
  const { output, outputGradient, logSumExp } = buffers;
  const rows = plan.layout.tokens * heads;
  const statistics = plan.temporary(`statistics of ${heads} heads`, 4 * rows);
  recorder.dispatch({
    kernel: 'attention/statistics',
    ...(plan.family.roundsOperands && { constants: { ROUNDED: 1 } }),
    buffers: {
      output,
      output_gradient: outputGradient,
      log_sum_exp: logSumExp,
      softmax_statistics: softmaxStatistics(plan, config, buffers),
      statistics,
    },
    parameters: { rows, head_vectors: headDim / 4 },
    grid: recorder.folded(Math.ceil(rows / 64)),
  });
  return statistics;
}

/** Records the sums of each row's label gradients over all rows of a tag: chunks first, then their sums, in a fixed order. */
function recordBiasGradient(
  recorder: Recorder,
  plan: DevicePlan,
  heads: number,
  labelGradients: GPUBuffer,
  gradient: Tensor,
): void {
  const { buffer: chunks, count, chunksAt, tagsAt, entriesAt } = plan.chunks;
  const labels = plan.layout.heads[0].table!.size;
  const width = heads * labels;
  const partial = plan.temporary('sums of chunks', count * width);
  recorder.dispatch({
    kernel: 'attention/bias_chunks',
    buffers: { label_gradients: labelGradients, chunks, partial },
    parameters: { width, chunks_at: chunksAt, chunk_count: count },
    grid: recorder.foldedRows(Math.ceil(width / 64), count),
  });
  recorder.dispatch({
    kernel: 'attention/bias_gradient',
    buffers: { partial, chunks, gradient },
    parameters: { heads, label_count: labels, tags_at: tagsAt, entries_at: entriesAt },
    grid: recorder.folded(Math.ceil((width * labels) / 64)),
  });
}
