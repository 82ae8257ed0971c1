import { median } from 'simple-statistics';
import { Attention } from '../src/attention/attention.js';
import { Workspace } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { Recorder } from '../src/gpu/recorder.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import { recordLayerNorm, recordLayerNormBackward } from '../src/nn/layer-norm.js';
import { recordLinear, recordLinearBackward } from '../src/nn/linear.js';
import { AttentionMask } from '../src/plan/mask.js';
import { describeEnvironment, type Environment } from './environment.js';
import { type Limits, measureLimits } from './limits.js';
import { machineOf } from './machine-probe.js';
import type { PeakOptions, PeakShares } from './peak-share.js';
import type { MeasuredMachine } from './predicted-schedule.js';

/** A kernel under the adapter's roofline (Williams, Waterman and Patterson, 2009). */
export type RooflineRow = ReturnType<typeof rooflineRow>;

/** The file that `bench limits --json` writes. */
export interface LimitsReport extends PeakShares {
  kind: 'limits';
  environment: Environment;
  limits: Limits;
  /** What runs workgroups, for models of a schedule; absent after a quick measurement, and in older files. */
  machine?: MeasuredMachine;
  /** Empty where the adapter has no timestamps, or the run was ended early. */
  rows: readonly RooflineRow[];
}

/**
 * Measures an adapter's peaks, and the kernels of an encoder layer under them.
 * @param quick Peaks from these measurements instead of the usual ones, and no kernels.
 */
export async function benchLimits(
  device: Device,
  signal: AbortSignal,
  quick?: PeakOptions,
): Promise<LimitsReport> {
  const environment = describeEnvironment(device, [], 0);
  const clock = KernelClock.isSupported(device.gpu) ? new KernelClock(device) : undefined;
  device.clock = clock;
  try {
    const { limits, shares } = await measureLimits(device, quick);
    const rows = clock && !quick && !signal.aborted ? await measureRoofline(device, limits) : [];
    const machine = quick || signal.aborted ? undefined : await machineOf(device, HIDDEN / HEADS);
    return { kind: 'limits', environment, limits, machine, ...shares, rows };
  } finally {
    clock?.release();
    device.clock = undefined;
  }
}

const ROWS = 1024;
const HIDDEN = 512;
const INNER = 2048;
const HEADS = 8;
const REPEATS = 5;

/** FLOPs and numbers of a kernel at the shape that is recorded. */
interface Work {
  /** The kernel's name, without its family. */
  kernel: string;
  shape: string;
  flops: number;
  floats: number;
}

