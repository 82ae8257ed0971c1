import { openDevice } from '../../src/gpu/open-device.js';
import { AttentionImplementation } from '../attention-implementation.js';
import type { OpenPeer } from './peer.js';

/** Our own: the dense kernel, or the sparse one with a plan of the hard rules. */
export const openParsimony: OpenPeer = async ({ adapter }) => {
  const device = await openDevice({ adapter });
  return {
    adapter: () => device.adapter.description,
    async prepare({ workload, inputs, mask, rules, backward, seed }) {
      const before = device.allocatedBytes;
      const variant = { strategy: mask ? 'hard' : 'none', rules, order: 'tags' } as const;
      const attention = new AttentionImplementation(device, workload, variant, inputs);
      const implementation = attention.timed(backward);
      return {
        planMs: attention.planMs,
        pairCounts: attention.layout.pairCounts,
        bufferBytes: device.allocatedBytes - before,
        run: () => implementation.run(1),
        check: () => attention.gate(backward, seed),
        release: () => attention.release(),
      };
    },
  };
};
