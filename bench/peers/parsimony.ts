import { choicesFor, tilesOn } from '../../src/attention/kernel-choices.js';
import type { Precision } from '../../src/base/precision.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { KernelClock } from '../../src/gpu/timestamps.js';
import { AttentionImplementation } from '../attention-implementation.js';
import { clockedRun } from '../timing.js';
import type { OpenPeer } from './peer.js';

/** Our own: the dense kernel, or the sparse one with a plan of the hard rules. */
export const openParsimony =
  (precision: Precision): OpenPeer =>
  async ({ adapter }) => {
    const device = await openDevice({ adapter, precision });
    const clock = KernelClock.isSupported(device.gpu) ? new KernelClock(device) : undefined;
    return {
      adapter: () => device.adapter.description,
      async prepare({ workload, inputs, mask, rules, backward, seed, kernels }) {
        const before = device.allocatedBytes;
        const tiles = tilesOn(device, choicesFor(workload.headDim, kernels), precision);
        const variant = { strategy: mask ? 'hard' : 'none', rules, order: 'tags', precision, tiles } as const;
        const attention = new AttentionImplementation(device, workload, variant, inputs);
        const implementation = attention.timed(backward ? 'forward+backward' : 'forward');
        return {
          planMs: attention.planMs,
          pairCounts: attention.layout.pairCounts,
          bufferBytes: device.allocatedBytes - before,
          run: () => implementation.run(1),
          gpuMs:
            clock &&
            (async () => {
              const kernels = await clockedRun(device, clock, () => implementation.run(1));
              return kernels.reduce((sum, { begin, end }) => sum + (end - begin) / 1e6, 0);
            }),
          check: () => attention.gate(backward, seed),
          release: () => attention.release(),
        };
      },
    };
  };
