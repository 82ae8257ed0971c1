import { TYPICAL_GPU } from '../src/plan/machine.js';
import type { KernelTimes, MeasuredMachine } from './predicted-schedule.js';

const { multiprocessors, launch, start, steps, combine, bandwidth } = TYPICAL_GPU;

function kernelOf(rows: 32 | 16): KernelTimes {
  const { resident, ...dense } = steps[rows];
  return {
    rows,
    resident,
    dense,
    sparse: { ...dense, alone: 1.16 * dense.alone },
    stepOverhead: 0.24,
    masked: { dense: 1.05, sparse: 1.03 },
  };
}

/**
 * An NVIDIA H200 through Vulkan, with heads of 64: the planner's GPU, and what the planner does not need. The step of dense attention
 * reproduces the trial of `docs/kernel-trials.md` ("64 columns a step, … chunks of 4 vectors"): 23.4 TFLOP/s at 1,024 tokens, 28.7 at
 * 4,096, and 26.8 at 1,024 with 64 heads. The costs of ranges and of a dispatch are those that reproduce
 * `bench/results/attention-h200.json`, of kernels with steps of 32. The costs of a step that is not full, of bits for masks, of tiles of
 * 16 rows and of combining are estimates: no kernel of these was timed there.
 */
export const H200: MeasuredMachine & { name: string; source: string } = {
  name: 'NVIDIA H200',
  source: 'bench/results/attention-h200.json, and the trials of docs/kernel-trials.md',
  multiprocessors,
  sharesBeforehand: false,
  dispatch: launch,
  item: start,
  kernels: [kernelOf(32), kernelOf(16)],
  combining: { latency: combine, gigabytesPerSecond: bandwidth / 1000 },
};
