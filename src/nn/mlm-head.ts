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
import type { Pass } from './pass.js';
import { tensorNames } from './tensor-names.js';

/** Saved activations of the head for masked tokens, [rows, hidden] unless noted. */
export interface MlmActivations {
  /** Before GELU. */
  transformed: GPUBuffer;
  /** Its `output` is what the decoder reads. */
  norm: NormActivations;
}

/** Columns of a block of logits on adapters whose kernels read matrices from textures: WebGPU's smallest limit of a texture. */
const TEXTURE_ROWS = 8192;

/** The columns of a block of logits: logits are [blocks][rows, columns of the block], as one block unless textures are too short. */
export function logitsBlock({
  recorder,
  config,
  precision,
}: Pick<Pass, 'recorder' | 'config' | 'precision'>): number {
  const outputs = paddedOutputs(config);
  return recorder.device.lanes && precision !== 'f16' ? Math.min(outputs, TEXTURE_ROWS) : outputs;
}

interface DecoderBlock {
  /** The first of its tokens of the vocabulary. */
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

function transformOf({ batch, config: { family, hidden } }: Pass): Linear & { norm: string } {
  const { mlmTransform: name, mlmNorm: norm } = tensorNames(family);
  return { names: [name], norm, shape: { rows: batch.rows, inputs: hidden, outputs: hidden } };
}

/**
 * Records decoder(norm(gelu(dense(gathered)))), the head of Hugging Face's BertForMaskedLM. The decoder's weight is the word table.
 * @param gathered [rows, hidden], the encoder's output at the masked tokens.
 */
export function recordMlmHead(pass: Pass, gathered: GPUBuffer, logits: GPUBuffer): MlmActivations {
  const { recorder, config, batch, workspace, parameters, precision } = pass;
  const { rows } = batch;
  const { hidden, family } = config;
  const numbers = rows * hidden;
  const names = tensorNames(family);
  const transform = transformOf(pass);
  const transformed = workspace.floats('transformed', numbers);
  const norm = {
    input: workspace.floats('transform activated', numbers),
    output: workspace.floats('transform norm', numbers),
    statistics: workspace.floats('transform statistics', 2 * rows),
  };
  linearForward(pass, transform, gathered, transformed, { name: 'gelu', output: norm.input });
  normForward(pass, transform.norm, norm, { rows });
  for (const { first, columns } of blocksOf(pass)) {
    recordLinear(
      recorder,
      workspace,
      { rows, inputs: hidden, outputs: columns, precision },
      {
        input: norm.output,
        weight: partOf(parameters.slice(names.wordTable), first * hidden, columns * hidden),
        bias: partOf(parameters.slice(names.mlmBias), first, columns),
        output: partOf({ buffer: logits }, first * rows, columns * rows),
      },
    );
  }
  return { transformed, norm };
}

/**
 * Records the head's backward pass. The word table's gradient is overwritten: that of the embeddings is added later.
 * @returns The gradient of `gathered`, [rows, hidden].
 */
export function recordMlmHeadBackward(
  pass: Pass,
  gathered: GPUBuffer,
  { transformed, norm }: MlmActivations,
  logitsGradient: GPUBuffer,
): GPUBuffer {
  const { recorder, config, batch, workspace, parameters, precision } = pass;
  const { rows } = batch;
  const { hidden, family } = config;
  const numbers = rows * hidden;
  const names = tensorNames(family);
  const transform = transformOf(pass);
  const decoded = workspace.floats('transform norm gradient', numbers);
  const activated = workspace.floats('transform activated gradient', numbers);
  const transformedGradient = workspace.floats('transformed gradient', numbers);
  const gatheredGradient = workspace.floats('gathered gradient', numbers);
  for (const { first, columns } of blocksOf(pass)) {
    const weightPart = (table: BufferSlice) => partOf(table, first * hidden, columns * hidden);
    const buffers = {
      input: norm.output,
      weight: weightPart(parameters.slice(names.wordTable)),
      outputGradient: partOf({ buffer: logitsGradient }, first * rows, columns * rows),
      inputGradient: decoded,
      weightGradient: weightPart(parameters.gradient(names.wordTable)),
      biasGradient: partOf(parameters.gradient(names.mlmBias), first, columns),
    };
    const shape = { rows, inputs: hidden, outputs: columns, precision };
    recordLinearBackward(recorder, workspace, shape, buffers, { add: first > 0 });
  }
  normBackward(pass, transform.norm, norm, decoded, activated, undefined, rows);
  const activation = { name: 'gelu', input: transformed } as const;
  recordActivationGradient(recorder, { rows, width: hidden }, activation, activated, transformedGradient);
  linearBackward(pass, transform, gathered, transformedGradient, gatheredGradient);
  return gatheredGradient;
}
