import { recordColumnSums } from './column-sums.js';
import { recordLayerNorm, recordLayerNormBackward } from './layer-norm.js';
import { dropoutAt, type Pass } from './pass.js';
import { recordDropout } from './pointwise.js';
import { tensorNames } from './tensor-names.js';

/** Records drop(norm(word + position + type)) and returns it, [tokens, hidden]; without the type where the model has none. */
export function recordEmbeddings(pass: Pass): GPUBuffer {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { tokens } = batch;
  const { hidden } = config;
  const names = tensorNames(config.family);
  const sum = workspace.floats('embedding sum', tokens * hidden);
  recorder.dispatch({
    kernel: 'layers/embedding_forward',
    buffers: {
      word: parameters.slice(names.wordTable),
      position: parameters.slice(names.positionTable),
      // Some table must be bound: without types it is not read.
      kind: parameters.slice(names.typeTable ?? names.positionTable),
      ids: batch.ids,
      output: sum,
    },
    parameters: { tokens, width: hidden / 4, kinds: config.types },
    grid: recorder.folded(Math.ceil((tokens * hidden) / 256)),
  });
  const normed = workspace.floats('embedding norm', tokens * hidden);
  recordLayerNorm(recorder, { rows: tokens, hidden }, config.normEpsilon, {
    input: sum,
    weight: parameters.slice(`${names.embeddingNorm}.weight`),
    bias: parameters.slice(`${names.embeddingNorm}.bias`),
    output: normed,
    statistics: workspace.floats('embedding statistics', 2 * tokens),
  });
  const dropout = dropoutAt(pass, 'embeddings');
  if (!dropout) return normed;
  const output = workspace.floats('embeddings', tokens * hidden);
  recordDropout(recorder, { rows: tokens, hidden }, dropout, batch.positions, { input: normed, output });
  return output;
}

/** Records the gradients of the tables and of the norm. The tables' gradients must be zero beforehand. */
export function recordEmbeddingsBackward(pass: Pass, outputGradient: GPUBuffer): void {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { tokens } = batch;
  const { hidden } = config;
  const names = tensorNames(config.family);
  const shape = { rows: tokens, hidden };
  let normGradient = outputGradient;
  const dropout = dropoutAt(pass, 'embeddings');
  if (dropout) {
    normGradient = workspace.floats('dropped gradient', tokens * hidden);
    recordDropout(recorder, shape, dropout, batch.positions, { input: outputGradient, output: normGradient });
  }
  const sumGradient = workspace.floats('embedding sum gradient', tokens * hidden);
  recordLayerNormBackward(recorder, workspace, shape, {
    input: workspace.existing('embedding sum'),
    weight: parameters.slice(`${names.embeddingNorm}.weight`),
    statistics: workspace.existing('embedding statistics'),
    outputGradient: normGradient,
    inputGradient: sumGradient,
    weightGradient: parameters.gradient(`${names.embeddingNorm}.weight`),
    biasGradient: parameters.gradient(`${names.embeddingNorm}.bias`),
  });
  for (const [name, { buffer, rows }] of [
    [names.wordTable, batch.byWord],
    [names.positionTable, batch.byPosition],
  ] as const) {
    recorder.dispatch({
      kernel: 'layers/embedding_backward',
      buffers: {
        output_gradient: sumGradient,
        groups_of_rows: buffer,
        table_gradient: parameters.gradient(name),
      },
      parameters: { rows, width: hidden / 4 },
      grid: recorder.folded(Math.ceil((rows * hidden) / 256)),
    });
  }
  if (!names.typeTable) return;
  // Every token is of type 0: its row gets the sum of all.
  recordColumnSums(
    recorder,
    workspace,
    { rows: tokens, columns: hidden },
    sumGradient,
    parameters.gradient(names.typeTable),
  );
}
