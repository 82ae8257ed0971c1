import { hostRandom } from '../src/base/random.js';
import type { PackedText } from './allowed-pairs.js';

/** A packed batch and its heads. */
export interface Workload extends PackedText {
  sentences?: readonly number[];
  heads: number;
  headDim: number;
}

/** Queries, keys, values and output gradients, [tokens, heads, headDim] in the caller's order. */
export interface Inputs {
  query: Float32Array;
  key: Float32Array;
  value: Float32Array;
  outputGradient: Float32Array;
}

/** Inputs drawn evenly from [-1, 1]. The scores then vary by about 1, as in a trained model. */
export function randomInputs({ tags, heads, headDim }: Workload, seed: number): Inputs {
  const random = hostRandom(seed);
  const draw = () => new Float32Array(tags.length * heads * headDim).map(() => 2 * random() - 1);
  return { query: draw(), key: draw(), value: draw(), outputGradient: draw() };
}
