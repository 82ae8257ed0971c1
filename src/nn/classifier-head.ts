import { paddedOutputs } from './model-config.js';
import { type Linear, linearBackward, linearForward } from './modules.js';
import { dropoutAt, type Pass } from './pass.js';
import { recordActivation, recordActivationBackward, recordDropout } from './pointwise.js';
import { type ModelFamily, tensorNames } from './tensor-names.js';

const ACTIVATIONS = {
  bert: { forward: 'layers/tanh_forward', backward: 'layers/tanh_backward' },
  distilbert: { forward: 'layers/relu_forward', backward: 'layers/relu_backward' },
} as const satisfies Record<ModelFamily, object>;

/** Saved activations of a classifier of texts, [rows, hidden]. */
export interface ClassifierActivations {
  pooled: GPUBuffer;
  dropped: GPUBuffer;
}

function linearsOf({ batch, config }: Pass): { pooler: Linear; classifier: Linear } {
  const { hidden } = config;
  const names = tensorNames(config.family);
  const shape = { rows: batch.rows, inputs: hidden };
  return {
    pooler: { name: names.pooler, shape: { outputs: hidden, ...shape } },
    classifier: { name: names.classifier, shape: { outputs: paddedOutputs(config), ...shape } },
  };
}

/**
 * Records classifier(drop(activation(pooler(gathered)))). The activation is tanh in BERT and ReLU in DistilBERT.
 * @param gathered [rows, hidden], the encoder's output at [CLS].
 */
export function recordClassifierHead(
  pass: Pass,
  gathered: GPUBuffer,
  logits: GPUBuffer,
): ClassifierActivations {
  const { recorder, config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const rows = { rows: batch.rows, hidden: config.hidden };
  const numbers = rows.rows * rows.hidden;
  const projected = workspace.floats('pooler output', numbers);
  const pooled = workspace.floats('pooled', numbers);
  const dropped = workspace.floats('pooled dropped', numbers);
  linearForward(pass, pooler, gathered, projected);
  const activation = { input: projected, output: pooled };
  recordActivation(recorder, ACTIVATIONS[config.family].forward, numbers, activation);
  const dropout = { input: pooled, output: dropped };
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.rowNumbers, dropout);
  linearForward(pass, classifier, dropped, logits);
  return { pooled, dropped };
}

/** Records the head's backward pass. @returns The gradient of `gathered`, [rows, hidden]. */
export function recordClassifierHeadBackward(
  pass: Pass,
  gathered: GPUBuffer,
  { pooled, dropped }: ClassifierActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const rows = { rows: batch.rows, hidden: config.hidden };
  const numbers = rows.rows * rows.hidden;
  const droppedGradient = workspace.floats('pooled dropped gradient', numbers);
  const pooledGradient = workspace.floats('pooled gradient', numbers);
  linearBackward(pass, classifier, dropped, logitsGradient, droppedGradient);
  const dropout = { input: droppedGradient, output: pooledGradient };
  recordDropout(recorder, rows, dropoutAt(pass, 'pooled'), batch.rowNumbers, dropout);
  const projectedGradient = workspace.floats('pooler output gradient', numbers);
  const gatheredGradient = workspace.floats('gathered gradient', numbers);
  recordActivationBackward(recorder, ACTIVATIONS[config.family].backward, numbers, {
    saved: pooled,
    outputGradient: pooledGradient,
    inputGradient: projectedGradient,
  });
  linearBackward(pass, pooler, gathered, projectedGradient, gatheredGradient);
  return gatheredGradient;
}