/** Runs the kernels of an encoder layer at a fixed shape, each timed by the GPU's own clock, which must be set. */
async function measureRoofline(device: Device, limits: Limits): Promise<RooflineRow[]> {
  const workspace = new Workspace(device, 'roofline');
  const attention = new Attention(device, { lengths: [ROWS], mask: AttentionMask.all() });
  const times = new Map<string, number[]>();
  for (let repeat = 0; repeat <= REPEATS; repeat++) {
    device.clock!.restart();
    encodeLayer(device, workspace, attention);
    await device.finish();
    for (const { label, begin, end } of await device.clock!.read()) {
      const kernel = label.split(' ')[0];
      if (repeat > 0) times.set(kernel, [...(times.get(kernel) ?? []), (end - begin) / 1e6]);
    }
  }
  attention.release();
  workspace.release();
  return WORKS.flatMap((work) => {
    const name = [...times.keys()].find((key) => key.replace(/\/(wide|subgroup)\//, '/') === work.kernel);
    return name ? [rooflineRow({ ...work, kernel: name }, median(times.get(name)!), limits)] : [];
  });
}

function rooflineRow({ kernel, shape, flops, floats }: Work, medianMs: number, limits: Limits) {
  const bytes = 4 * floats;
  const intensity = flops / bytes;
  const gflops = flops / medianMs / 1e6;
  const roofGflops = Math.min(limits.matrixProductGflops, intensity * limits.copyGBs);
  return {
    kernel,
    shape,
    medianMs,
    /** Operations that the formula needs, a multiply-add counted as two. */
    flops,
    /** Bytes of its operands and results, each read or written once. */
    bytes,
    /** FLOPs a byte. */
    intensity,
    gflops,
    /** The limit of the adapter at this intensity: the lesser of our best matrix product and intensity x bandwidth. */
    roofGflops,
    shareOfRoof: gflops / roofGflops,
  };
}

const NUMBERS = ROWS * HIDDEN;

/** A kernel on [ROWS, width] numbers. @param operations For each number. @param moved Tensors that are read or written. */
const pointwise = (kernel: string, width: number, operations: number, moved: number): Work => ({
  kernel: `layers/${kernel}`,
  shape: `${ROWS} x ${width}`,
  flops: operations * ROWS * width,
  floats: moved * ROWS * width,
});

const attention = (kernel: string, products: number, tensors: number): Work => ({
  kernel: `attention/dense_${kernel}`,
  shape: `${ROWS} tokens, ${HEADS} heads of ${HIDDEN / HEADS}`,
  flops: products * 2 * ROWS * ROWS * HIDDEN,
  floats: tensors * NUMBERS,
});

const WORKS: readonly Work[] = [
  ...['forward', 'input_gradient', 'weight_gradient'].map((name) => ({
    kernel: `linear/${name}`,
    shape: `${ROWS} x ${HIDDEN} x ${INNER}`,
    flops: 2 * ROWS * HIDDEN * INNER,
    floats: ROWS * HIDDEN + HIDDEN * INNER + ROWS * INNER,
  })),
  attention('forward', 2, 4),
  attention('backward_query', 3, 5),
  attention('backward_key_value', 4, 6),
  // Mean, variance, scaling and shift: about eight operations a number.
  pointwise('layer_norm_forward', HIDDEN, 8, 2),
  // The gradients of input, weight and bias: about twenty.
  pointwise('layer_norm_backward', HIDDEN, 20, 3),
];

function encodeLayer(device: Device, workspace: Workspace, attention: Attention): void {
  const narrow = (name: string) => workspace.floats(name, NUMBERS);
  const wide = (name: string) => workspace.floats(name, ROWS * INNER);
  const input = narrow('input');
  const weight = workspace.floats('weight', HIDDEN * INNER);
  const vector = (name: string) => workspace.floats(name, INNER);
  const shape = { rows: ROWS, inputs: HIDDEN, outputs: INNER };
  const recorder = new Recorder(device);
  recordLayerNorm(recorder, { rows: ROWS, hidden: HIDDEN }, 1e-12, {
    input,
    weight: vector('norm weight'),
    bias: vector('norm bias'),
    output: narrow('normed'),
    statistics: workspace.floats('statistics', 2 * ROWS),
  });
  recordLinear(recorder, workspace, shape, { input, weight, bias: vector('bias'), output: wide('inner') });
  recordLayerNormBackward(
    recorder,
    workspace,
    { rows: ROWS, hidden: HIDDEN },
    {
      input,
      weight: vector('norm weight'),
      statistics: workspace.floats('statistics', 2 * ROWS),
      outputGradient: narrow('output gradient'),
      inputGradient: narrow('normed'),
      weightGradient: vector('norm weight gradient'),
      biasGradient: vector('norm bias gradient'),
    },
  );
  recordLinearBackward(recorder, workspace, shape, {
    input,
    weight,
    outputGradient: wide('inner'),
    inputGradient: narrow('normed'),
    weightGradient: workspace.floats('weight gradient', HIDDEN * INNER),
    biasGradient: vector('bias gradient'),
  });
  recorder.submit();
  const encoder = device.gpu.createCommandEncoder();
  const heads = { heads: HEADS, headDim: HIDDEN / HEADS };
  const buffers = {
    query: input,
    key: narrow('key'),
    value: narrow('value'),
    output: narrow('output'),
    logSumExp: workspace.floats('log-sum-exp', ROWS * HEADS),
    outputGradient: narrow('output gradient'),
    queryGradient: narrow('query gradient'),
    keyGradient: narrow('key gradient'),
    valueGradient: narrow('value gradient'),
  };
  attention.encodeForward(encoder, heads, buffers);
  attention.encodeBackward(encoder, heads, buffers);
  device.submit(encoder);
}
