import { readManyFloats, write } from '../gpu/buffers.js';
import { type ModelActivations, recordModelBackward } from './bert.js';
import { recordEmbeddingsBackward } from './embeddings.js';
import { paddedOutputs } from './model-config.js';
import type { Pass } from './pass.js';
import { recordGather } from './pointwise.js';
import { tensorNames } from './tensor-names.js';

/**
 * `Classifier.attribution` after a recorded forward pass of one sequence; submits it with the backward pass. It overwrites the
 * gradients of all parameters.
 */
export async function attribution(pass: Pass, saved: ModelActivations, label: number): Promise<Float64Array> {
  const { recorder, config, parameters, workspace, batch } = pass;
  const { hidden } = config;
  const { order, tokens } = batch.plan.layout;
  const oneLogit = Float32Array.from({ length: paddedOutputs(config) }, (_, each) => Number(each === label));
  const logitsGradient = workspace.floats('logits gradient', oneLogit.length);
  write(recorder.device, logitsGradient, oneLogit);
  const outputGradient = recordModelBackward(pass, saved, logitsGradient);
  const sumGradient = recordEmbeddingsBackward(pass, saved.embeddings, outputGradient);
  const words = workspace.floats('word rows', tokens * hidden);
  recordGather(
    recorder,
    { rows: tokens, hidden },
    {
      input: parameters.slice(tensorNames(config.family).wordTable),
      index: { buffer: batch.ids, at: 0 },
      output: words,
    },
  );
  recorder.submit();
  const [input, gradient] = await readManyFloats(recorder.device, [words, sumGradient], tokens * hidden);
  const products = new Float64Array(tokens);
  order.forEach((token, row) => {
    for (let at = row * hidden; at < (row + 1) * hidden; at++) products[token] += input[at] * gradient[at];
  });
  return products;
}
