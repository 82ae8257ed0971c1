import { shimBrowser } from './browser-shim.js';
import type { OpenPeer, PeerTask } from './peer.js';
import { maskTensor } from './peer-tensors.js';

/** The parts of `@jax-js/jax` that are used here. A function consumes its arrays, unless it gets their `ref`. */
interface JaxArray {
  readonly ref: JaxArray;
  reshape(shape: readonly number[]): JaxArray;
  data(): Promise<Float32Array>;
  dispose(): void;
}
type Attention = (...arrays: JaxArray[]) => JaxArray[];
interface Jax {
  init(device: string): Promise<string[]>;
  defaultDevice(device: string): void;
  jit(attention: Attention): Attention & { dispose?(): void };
  vjp(
    attention: (query: JaxArray, key: JaxArray, value: JaxArray) => JaxArray,
    inputs: readonly JaxArray[],
  ): [output: JaxArray, pullBack: (gradient: JaxArray) => JaxArray[]];
  blockUntilReady(arrays: readonly JaxArray[]): Promise<unknown>;
  numpy: { array(values: Float32Array | Int32Array, options: { shape: number[]; dtype?: string }): JaxArray };
  nn: {
    dotProductAttention(
      query: JaxArray,
      key: JaxArray,
      value: JaxArray,
      options: { mask?: JaxArray },
    ): JaxArray;
  };
}

/** `nn.dotProductAttention` under `jit`, its gradients by `vjp`, the mask of truth values. */
function attentionOf({ jit, vjp, nn }: Jax, backward: boolean): ReturnType<Jax['jit']> {
  if (!backward) {
    return jit((query, key, value, mask) => [nn.dotProductAttention(query, key, value, { mask })]);
  }
  return jit((query, key, value, gradient, mask) => {
    const attend = (...[q, k, v]: JaxArray[]) => nn.dotProductAttention(q, k, v, { mask });
    const [output, pullBack] = vjp(attend, [query, key, value]);
    return [output, ...pullBack(gradient)];
  });
}

function prepare(jax: Jax, task: PeerTask) {
  const { workload, inputs, backward } = task;
  const { heads, headDim, tags } = workload;
  const { mask, planMs } = maskTensor(task, (count) => new Int32Array(count), 1, 0);
  const array = (values: Float32Array) =>
    jax.numpy.array(values, { shape: [tags.length, heads, headDim], dtype: 'float32' });
  const arrays = [inputs.query, inputs.key, inputs.value].map(array);
  if (backward) arrays.push(array(inputs.outputGradient));
  if (mask) arrays.push(jax.numpy.array(mask, { shape: [tags.length, tags.length], dtype: 'bool' }));
  const attention = attentionOf(jax, backward);
  const attend = async () => {
    const results = attention(...arrays.map(({ ref }) => ref));
    await jax.blockUntilReady(results);
    return results;
  };
  return {
    planMs,
    run: async () => {
      for (const result of await attend()) result.dispose();
    },
    check: async () => {
      const results = await attend();
      const [output, queryGradient, keyGradient, valueGradient] = await Promise.all(
        results.map((result) => result.data()),
      );
      return { output, queryGradient, keyGradient, valueGradient };
    },
    release: () => {
      for (const each of arrays) each.dispose();
      attention.dispose?.();
    },
  };
}

/** jax-js on WebGPU (github.com/ekzhang/jax-js). */
export const openJaxJs: OpenPeer = async ({ adapter, load }) => {
  const shim = await shimBrowser(adapter);
  if (!('Iterator' in globalThis)) {
    (await load<{ installIntoGlobal(): void }>('iterator-helpers-polyfill')).installIntoGlobal();
  }
  const jax = await load<Jax>('@jax-js/jax');
  const devices = await jax.init('webgpu');
  if (!devices.includes('webgpu')) throw new Error('jax-js found no WebGPU device');
  jax.defaultDevice('webgpu');
  return { adapter: shim.adapter, prepare: async (task) => prepare(jax, task) };
};
