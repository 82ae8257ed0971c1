import type { Tensor } from '../gpu/buffers.js';
import { recordColumnSums } from './column-sums.js';
import { paddedClasses } from './model-config.js';
import { type Linear, linearBackward, linearForward } from './modules.js';
import { dropoutAt, microBatchOf, type Pass } from './pass.js';
import { recordActivation, recordActivationBackward, recordDropout, recordGather } from './pointwise.js';
import { type ModelFamily, tensorNames } from './tensor-names.js';

const ACTIVATIONS = {
  bert: { forward: 'layers/tanh_forward', backward: 'layers/tanh_backward' },
  distilbert: { forward: 'layers/relu_forward', backward: 'layers/relu_backward' },
} as const satisfies Record<ModelFamily, object>;

/** Saved activations of the head, [sequences, hidden] except the logits. */
export interface HeadActivations {
  /** The encoder's output at [CLS]. */
  firstTokens: GPUBuffer;
  pooled: GPUBuffer;
  dropped: GPUBuffer;
  /** [sequences, padded classes] */
  logits: GPUBuffer;
}

function linearsOf({ batch, config }: Pass): { pooler: Linear; classifier: Linear } {
  const { hidden } = config;
  const names = tensorNames(config.family);
  const shape = { rows: batch.sequences, inputs: hidden };
  return {
    pooler: { name: names.pooler, shape: { outputs: hidden, ...shape } },
    classifier: { name: names.classifier, shape: { outputs: paddedClasses(config), ...shape } },
  };
}

/**
 * Records classifier(drop(activation(pooler(hidden of [CLS])))). The activation is tanh in BERT and ReLU in DistilBERT.
 * @param hidden [tokens, hidden], the encoder's output.
 */
export function recordHead(pass: Pass, hidden: GPUBuffer): HeadActivations {
  const { recorder, config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const rows = { rows: batch.sequences, hidden: config.hidden };
  const numbers = rows.rows * rows.hidden;
  const firstTokens = workspace.floats('first tokens', numbers);
  const projected = workspace.floats('pooler output', numbers);
  const pooled = workspace.floats('pooled', numbers);
  const dropped = workspace.floats('pooled dropped', numbers);
  const logits = workspace.floats('logits', batch.sequences * classifier.shape.outputs);
  recordGather(recorder, rows, { input: hidden, index: batch.firstTokens, output: firstTokens });
  linearForward(pass, pooler, firstTokens, projected);
  const activation = { input: projected, output: pooled };
  recordActivation(recorder, ACTIVATIONS[config.family].forward, numbers, activation);
  const dropout = { input: pooled, output: dropped };
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.sequenceNumbers, dropout);
  linearForward(pass, classifier, dropped, logits);
  return { firstTokens, pooled, dropped, logits };
}

/**
 * Records the cross-entropy loss: the batch's share of the step's mean, to element `lossAt` of `losses`.
 * @param logits From `recordHead` of the same pass.
 * @returns The gradient of the logits.
 */
export function recordLoss(pass: Pass, logits: GPUBuffer, losses: Tensor, lossAt = 0): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const rows = batch.sequences;
  const stride = paddedClasses(config);
  const gradient = workspace.floats('logits gradient', rows * stride);
  const shares = workspace.floats('loss shares', rows);
  recorder.dispatch({
    kernel: 'layers/cross_entropy',
    buffers: { logits, labels: batch.labels, losses: shares, logits_gradient: gradient },
    parameters: { rows, step_rows: microBatchOf(pass).rows, classes: config.classes, stride },
    grid: recorder.folded(Math.ceil(rows / 64)),
  });
  recordColumnSums(recorder, workspace, { rows, columns: 1 }, shares, losses, lossAt);
  return gradient;
}

/** Records the head's backward pass. @returns The gradient of the encoder's output, [tokens, hidden]. */
export function recordHeadBackward(
  pass: Pass,
  { firstTokens, pooled, dropped }: HeadActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const rows = { rows: batch.sequences, hidden: config.hidden };
  const numbers = rows.rows * rows.hidden;
  const droppedGradient = workspace.floats('pooled dropped gradient', numbers);
  const pooledGradient = workspace.floats('pooled gradient', numbers);
  const projectedGradient = workspace.floats('pooler output gradient', numbers);
  const firstGradient = workspace.floats('first tokens gradient', numbers);
  const hiddenGradient = workspace.floats('hidden gradient', batch.tokens * config.hidden);
  linearBackward(pass, classifier, dropped, logitsGradient, droppedGradient);
  const dropout = { input: droppedGradient, output: pooledGradient };
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.sequenceNumbers, dropout);
  recordActivationBackward(recorder, ACTIVATIONS[config.family].backward, numbers, {
    saved: pooled,
    outputGradient: pooledGradient,
    inputGradient: projectedGradient,
  });
  linearBackward(pass, pooler, firstTokens, projectedGradient, firstGradient);
  recordGather(
    recorder,
    { rows: batch.tokens, hidden: config.hidden },
    { input: firstGradient, index: batch.sequenceOfToken, output: hiddenGradient },
  );
  return hiddenGradient;
}
