import type { Tensor } from '../gpu/buffers.js';
import { logitsBlock } from './mlm-head.js';
import { outputsOf, paddedOutputs } from './model-config.js';
import { microBatchOf, type Pass } from './pass.js';

/**
 * From this number of classes on, a workgroup of a GPU shares a row: one invocation would read all of a vocabulary. On software
 * adapters barriers cost more than that gains (SwiftShader: 2.5 times the processor time at 30,522 classes).
 */
const MANY_CLASSES = 256;

/**
 * Records the cross-entropy loss: the batch's share of the step's mean, to element `lossAt` of `losses`; after the first batch of a
 * step it is added.
 * @param logits Those of the same pass, in blocks of `logitsBlock` columns.
 * @returns The gradient of the logits, in the same blocks.
 */
export function recordLoss(pass: Pass, logits: GPUBuffer, losses: Tensor, lossAt = 0): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const { rows } = batch;
  const { index, rows: stepRows } = microBatchOf(pass);
  const stride = paddedOutputs(config);
  const classes = outputsOf(config);
  const isShared = classes >= MANY_CLASSES && !recorder.device.isSoftware;
  const gradient = workspace.floats('logits gradient', rows * stride);
  const shares = workspace.floats('loss shares', rows);
  recorder.dispatch({
    kernel: isShared ? 'layers/cross_entropy_shared' : 'layers/cross_entropy',
    buffers: { logits, labels: batch.labels, losses: shares, logits_gradient: gradient },
    parameters: {
      rows,
      step_rows: stepRows,
      classes,
      stride,
      block: logitsBlock(pass),
    },
    grid: recorder.folded(isShared ? rows : Math.ceil(rows / 64)),
  });
  recorder.dispatch({
    kernel: 'layers/loss_sum',
    buffers: { shares, losses },
    parameters: { rows, loss_at: lossAt, add: index > 0 ? 1 : 0 },
    grid: [1],
  });
  return gradient;
}
