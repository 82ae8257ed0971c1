import { upload } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { Recorder } from '../gpu/recorder.js';
import type { ModelConfig } from './model-config.js';
import type { Parameters } from './parameters.js';
import { tensorNames } from './tensor-names.js';

/** What the penalty must know of the texts, each [tags, tags] by query tag, then key tag. */
export interface PairWeights {
  /** Of the pairs whose query has a tag, the share whose key has another: each row adds up to 1, or to 0 where there are none. */
  shares: Float32Array;
  /** Of all pairs, the share that would be saved if this one were dropped; 0 for pairs that always stay. */
  costs: Float32Array;
}

/**
 * A penalty on learned biases that pushes pairs of tags apart into kept ones and dropped ones: λ times the share of pairs that
 * are kept, each as far as it is (see kernels/layers/bias_sparsity.wesl), the mean over layers and heads.
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

  /** Records that its gradient is added to that of every layer's tables. */
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
