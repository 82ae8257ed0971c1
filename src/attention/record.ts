import { type Dropout, dropoutParameters } from '../gpu/random.js';
import { foldedGrid, type Recorder } from '../gpu/recorder.js';
import type { PlanBuffers } from './plan-buffers.js';

/** The shape of an attention; tokens come from the plan. */
export interface AttentionShape {
  heads: number;
  /** 16 to 128, a multiple of 4. */
  headDim: number;
  /** What scores are multiplied by: 1 / √headDim in transformers. */
  scale: number;
  dropout?: Dropout;
}

/** Buffers of the forward pass: [tokens, heads, headDim], and `logSumExp` [tokens, heads], in the plan's order. */
export interface ForwardBuffers {
  query: GPUBuffer;
  key: GPUBuffer;
  value: GPUBuffer;
  output: GPUBuffer;
  logSumExp: GPUBuffer;
}

/** Buffers of the backward pass: those of the forward pass, as it left them, and the gradients, in the same layout. */
export interface BackwardBuffers extends ForwardBuffers {
  outputGradient: GPUBuffer;
  queryGradient: GPUBuffer;
  keyGradient: GPUBuffer;
  valueGradient: GPUBuffer;
}

function shapeParameters({ heads, headDim, scale, dropout }: AttentionShape) {
  return { heads, head_vectors: headDim / 4, scale, ...dropoutParameters(dropout) };
}

function sparseParameters({ plan, words }: PlanBuffers): Record<string, number> {
  if (plan.kind === 'dense') return {};
  const { labelsAt, tableAt } = words.at;
  return { labels_at: labelsAt, table_at: tableAt, table_stride: 0, label_count: plan.table!.size };
}

/** Records the forward pass: `output` and `logSumExp` are written. Rows that see no key get 0 and FORBIDDEN. */
export function recordForward(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: ForwardBuffers,
): void {
  const { buffer, at } = plan.words;
  const { constants, depth } = plan.family.queryPass(shape.headDim);
  recorder.dispatch({
    kernel: `attention_${plan.plan.kind}_forward${plan.family.suffix}`,
    constants,
    buffers: {
      query: buffers.query,
      key: buffers.key,
      value: buffers.value,
      plan: buffer,
      output: buffers.output,
      log_sum_exp: buffers.logSumExp,
    },
    parameters: {
      ...shapeParameters(shape),
      ...sparseParameters(plan),
      ranges_at: at.queryRangesAt,
      positions_at: at.positionsAt,
    },
    grid: [plan.plan.queryTiles.length, shape.heads, depth],
  });
}

/**
 * Records the backward pass: the gradients of queries, keys and values are written. With `dropout`, the stream must be
 * that of the forward pass.
 */
export function recordBackward(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: BackwardBuffers,
): void {
  const { buffer, at } = plan.words;
  const { kind, tokens, queryTiles, keyTiles } = plan.plan;
  const { heads, headDim } = shape;
  const statistics = plan.statistics(heads);
  recorder.dispatch({
    kernel: 'attention_statistics',
    buffers: {
      output: buffers.output,
      output_gradient: buffers.outputGradient,
      log_sum_exp: buffers.logSumExp,
      statistics,
    },
    parameters: { rows: tokens * heads, head_vectors: headDim / 4 },
    grid: foldedGrid(Math.ceil((tokens * heads) / 64)),
  });
  const inputs = {
    query: buffers.query,
    key: buffers.key,
    value: buffers.value,
    output_gradient: buffers.outputGradient,
    plan: buffer,
    statistics,
  };
  const parameters = { ...shapeParameters(shape), ...sparseParameters(plan), positions_at: at.positionsAt };
  const queryPass = plan.family.queryPass(headDim);
  recorder.dispatch({
    kernel: `attention_${kind}_backward_query${plan.family.suffix}`,
    constants: queryPass.constants,
    buffers: { ...inputs, query_gradient: buffers.queryGradient },
    parameters: { ...parameters, ranges_at: at.queryRangesAt },
    grid: [queryTiles.length, heads, queryPass.depth],
  });
  const keyPass = plan.family.keyPass(headDim);
  recorder.dispatch({
    kernel: `attention_${kind}_backward_key_value${plan.family.suffix}`,
    constants: keyPass.constants,
    buffers: { ...inputs, key_gradient: buffers.keyGradient, value_gradient: buffers.valueGradient },
    parameters: { ...parameters, tiles_at: at.keyTilesAt, ranges_at: at.keyRangesAt },
    grid: [keyTiles.length, heads, keyPass.depth],
  });
}

/**
 * Records the gradient of the bias table, [heads, tags, tags] by query tag, then key tag: for each pair of tags the sum
 * of dL/dS over all pairs of tokens that exist; 0 for others. It must follow `recordBackward` on the same plan.
 */
export function recordBiasGradient(
  recorder: Recorder,
  plan: PlanBuffers,
  shape: AttentionShape,
  buffers: BackwardBuffers & { biasGradient: GPUBuffer },
): void {
  const { heads } = shape;
  const { at } = plan.words;
  const {
    buffer: rectangles,
    tilesAt,
    rangesAt,
    pairsAt,
    entriesAt,
    rangeCount,
    tileCount,
  } = plan.rectangles;
  const partial = plan.rectangleSums(heads);
  recorder.dispatch({
    kernel: 'attention_bias_gradient',
    buffers: {
      query: buffers.query,
      key: buffers.key,
      value: buffers.value,
      output_gradient: buffers.outputGradient,
      plan: plan.words.buffer,
      rectangles,
      statistics: plan.statistics(heads),
      partial,
    },
    parameters: {
      ...shapeParameters(shape),
      ...sparseParameters(plan),
      positions_at: at.positionsAt,
      tiles_at: tilesAt,
      ranges_at: rangesAt,
      range_count: rangeCount,
    },
    grid: [tileCount, heads],
  });
  const pairCount = plan.plan.table!.size ** 2;
  recorder.dispatch({
    kernel: 'attention_bias_gradient_sum',
    buffers: { partial, rectangles, gradient: buffers.biasGradient },
    parameters: {
      heads,
      pair_count: pairCount,
      range_count: rangeCount,
      pairs_at: pairsAt,
      entries_at: entriesAt,
    },
    grid: [Math.ceil((heads * pairCount) / 64)],
  });
}
