import { shimBrowser } from './browser-shim.js';
import type { OpenPeer, PeerTask } from './peer.js';
import { additiveMask, headsFirst, tokensFirst } from './peer-tensors.js';

/** The parts of `@tensorflow/tfjs` that are used here. */
interface Tensor {
  data(): Promise<Float32Array>;
  dispose(): void;
}
interface WebGpuBackend {
  endComputePassEncoder(): void;
  submitQueue(): void;
  queue: GPUQueue;
}
type Attend = (...inputs: Tensor[]) => Tensor;
interface Tf {
  setBackend(name: string): Promise<boolean>;
  ready(): Promise<void>;
  backend(): WebGpuBackend;
  tensor(values: Float32Array, shape: number[]): Tensor;
  matMul(a: Tensor, b: Tensor, transposeA: boolean, transposeB: boolean): Tensor;
  mul(a: Tensor, b: number): Tensor;
  add(a: Tensor, b: Tensor): Tensor;
  softmax(logits: Tensor): Tensor;
  tidy<T>(action: () => T): T;
  valueAndGrads(attend: Attend): (inputs: Tensor[], gradient: Tensor) => { value: Tensor; grads: Tensor[] };
}

function prepare(tf: Tf, task: PeerTask) {
  const { workload, inputs, backward } = task;
  const { heads, headDim, tags } = workload;
  const { mask: maskValues, planMs } = additiveMask(task);
  const tensor = (rows: Float32Array) =>
    tf.tensor(headsFirst(rows, heads, headDim), [heads, tags.length, headDim]);
  const [query, key, value, gradient] = [inputs.query, inputs.key, inputs.value, inputs.outputGradient].map(
    tensor,
  );
  const mask = maskValues && tf.tensor(maskValues, [tags.length, tags.length]);

  const attend: Attend = (q, k, v) => {
    const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(headDim));
    return tf.matMul(tf.softmax(mask ? tf.add(scores, mask) : scores), v, false, false);
  };
  const attendBack = tf.valueAndGrads(attend);
  const compute = (): Tensor[] =>
    tf.tidy(() => {
      if (!backward) return [attend(query, key, value)];
      const { value: output, grads } = attendBack([query, key, value], gradient);
      return [output, ...grads];
    });
  return {
    planMs,
    run: async () => {
      const results = compute();
      // tfjs submits after some operators, or when data is read. This waits for the end without reading.
      const backend = tf.backend();
      backend.endComputePassEncoder();
      backend.submitQueue();
      await backend.queue.onSubmittedWorkDone();
      for (const result of results) result.dispose();
    },
    check: async () => {
      const results = compute();
      const [output, queryGradient, keyGradient, valueGradient] = await Promise.all(
        results.map(async (result) => tokensFirst(await result.data(), heads, headDim)),
      );
      for (const result of results) result.dispose();
      return { output, queryGradient, keyGradient, valueGradient };
    },
    release: () => {
      for (const each of [query, key, value, gradient, mask]) each?.dispose();
    },
  };
}

/** TensorFlow.js on WebGPU: matrix products, softmax, and `valueAndGrads`. */
export const openTfjs: OpenPeer = async ({ adapter, load }) => {
  const shim = await shimBrowser(adapter);
  Object.assign(globalThis, { window: globalThis, self: globalThis });
  const tf = await load<Tf>('@tensorflow/tfjs');
  await load('@tensorflow/tfjs-backend-webgpu');
  if (!(await tf.setBackend('webgpu'))) throw new Error('tfjs found no WebGPU device');
  await tf.ready();
  return { adapter: shim.adapter, prepare: async (task) => prepare(tf, task) };
};
