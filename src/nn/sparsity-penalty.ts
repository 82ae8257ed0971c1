import { upload } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { Recorder } from '../gpu/recorder.js';
import type { ModelConfig } from './model-config.js';
import type { Parameters } from './parameters.js';
import { tensorNames } from './tensor-names.js';

/** Statistics of texts for the penalty, each [tags, tags] by query tag, then key tag. */
export interface PairWeights {
  /** The share of each key tag among the pairs of a query tag. Each row adds up to 1, or 0 without pairs. */
  shares: Float32Array;
  /** The share of all pairs that dropping a pair of tags saves; 0 for pairs that always stay. */
  costs: Float32Array;
}

/**
 * A penalty on learned biases that separates pairs of tags into kept and dropped ones: λ times the soft share of kept pairs (see
 * kernels/layers/bias_sparsity.wesl), the mean over layers and heads.
 */
export class SparsityPenalty {
  private readonly pairs: GPUBuffer;

  /** @param strength λ. */
  constructor(
    private readonly device: Device,
    private readonly strength: number,
    { shares, costs }: PairWeights,
  ) {
    this.pairs = upload(device, Float32Array.of(...shares, ...costs), 'pair weights');
  }

  /** Records the addition of its gradient to the gradients of all layers' tables. */
  record(recorder: Recorder, parameters: Parameters, config: ModelConfig): void {
    const { layers, heads, biasTags } = config;
    const names = tensorNames(config.family);
    for (let layer = 0; layer < layers; layer++) {
      const name = names.layer(layer).tagBias;
      recorder.dispatch({
        kernel: 'layers/bias_sparsity',
        buffers: { table: parameters.slice(name), pairs: this.pairs, gradient: parameters.gradient(name) },
        parameters: { heads, label_count: biasTags, strength: this.strength / (layers * heads) },
        grid: recorder.folded(Math.ceil((heads * biasTags ** 2) / 64)),
      });
    }
  }

  release(): void {
    this.device.release(this.pairs);
  }
}
