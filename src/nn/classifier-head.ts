import type { Activation } from './linear.js';
import { paddedOutputs } from './model-config.js';
import { type Linear, linearBackward, linearForward } from './modules.js';
import { dropoutAt, type Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/** Saved activations of a classifier of texts, [rows, hidden]. */
export interface ClassifierActivations {
  /** The pooler's output, before its activation. */
  projected: GPUBuffer;
  /** drop(activation(projected)) */
  dropped: GPUBuffer;
}

/** What follows the pooler. */
function activationOf(pass: Pass): Activation {
  const dropped = { dropout: dropoutAt(pass, 'pooled'), positions: pass.batch.rowNumbers };
  return { name: pass.config.family === 'bert' ? 'tanh' : 'relu', dropped };
}

function linearsOf({ batch, config }: Pass): { pooler: Linear; classifier: Linear } {
  const { hidden } = config;
  const names = tensorNames(config.family);
  const shape = { rows: batch.rows, inputs: hidden };
  return {
    pooler: { names: [names.pooler], shape: { outputs: hidden, ...shape } },
    classifier: { names: [names.classifier], shape: { outputs: paddedOutputs(config), ...shape } },
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
  const { config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const numbers = batch.rows * config.hidden;
  const projected = workspace.floats('pooler output', numbers);
  const dropped = workspace.floats('pooled dropped', numbers);
  linearForward(pass, pooler, gathered, projected, { ...activationOf(pass), output: dropped });
  linearForward(pass, classifier, dropped, logits);
  return { projected, dropped };
}

/** Records the head's backward pass. @returns The gradient of `gathered`, [rows, hidden]. */
export function recordClassifierHeadBackward(
  pass: Pass,
  gathered: GPUBuffer,
  { projected, dropped }: ClassifierActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const { config, batch, workspace } = pass;
  const { pooler, classifier } = linearsOf(pass);
  const numbers = batch.rows * config.hidden;
  const projectedGradient = workspace.floats('pooler output gradient', numbers);
  const gatheredGradient = workspace.floats('gathered gradient', numbers);
  const activation = { ...activationOf(pass), input: projected };
  linearBackward(pass, classifier, dropped, logitsGradient, projectedGradient, { activation });
  linearBackward(pass, pooler, gathered, projectedGradient, gatheredGradient);
  return gatheredGradient;
}
