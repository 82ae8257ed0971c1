import { recordColumnSums } from './column-sums.js';
import { type NormActivations, normBackward, normForward } from './modules.js';
import { dropoutAt, type Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/** Saved activations of the embeddings. */
export interface EmbeddingActivations {
  /** Its input is word + position + type + tag, its output dropped. */
  norm: NormActivations;
}

/** Records drop(norm(word + position + type + tag)), without the types or tags that the model does not have. */
export function recordEmbeddings(pass: Pass): EmbeddingActivations {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { tokens } = batch;
  const { hidden, tagEmbeddings = 0 } = config;
  const names = tensorNames(config.family);
  const norm = {
    input: workspace.floats('embedding sum', tokens * hidden),
    output: workspace.floats('embedding norm', tokens * hidden),
    statistics: workspace.floats('embedding statistics', 2 * tokens),
  };
  recorder.dispatch({
    kernel: 'layers/embedding_forward',
    buffers: {
      word: parameters.slice(names.wordTable),
      position: parameters.slice(names.positionTable),
      // A buffer must be bound. Without types or tags it is not read.
      kind: parameters.slice(names.typeTable ?? names.positionTable),
      tag: parameters.slice(tagEmbeddings > 0 ? names.tagTable : names.positionTable),
      ids: batch.ids,
      output: norm.input,
    },
    parameters: { tokens, width: hidden / 4, kinds: config.types, tags: tagEmbeddings },
    grid: recorder.folded(Math.ceil((tokens * hidden) / 256)),
  });
  const dropped = { dropout: dropoutAt(pass, 'embeddings'), positions: batch.positions };
  normForward(pass, names.embeddingNorm, norm, { dropped });
  return { norm };
}

/**
 * Records the gradients of the tables and of the norm. The tables' gradients must be zero before, except that of words where the head
 * for masked tokens shares the table.
 * @returns The gradient of word + position + type + tag, [tokens, hidden].
 */
export function recordEmbeddingsBackward(
  pass: Pass,
  { norm }: EmbeddingActivations,
  outputGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, parameters, batch, workspace } = pass;
  const { tokens } = batch;
  const { hidden } = config;
  const names = tensorNames(config.family);
  const sumGradient = workspace.floats('embedding sum gradient', tokens * hidden);
  const dropped = { dropout: dropoutAt(pass, 'embeddings'), positions: batch.positions };
  normBackward(pass, names.embeddingNorm, norm, outputGradient, sumGradient, dropped);
  const tables = [
    [names.wordTable, batch.byWord],
    [names.positionTable, batch.byPosition],
    ...(batch.byTag ? [[names.tagTable, batch.byTag] as const] : []),
  ] as const;
  for (const [name, { buffer, rows }] of tables) {
    recorder.dispatch({
      kernel: 'layers/embedding_backward',
      buffers: {
        output_gradient: sumGradient,
        groups_of_rows: buffer,
        table_gradient: parameters.gradient(name),
      },
      parameters: { rows, width: hidden / 4, add: config.task === 'mlm' ? 1 : 0 },
      grid: recorder.folded(Math.ceil((rows * hidden) / 256)),
    });
  }
  if (names.typeTable) {
    // Every token has type 0: row 0 gets the sum of all gradients.
    const output = parameters.gradient(names.typeTable);
    recordColumnSums(recorder, workspace, tokens, sumGradient, { columns: hidden, output });
  }
  return sumGradient;
}
