import type { BufferSlice } from '../gpu/pipelines.js';
import { recordColumnSums } from './column-sums.js';
import { type LinearShape, recordLinear, recordLinearBackward } from './linear.js';
import { paddedClasses } from './model-config.js';
import { dropoutAt, type Pass, partOfStep } from './pass.js';
import { recordActivation, recordBackwardOfOutput, recordDropout, recordGather } from './pointwise.js';
import { type ModelFamily, tensorNames } from './tensor-names.js';

const ACTIVATIONS = {
  bert: { forward: 'layers/tanh_forward', backward: 'layers/tanh_backward' },
  distilbert: { forward: 'layers/relu_forward', backward: 'layers/relu_backward' },
} as const satisfies Record<ModelFamily, object>;

function shapes({ batch, config }: Pass): { pooler: LinearShape; classifier: LinearShape; numbers: number } {
  const rows = batch.sequences;
  return {
    pooler: { rows, inputs: config.hidden, outputs: config.hidden },
    classifier: { rows, inputs: config.hidden, outputs: paddedClasses(config) },
    numbers: rows * config.hidden,
  };
}

/**
 * Records classifier(drop(activation(pooler(hidden of [CLS])))) and returns the logits, [sequences, padded classes]: the
 * activation is tanh in BERT and ReLU in DistilBERT.
 * @param hidden [tokens, hidden], the encoder's output.
 */
export function recordHead(pass: Pass, hidden: GPUBuffer): GPUBuffer {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { pooler, classifier, numbers } = shapes(pass);
  const names = tensorNames(config.family);
  const first = workspace.floats('first tokens', numbers);
  const pooled = workspace.floats('pooled', numbers);
  const activated = workspace.floats('pooled activated', numbers);
  const dropped = workspace.floats('pooled dropped', numbers);
  const logits = workspace.floats('logits', classifier.rows * classifier.outputs);
  const rows = { rows: batch.sequences, hidden: config.hidden };
  recordGather(recorder, rows, { input: hidden, index: batch.firstTokens, output: first });
  recordLinear(recorder, workspace, pooler, {
    input: first,
    weight: parameters.slice(`${names.pooler}.weight`),
    bias: parameters.slice(`${names.pooler}.bias`),
    output: pooled,
  });
  recordActivation(recorder, ACTIVATIONS[config.family].forward, numbers, {
    input: pooled,
    output: activated,
  });
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.sequenceNumbers, {
    input: activated,
    output: dropped,
  });
  recordLinear(recorder, workspace, classifier, {
    input: dropped,
    weight: parameters.slice(`${names.classifier}.weight`),
    bias: parameters.slice(`${names.classifier}.bias`),
    output: logits,
  });
  return logits;
}

/**
 * Records the cross-entropy of the batch, its share of the mean over the step, into number `lossAt` of `losses`, and the
 * gradient of the logits.
 * @param logits From `recordHead` of the same pass.
 */
export function recordLoss(
  pass: Pass,
  logits: GPUBuffer,
  losses: GPUBuffer | BufferSlice,
  lossAt = 0,
): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const rows = batch.sequences;
  const stride = paddedClasses(config);
  const gradient = workspace.floats('logits gradient', rows * stride);
  const shares = workspace.floats('loss shares', rows);
  recorder.dispatch({
    kernel: 'layers/cross_entropy',
    buffers: { logits, labels: batch.labels, losses: shares, logits_gradient: gradient },
    parameters: { rows, step_rows: partOfStep(pass).rows, classes: config.classes, stride },
    grid: recorder.folded(Math.ceil(rows / 64)),
  });
  recordColumnSums(recorder, workspace, { rows, columns: 1 }, shares, losses, lossAt);
  return gradient;
}

/** Records the head's parameter gradients, and returns the gradient of the encoder's output, [tokens, hidden]. */
export function recordHeadBackward(pass: Pass, logitsGradient: GPUBuffer): GPUBuffer {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { pooler, classifier, numbers } = shapes(pass);
  const rows = { rows: batch.sequences, hidden: config.hidden };
  const names = tensorNames(config.family);
  const droppedGradient = workspace.floats('pooled dropped gradient', numbers);
  const activatedGradient = workspace.floats('pooled activated gradient', numbers);
  const pooledGradient = workspace.floats('pooled gradient', numbers);
  const firstGradient = workspace.floats('first tokens gradient', numbers);
  const hiddenGradient = workspace.floats('hidden gradient', batch.tokens * config.hidden);

  recordLinearBackward(recorder, workspace, classifier, {
    input: workspace.existing('pooled dropped'),
    weight: parameters.slice(`${names.classifier}.weight`),
    outputGradient: logitsGradient,
    inputGradient: droppedGradient,
    weightGradient: parameters.gradient(`${names.classifier}.weight`),
    biasGradient: parameters.gradient(`${names.classifier}.bias`),
  });
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.sequenceNumbers, {
    input: droppedGradient,
    output: activatedGradient,
  });
  recordBackwardOfOutput(recorder, ACTIVATIONS[config.family].backward, numbers, {
    output: workspace.existing('pooled activated'),
    outputGradient: activatedGradient,
    inputGradient: pooledGradient,
  });
  recordLinearBackward(recorder, workspace, pooler, {
    input: workspace.existing('first tokens'),
    weight: parameters.slice(`${names.pooler}.weight`),
    outputGradient: pooledGradient,
    inputGradient: firstGradient,
    weightGradient: parameters.gradient(`${names.pooler}.weight`),
    biasGradient: parameters.gradient(`${names.pooler}.bias`),
  });
  recordGather(
    recorder,
    { rows: batch.tokens, hidden: config.hidden },
    {
      input: firstGradient,
      index: batch.sequenceOfToken,
      output: hiddenGradient,
    },
  );
  return hiddenGradient;
}
