import { CallerError } from '../../src/base/errors.js';
import type { Pass } from '../attention-settings.js';

/** A library whose attention is timed. */
export interface PeerSpec {
  name: string;
  /** npm packages and their pinned versions, installed on first use; none for our own. */
  packages: Readonly<Record<string, string>>;
  passes: readonly Pass[];
  /** Whether it opens the adapter of the benchmark; otherwise it takes the first that it finds. */
  opensAdapter: boolean;
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

export const PEERS: readonly PeerSpec[] = [
  { name: PARSIMONY, packages: {}, passes: BOTH, opensAdapter: true },
  { name: 'ort-mha-webgpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { name: 'ort-plain-webgpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { name: 'ort-mha-cpu', packages: ONNXRUNTIME, passes: FORWARD, opensAdapter: false },
  { name: 'tfjs-webgpu', packages: TFJS, passes: BOTH, opensAdapter: true },
  { name: 'jax-js-webgpu', packages: JAX_JS, passes: BOTH, opensAdapter: true },
];

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
