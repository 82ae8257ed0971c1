import type { BufferSlice } from '../gpu/pipelines.js';
import { recordActivationGradient, recordLinear, recordLinearBackward } from './linear.js';
import { paddedOutputs } from './model-config.js';
import {
  type Linear,
  linearBackward,
  linearForward,
  type NormActivations,
  normBackward,
  normForward,
} from './modules.js';
import type { HeadBackward, Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/** The most columns of a block where kernels read matrices from textures: the size that every adapter supports. */
const TEXTURE_ROWS = 8192;

/**
 * Columns of a block of logits. Logits are [blocks][rows, columns of the block]. There is one block, unless textures are too short
 * for it.
 */
export function logitsBlock({
  recorder,
  config,
  precision,
}: Pick<Pass, 'recorder' | 'config' | 'precision'>): number {
  const outputs = paddedOutputs(config);
  return recorder.device.lanes && precision !== 'f16' ? Math.min(outputs, TEXTURE_ROWS) : outputs;
}

interface DecoderBlock {
  /** The id of its first token. */
  first: number;
  columns: number;
}

function blocksOf(pass: Pass): DecoderBlock[] {
  const [outputs, block] = [paddedOutputs(pass.config), logitsBlock(pass)];
  return Array.from({ length: Math.ceil(outputs / block) }, (_, index) => {
    return { first: block * index, columns: Math.min(block, outputs - block * index) };
  });
}

/** A part of a slice, in numbers. */
function partOf({ buffer, offset = 0 }: BufferSlice, first: number, length: number): BufferSlice {
  return { buffer, offset: offset + 4 * first, size: 4 * length };
}

/**
 * Records decoder(norm(gelu(dense(gathered)))), the head of Hugging Face's BertForMaskedLM. The decoder's weight is the word table,
 * whose gradient the backward pass overwrites: that of the embeddings is added later.
 * @param gathered [rows, hidden], the encoder's output at the masked tokens.
 */
export function recordMlmHead(pass: Pass, gathered: GPUBuffer, logits: GPUBuffer): HeadBackward {
  const { recorder, config, batch, workspace, parameters, precision } = pass;
  const { rows } = batch;
  const { hidden, family } = config;
  const { mlmTransform, mlmNorm, wordTable, mlmBias } = tensorNames(family);
  const transform: Linear = { names: [mlmTransform], shape: { rows, inputs: hidden, outputs: hidden } };
  const floats = (name: string) => workspace.floats(name, rows * hidden);
  const transformed = floats('transformed');
  const norm: NormActivations = {
    input: floats('transform activated'),
    output: floats('transform norm'),
    statistics: workspace.floats('transform statistics', 2 * rows),
  };
  const blocks = blocksOf(pass).map(({ first, columns }) => ({
    shape: { rows, inputs: hidden, outputs: columns, precision },
    add: first > 0,
    weightOf: (table: BufferSlice) => partOf(table, first * hidden, columns * hidden),
    biasOf: (biases: BufferSlice) => partOf(biases, first, columns),
    columnsOf: (buffer: GPUBuffer) => partOf({ buffer }, first * rows, columns * rows),
  }));
  linearForward(pass, transform, gathered, transformed, { name: 'gelu', output: norm.input });
  normForward(pass, mlmNorm, norm, { rows });
  for (const { shape, weightOf, biasOf, columnsOf } of blocks) {
    recordLinear(recorder, workspace, shape, {
      input: norm.output,
      weight: weightOf(parameters.slice(wordTable)),
      bias: biasOf(parameters.slice(mlmBias)),
      output: columnsOf(logits),
    });
  }
  return (logitsGradient) => {
    const normGradient = floats('transform norm gradient');
    const activatedGradient = floats('transform activated gradient');
    const [transformedGradient, gradient] = [floats('transformed gradient'), floats('gathered gradient')];
    for (const { shape, add, weightOf, biasOf, columnsOf } of blocks) {
      const buffers = {
        input: norm.output,
        weight: weightOf(parameters.slice(wordTable)),
        outputGradient: columnsOf(logitsGradient),
        inputGradient: normGradient,
        weightGradient: weightOf(parameters.gradient(wordTable)),
        biasGradient: biasOf(parameters.gradient(mlmBias)),
      };
      recordLinearBackward(recorder, workspace, shape, buffers, { add });
    }
    normBackward(pass, mlmNorm, norm, normGradient, activatedGradient, undefined, rows);
    const activation = { name: 'gelu', input: transformed } as const;
    recordActivationGradient(
      recorder,
      { rows, width: hidden },
      activation,
      activatedGradient,
      transformedGradient,
    );
    linearBackward(pass, transform, gathered, transformedGradient, gradient);
    return gradient;
  };
}
