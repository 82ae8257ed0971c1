import type { Tensor } from '../gpu/buffers.js';
import { logitsBlock } from './mlm-head.js';
import { outputsOf, paddedOutputs } from './model-config.js';
import { microBatchOf, type Pass } from './pass.js';

/**
 * Records the cross-entropy loss: the batch's share of the step's mean, to element `lossAt` of `losses`; after the first batch of a
 * step it is added.
 * @param logits Of the same pass, in blocks of `logitsBlock` columns.
 * @returns The gradient of the logits, in the same blocks.
 */
export function recordLoss(pass: Pass, logits: GPUBuffer, losses: Tensor, lossAt = 0): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const { rows } = batch;
  const { index, rows: stepRows } = microBatchOf(pass);
  const stride = paddedOutputs(config);
  const gradient = workspace.floats('logits gradient', rows * stride);
  const shares = workspace.floats('loss shares', rows);
  recorder.dispatch({
    kernel: 'layers/cross_entropy',
    buffers: { logits, labels: batch.labels, losses: shares, logits_gradient: gradient },
    parameters: {
      rows,
      step_rows: stepRows,
      classes: outputsOf(config),
      stride,
      block: logitsBlock(pass),
    },
    grid: recorder.folded(Math.ceil(rows / 64)),
  });
  recorder.dispatch({
    kernel: 'layers/loss_sum',
    buffers: { shares, losses },
    parameters: { rows, loss_at: lossAt, add: index > 0 ? 1 : 0 },
    grid: [1],
  });
  return gradient;
}
