import type { MeasuredMachine } from './predicted-schedule.js';

/**
 * An NVIDIA H200 through Vulkan, with heads of 64. The step of dense attention reproduces the trial of `docs/kernel-trials.md` ("64 columns a
 * step, … chunks of 4 vectors"): 23.4 TFLOP/s at 1,024 tokens, 28.7 at 4,096, and 26.8 at 1,024 with 64 heads. The costs of ranges
 * and of a dispatch are those that reproduce `bench/results/attention-h200.json`, of kernels with steps of 32. The
 * costs of a step that is half full, of bits for masks, of tiles of 16 rows and of combining are estimates: no kernel of these was timed there.
 */
export const H200: MeasuredMachine & { name: string; source: string } = {
  name: 'NVIDIA H200',
  source: 'bench/results/attention-h200.json, and the trials of docs/kernel-trials.md',
  multiprocessors: 132,
  sharesBeforehand: false,
  dispatch: 3,
  item: 1,
  kernels: [
    {
      rows: 32,
      resident: 3,
      dense: { alone: 5, busy: 2.05 },
      sparse: { alone: 5.8, busy: 2.05 },
      stepOverhead: 0.24,
      masked: 1.03,
    },
    {
      rows: 16,
      resident: 5,
      dense: { alone: 4.25, busy: 1.27 },
      sparse: { alone: 4.93, busy: 1.27 },
      stepOverhead: 0.24,
      masked: 1.03,
    },
  ],
  combining: { latency: 2.5, gigabytesPerSecond: 2500 },
};
