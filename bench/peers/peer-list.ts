import { CallerError } from '../../src/base/errors.js';
import type { Precision } from '../../src/base/precision.js';
import type { Pass } from '../attention-settings.js';

/** A library whose attention is timed. */
export interface PeerSpec {
  name: string;
  /** npm packages and their pinned versions, installed on first use; none for our own. */
  packages: Readonly<Record<string, string>>;
  passes: readonly Pass[];
  /** Where it is f16, inputs and results are rounded to f16. */
  precision: Precision;
  /** One of PyTorch's. It is not installed for the benchmark: it is that of the user's python3. */
  torch?: TorchAttention;
  /** Whether it opens the adapter of the benchmark; otherwise it takes the first that it finds. */
  opensAdapter: boolean;
}

/** An attention of PyTorch's, and where it runs. */
export interface TorchAttention {
  /** On the CUDA card that is the adapter of the benchmark, or on the CPU. */
  device: 'cuda' | 'cpu';
  /** FlexAttention, compiled; otherwise `scaled_dot_product_attention`. */
  flex: boolean;
  /** Whether tokens are in the order of our plan, by tag; otherwise in reading order. It matters only with a mask. */
  sorted: boolean;
}

/** Our own, which is always timed with the others. */
export const PARSIMONY = 'parsimony-webgpu';

const ONNXRUNTIME = { 'onnxruntime-node': '1.30.0' };
const TFJS = { '@tensorflow/tfjs': '4.22.0', '@tensorflow/tfjs-backend-webgpu': '4.22.0' };
/** The polyfill adds what older versions of Node lack. */
const JAX_JS = { '@jax-js/jax': '0.1.25', 'iterator-helpers-polyfill': '3.0.1' };

const BOTH: readonly Pass[] = ['forward', 'forward+backward'];

/** onnxruntime's packages on npm compute no gradients. */
const FORWARD: readonly Pass[] = ['forward'];

const F32 = { precision: 'f32', passes: BOTH } as const;

function torchPeer(name: string, precision: Precision, attention: Partial<TorchAttention>): PeerSpec {
  const torch: TorchAttention = { device: 'cuda', flex: false, sorted: false, ...attention };
  return { name, packages: {}, passes: BOTH, precision, torch, opensAdapter: false };
}

export const PEERS: readonly PeerSpec[] = [
  { ...F32, name: PARSIMONY, packages: {}, opensAdapter: true },
  { ...F32, name: `${PARSIMONY}-f16`, precision: 'f16', packages: {}, opensAdapter: true },
  { ...F32, name: 'ort-mha-webgpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { ...F32, name: 'ort-plain-webgpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { ...F32, name: 'ort-mha-cpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { ...F32, name: 'tfjs-webgpu', packages: TFJS, opensAdapter: true },
  { ...F32, name: 'jax-js-webgpu', packages: JAX_JS, opensAdapter: true },
  torchPeer('torch-sdpa', 'f32', {}),
  torchPeer('torch-sdpa-f16', 'f16', {}),
  torchPeer('torch-flex', 'f32', { flex: true }),
  torchPeer('torch-flex-f16', 'f16', { flex: true }),
  torchPeer('torch-flex-sorted', 'f32', { flex: true, sorted: true }),
  torchPeer('torch-flex-sorted-f16', 'f16', { flex: true, sorted: true }),
  torchPeer('torch-sdpa-cpu', 'f32', { device: 'cpu' }),
];

export function isOurs({ name }: Pick<PeerSpec, 'name'>): boolean {
  return name.startsWith(PARSIMONY);
}

/** Our own, and the peers of these names. @throws CallerError for an unknown name. */
export function peersNamed(names: readonly string[]): PeerSpec[] {
  const peerNames = PEERS.map(({ name }) => name);
  for (const name of names) {
    if (!peerNames.includes(name)) {
      throw new CallerError({
        what: `no peer is called "${name}"`,
        where: '--peers',
        expected: `some of: ${peerNames.join(', ')}`,
      });
    }
  }
  return PEERS.filter(({ name }) => name === PARSIMONY || names.includes(name));
}
