import { describe, expect, it } from 'vitest';
import type { KernelName } from '../../src/gpu/kernel.js';
import type { Recorder } from '../../src/gpu/recorder.js';
import { recordColumnSums } from '../../src/nn/column-sums.js';
import { recordLayerNormBackward } from '../../src/nn/layer-norm.js';
import { recordLinear, recordLinearBackward } from '../../src/nn/linear.js';
import { type Family, withGridsOf } from '../support/device.js';
import { type GuardedBuffers, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

/** Records an operator on buffers. @returns The buffers that it writes. */
type Operator = (buffers: GuardedBuffers, recorder: Recorder) => GPUBuffer[];

async function results(operator: Operator, family: Family): Promise<Float32Array[]> {
  const read: Float32Array[] = [];
  await withBuffers(async (buffers, recorder) => {
    const outputs = operator(buffers, recorder);
    recorder.submit();
    for (const output of outputs) read.push(await buffers.read(output));
  }, family);
  return read;
}

function floats(buffers: GuardedBuffers, length: number, seed: number): GPUBuffer {
  return buffers.input(randomFloats(generator(seed), length));
}

const columnSums: Operator = (buffers, recorder) => {
  const output = buffers.output(8);
  const [rows, input] = [512 * 18, floats(buffers, 512 * 18 * 8, 1)];
  recordColumnSums(recorder, buffers.scratch, rows, input, { columns: 8, output });
  return [output];
};

const layerNorm: Operator = (buffers, recorder) => {
  const [rows, hidden] = [32 * 50, 8];
  const [inputGradient, weightGradient, biasGradient] = [rows * hidden, hidden, hidden].map((length) =>
    buffers.output(length),
  );
  recordLayerNormBackward(
    recorder,
    buffers.scratch,
    { rows, hidden },
    {
      input: floats(buffers, rows * hidden, 1),
      weight: floats(buffers, hidden, 2),
      statistics: floats(buffers, 2 * rows, 3),
      outputGradient: floats(buffers, rows * hidden, 4),
      inputGradient,
      weightGradient,
      biasGradient,
    },
  );
  return [inputGradient, weightGradient, biasGradient];
};

/** In the wide family, eighteen tiles of rows. In the subgroup family a texture holds all rows, and the pass that packs it is folded. */
function linear(rows: number): Operator {
  return (buffers, recorder) => {
    const shape = { rows, inputs: 20, outputs: 20 };
    const [input, weight, bias] = [rows * 20, 400, 20].map((length, seed) => floats(buffers, length, seed));
    const output = buffers.output(rows * 20);
    recordLinear(recorder, buffers.scratch, shape, { input, weight, bias, output });
    const [inputGradient, weightGradient, biasGradient] = [rows * 20, 400, 20].map((length) =>
      buffers.output(length),
    );
    const outputGradient = floats(buffers, rows * 20, 4);
    const gradients = { inputGradient, weightGradient, biasGradient };
    recordLinearBackward(recorder, buffers.scratch, shape, { input, weight, outputGradient, ...gradients });
    return [output, inputGradient, weightGradient, biasGradient];
  };
}

/** A kernel with this number of workgroups, and buffers of these lengths. */
function counted(
  kernel: KernelName,
  workgroups: number,
  parameters: Record<string, number>,
  inputs: Record<string, number>,
  outputs: Record<string, number>,
): Operator {
  return (buffers, recorder) => {
    const read = Object.entries(inputs).map(([name, length]) => {
      return [name, floats(buffers, length, length)];
    });
    const written = Object.entries(outputs).map(([name, length]) => {
      return [
        name,
        kernel === 'layers/bias_sparsity'
          ? buffers.inPlace(new Float32Array(length))
          : buffers.output(length),
      ];
    });
    const operands = Object.fromEntries([...read, ...written]) as Record<string, GPUBuffer>;
    recorder.dispatch({ kernel, buffers: operands, parameters, grid: recorder.folded(workgroups) });
    return written.map(([, buffer]) => buffer as GPUBuffer);
  };
}

const squaredSums = counted(
  'optimizer/squared_sums',
  19,
  { vectors: 64 * 18 + 3, vectors_per_group: 64, first_group: 0 },
  { input: 4 * (64 * 18 + 3) },
  { partial: 19 },
);

const sparsity = counted(
  'layers/bias_sparsity',
  19,
  { heads: 12, label_count: 10, strength: 1 },
  { table: 1200, pairs: 200 },
  { gradient: 1200 },
);

describe('an operator gives the same bits where a dimension of a grid holds few workgroups', () => {
  it.each<[string, Family, Operator]>([
    ['column sums', 'wide', columnSums],
    ['layer norm', 'wide', layerNorm],
    ['layer norm, by subgroups', 'subgroup', layerNorm],
    ['linear layer', 'wide', linear(64 * 17 + 5)],
    ['linear layer, by subgroups', 'subgroup', linear(140)],
    ['sums of squares', 'wide', squaredSums],
    ['sparsity penalty', 'wide', sparsity],
  ])('%s', async (_, family, operator) => {
    const usual = await results(operator, family);
    expect(await withGridsOf(16, family, () => results(operator, family))).toEqual(usual);
  });
});
