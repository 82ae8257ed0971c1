import { hostRandom } from '../base/random.js';
import type { ModelConfig } from './model-config.js';
import { type ParameterSpec, parameterSpecs, sizeOf } from './parameter-specs.js';

type Uniform = () => number;

/** Two independent standard normal numbers (Box & Muller 1958). */
function normalPair(uniform: Uniform): [number, number] {
  const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
  const angle = 2 * Math.PI * uniform();
  return [radius * Math.cos(angle), radius * Math.sin(angle)];
}

function normals(length: number, deviation: number, uniform: Uniform): Float32Array {
  const values = new Float32Array(length);
  for (let i = 0; i < length; i += 2) {
    const [first, second] = normalPair(uniform);
    values[i] = deviation * first;
    if (i + 1 < length) values[i + 1] = deviation * second;
  }
  return values;
}

function initialValues({ shape, initial }: ParameterSpec, deviation: number, uniform: Uniform): Float32Array {
  const length = sizeOf(shape);
  if (initial === 'one') return new Float32Array(length).fill(1);
  if (initial === 'zero') return new Float32Array(length);
  const values = normals(length, deviation, uniform);
  if (initial === 'normal, first row zero') values.fill(0, 0, shape[1]);
  return values;
}

/**
 * Draws tensors one after another, as `initialWeights` does.
 * @param deviation The standard deviation of normal values.
 */
export function drawTensors(
  specs: readonly ParameterSpec[],
  deviation: number,
  seed: number,
): Map<string, Float32Array> {
  const uniform = hostRandom(seed);
  return new Map(specs.map((spec) => [spec.name, initialValues(spec, deviation, uniform)]));
}

/**
 * Initial weights as in Hugging Face's BERT: normal with the configured standard deviation; biases 0, norms 1, and the
 * embedding of [PAD] 0.
 */
export function initialWeights(config: ModelConfig, seed: number): Map<string, Float32Array> {
  return drawTensors(parameterSpecs(config), config.initializerRange, seed);
}
