import { paddedOutputs } from './model-config.js';
import { type Linear, linearBackward, linearForward } from './modules.js';
import { dropoutAt, type Pass } from './pass.js';
import { recordActivation, recordActivationBackward, recordDropout } from './pointwise.js';
import { type ModelFamily, tensorNames } from './tensor-names.js';

const ACTIVATIONS = {
  bert: { forward: 'layers/tanh_forward', backward: 'layers/tanh_backward' },
  distilbert: { forward: 'layers/relu_forward', backward: 'layers/relu_backward' },
} as const satisfies Record<ModelFamily, object>;

/** Saved activations of a classifier of texts or tokens, [rows, hidden]. */
export interface ClassifierActivations {
  /** What is dropped: the pooler's output, or without a pooler the gathered rows. */
  pooled: GPUBuffer;
  dropped: GPUBuffer;
}

/** The head's linear layers. A classifier of tokens has no pooler. */
function linearsOf({ batch, config }: Pass): { pooler?: Linear; classifier: Linear } {
  const { hidden, task } = config;
  const names = tensorNames(config.family);
  const shape = { rows: batch.rows, inputs: hidden };
  const classifier = { name: names.classifier, shape: { outputs: paddedOutputs(config), ...shape } };
  if (task === 'token-classification') return { classifier };
  return { pooler: { name: names.pooler, shape: { outputs: hidden, ...shape } }, classifier };
}

/**
 * Records classifier(drop(activation(pooler(gathered)))), of tokens classifier(drop(gathered)). The activation is tanh in BERT and ReLU in
 * DistilBERT.
 * @param gathered [rows, hidden], the encoder's output at the rows' tokens.
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
  const pooled = pooler ? workspace.floats('pooled', numbers) : gathered;
  const dropped = workspace.floats('pooled dropped', numbers);
  if (pooler) {
    const projected = workspace.floats('pooler output', numbers);
    linearForward(pass, pooler, gathered, projected);
    recordActivation(recorder, ACTIVATIONS[config.family].forward, numbers, {
      input: projected,
      output: pooled,
    });
  }
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
  if (!pooler) return pooledGradient;
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
