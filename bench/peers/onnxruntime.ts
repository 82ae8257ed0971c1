import { readFileSync } from 'node:fs';
import { installEmbeddedDriver } from '../../src/gpu/embedded-driver.js';
import { INPUT_NAMES, identityModel, multiHeadAttentionModel, plainAttentionModel } from './onnx-model.js';
import type { OpenPeer, PeerTask } from './peer.js';
import { additiveMask, headsFirst, tokensFirst } from './peer-tensors.js';

/** The parts of `onnxruntime-node` that are used here. */
interface OrtTensor {
  data: Float32Array;
  dispose(): void;
}
type Tensors = Record<string, OrtTensor>;
interface Session {
  run(inputs: Tensors): Promise<Tensors>;
  release(): Promise<void>;
}
interface Ort {
  Tensor: new (type: 'float32', data: Float32Array, dims: readonly number[]) => OrtTensor;
  InferenceSession: { create(model: Uint8Array, options: object): Promise<Session> };
}

/** The fused operator, or a graph of standard ones. */
type Graph = 'multi-head' | 'plain';
type Provider = 'webgpu' | 'cpu';

async function prepare(ort: Ort, graph: Graph, provider: Provider, task: PeerTask) {
  const { workload, inputs } = task;
  const { heads, headDim, tags } = workload;
  const tokens = tags.length;
  const { mask, planMs } = additiveMask(task);
  const fused = graph === 'multi-head';
  const rows = (values: Float32Array) => (fused ? values : headsFirst(values, heads, headDim));
  const dims = fused ? [1, tokens, heads * headDim] : [1, heads, tokens, headDim];
  const values = [inputs.query, inputs.key, inputs.value].map((each) => ({ data: rows(each), dims }));
  if (mask) values.push({ data: mask, dims: [1, 1, tokens, tokens] });
  const named = values.map((value, index) => ({ name: INPUT_NAMES[index], ...value }));

  const shape = { tokens, heads, headDim, mask: task.mask };
  const options = {
    executionProviders: [provider],
    // Otherwise operators that WebGPU lacks would run on the CPU, as WebGPU's time.
    ...(provider === 'webgpu' && { extra: { session: { disable_cpu_ep_fallback: '1' } } }),
  };
  const session = await ort.InferenceSession.create(
    fused ? multiHeadAttentionModel(shape) : plainAttentionModel(shape),
    options,
  );
  const sessions = [session];
  let feeds: Tensors = Object.fromEntries(
    named.map(({ name, data, dims }) => [name, new ort.Tensor('float32', data, dims)]),
  );
  if (provider === 'webgpu') {
    // Otherwise every run would upload its inputs again. Outputs are read: nothing else waits for their end.
    const resident = { ...options, preferredOutputLocation: 'gpu-buffer' };
    const identity = await ort.InferenceSession.create(identityModel(named), resident);
    sessions.push(identity);
    const onDevice = await identity.run(feeds);
    feeds = Object.fromEntries(named.map(({ name }) => [name, onDevice[`resident_${name}`]]));
  }
  return {
    planMs,
    run: async () => {
      await session.run(feeds);
    },
    check: async () => {
      const { output } = await session.run(feeds);
      return { output: fused ? output.data : tokensFirst(output.data, heads, headDim) };
    },
    release: () => {
      for (const feed of Object.values(feeds)) feed.dispose();
      for (const each of sessions) each.release();
    },
  };
}

/** The Vulkan drivers that this process has loaded: onnxruntime does not name its adapter. */
function loadedDrivers(): string | undefined {
  if (process.platform !== 'linux') return undefined;
  const mapped = readFileSync('/proc/self/maps', 'utf8');
  const names = mapped.matchAll(
    /\/(libvulkan_\w+\.so|libvk_swiftshader\.so|libGLX_\w+\.so|libnvidia-vulkan\w*\.so)/g,
  );
  const distinct = [...new Set([...names].map((match) => match[1]))];
  return distinct.length > 0 ? `not told; Vulkan drivers loaded: ${distinct.join(', ')}` : undefined;
}

/** onnxruntime-node. On WebGPU it always opens the first adapter of the Vulkan loader. */
export function openOnnxRuntime(graph: Graph, provider: Provider): OpenPeer {
  return async ({ adapter, load }) => {
    if (provider === 'webgpu' && adapter === 'embedded') await installEmbeddedDriver();
    const ort = await load<Ort>('onnxruntime-node');
    return {
      adapter: provider === 'cpu' ? () => 'CPU' : loadedDrivers,
      prepare: (task) => prepare(ort, graph, provider, task),
    };
  };
}
