import { readManyFloats, write } from '../gpu/buffers.js';
import { recordHeadBackward } from './classifier-head.js';
import { recordEmbeddingsBackward } from './embeddings.js';
import type { EncoderLayer } from './encoder-layer.js';
import { paddedClasses } from './model-config.js';
import type { Pass } from './pass.js';
import { recordGather } from './pointwise.js';
import { tensorNames } from './tensor-names.js';

/**
 * `Classifier.attribution`, behind a forward pass of one sequence that was recorded; submits it with the backward pass. The
 * gradients of all parameters are overwritten.
 */
export async function attribution(
  pass: Pass,
  layers: readonly EncoderLayer[],
  label: number,
): Promise<Float64Array> {
  const { recorder, config, parameters, workspace, batch } = pass;
  const { hidden } = config;
  const { order, tokens } = batch.batch.plan;
  const oneLogit = Float32Array.from({ length: paddedClasses(config) }, (_, each) => Number(each === label));
  const logitsGradient = workspace.floats('logits gradient', oneLogit.length);
  write(recorder.device, logitsGradient, oneLogit);
  let gradient = recordHeadBackward(pass, logitsGradient);
  for (const layer of [...layers].reverse()) gradient = layer.recordBackward(pass, gradient);
  recordEmbeddingsBackward(pass, gradient);
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
  const buffers = [words, workspace.existing('embedding sum gradient')];
  const [input, inputGradient] = await readManyFloats(recorder.device, buffers, tokens * hidden);
  const products = new Float64Array(tokens);
  order.forEach((token, row) => {
    for (let at = row * hidden; at < (row + 1) * hidden; at++)
      products[token] += input[at] * inputGradient[at];
  });
  return products;
}
