import type { Activation } from './linear.js';
import { paddedOutputs } from './model-config.js';
import { type Linear, linearBackward, linearForward } from './modules.js';
import { dropoutAt, type HeadBackward, type Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/**
 * Records classifier(drop(activation(pooler(gathered)))). The activation is tanh in BERT and ReLU in DistilBERT.
 * @param gathered [rows, hidden], the encoder's output at [CLS].
 */
export function recordClassifierHead(pass: Pass, gathered: GPUBuffer, logits: GPUBuffer): HeadBackward {
  const { config, batch, workspace } = pass;
  const { hidden, family } = config;
  const names = tensorNames(family);
  const shape = { rows: batch.rows, inputs: hidden };
  const pooler: Linear = { names: [names.pooler], shape: { outputs: hidden, ...shape } };
  const classifier: Linear = {
    names: [names.classifier],
    shape: { outputs: paddedOutputs(config), ...shape },
  };
  const activation: Activation = {
    name: family === 'bert' ? 'tanh' : 'relu',
    dropped: { dropout: dropoutAt(pass, 'pooled'), positions: batch.rowNumbers },
  };
  const floats = (name: string) => workspace.floats(name, batch.rows * hidden);
  const [projected, dropped] = [floats('pooler output'), floats('pooled dropped')];
  linearForward(pass, pooler, gathered, projected, { ...activation, output: dropped });
  linearForward(pass, classifier, dropped, logits);
  return (logitsGradient) => {
    const [projectedGradient, gradient] = [floats('pooler output gradient'), floats('gathered gradient')];
    const options = { activation: { ...activation, input: projected } };
    linearBackward(pass, classifier, dropped, logitsGradient, projectedGradient, options);
    linearBackward(pass, pooler, gathered, projectedGradient, gradient);
    return gradient;
  };
}
