import { median } from 'simple-statistics';
import { createStorage } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { BoundKernels, Recorder } from '../src/gpu/recorder.js';
import { bestProduct, measurePeakShares, type PeakOptions } from './peak-share.js';
import { warmUp } from './timing.js';

/** The measured limits of an adapter. */
export type Limits = Awaited<ReturnType<typeof measureLimits>>['limits'];

const COPY_BYTES = 64 * 2 ** 20;
const DISPATCHES = 1000;
const REPEATS = 7;

/** The median time of some work in milliseconds. */
async function timed(
  device: Device,
  record: (recorder: Recorder) => void,
  repeats = REPEATS,
): Promise<number> {
  const bound = new BoundKernels();
  const once = async () => {
    const recorder = new Recorder(device, bound);
    record(recorder);
    const began = performance.now();
    recorder.submit();
    await device.finish();
    return performance.now() - began;
  };
  await once();
  await warmUp(device, once);
  const times: number[] = [];
  for (let repeat = 0; repeat < repeats; repeat++) times.push(await once());
  return median(times);
}

async function multiplyAdd(device: Device): Promise<number> {
  const [groups, rounds] = device.isSoftware ? [512, 512] : [16_384, 4096];
  const output = createStorage(device, 4 * 64 * groups, 'sums');
  const milliseconds = await timed(device, (recorder) => {
    recorder.dispatch({
      kernel: 'peaks/multiply_add',
      buffers: { output },
      parameters: { rounds, factor: 0.999, addend: 0.001 },
      grid: [groups],
    });
  });
  device.release(output);
  return (2 * 8 * 4 * 64 * groups * rounds) / milliseconds / 1e6;
}

/** The rate of a large copy, by a kernel or by the driver, in GB/s read and written. */
export async function copyBandwidth(device: Device): Promise<number> {
  const input = createStorage(device, COPY_BYTES, 'source');
  const output = createStorage(device, COPY_BYTES, 'copy');
  const vectors = COPY_BYTES / 16;
  const byKernel = await timed(device, (recorder) => {
    recorder.dispatch({
      kernel: 'peaks/copy',
      buffers: { input, output },
      parameters: { vectors },
      grid: recorder.folded(Math.ceil(vectors / 64)),
    });
  });
  const byDriver = await timed(device, (recorder) => {
    recorder.copy({ buffer: input }, { buffer: output }, COPY_BYTES);
  });
  device.release(input);
  device.release(output);
  return (2 * COPY_BYTES) / Math.min(byKernel, byDriver) / 1e6;
}

/** The time of a dispatch among others in microseconds, the mean of `count`. */
export async function dispatchOverhead(device: Device, count = DISPATCHES): Promise<number> {
  const input = createStorage(device, 16, 'source');
  const output = createStorage(device, 16, 'copy');
  const record = (dispatches: number) => (recorder: Recorder) => {
    for (let dispatch = 0; dispatch < dispatches; dispatch++) {
      recorder.dispatch({
        kernel: 'peaks/copy',
        buffers: { input, output },
        parameters: { vectors: 0 },
        grid: [1],
      });
    }
  };
  const many = await timed(device, record(count + 1), 3);
  const one = await timed(device, record(1));
  device.release(input);
  device.release(output);
  return (1000 * Math.max(0, many - one)) / count;
}

async function submitOverhead(device: Device): Promise<number> {
  const times: number[] = [];
  for (let repeat = 0; repeat < 50; repeat++) {
    const encoder = device.gpu.createCommandEncoder();
    const began = performance.now();
    // Without the engine's own accounting, which is not a cost of the driver.
    device.gpu.queue.submit([encoder.finish()]);
    await device.finish();
    times.push(performance.now() - began);
  }
  return 1000 * median(times);
}

function wallTimerStep(): number {
  let step = Number.POSITIVE_INFINITY;
  let last = performance.now();
  for (let reading = 0; reading < 100_000; reading++) {
    const now = performance.now();
    if (now > last) step = Math.min(step, now - last);
    last = now;
  }
  return 1000 * step;
}

/** The smallest step between the times of many short dispatches, in microseconds; null without the device's clock. */
async function gpuTimerStep(device: Device): Promise<number | null> {
  const { clock } = device;
  if (!clock) return null;
  clock.restart();
  await dispatchOverhead(device);
  const times = (await clock.read()).slice(0, 500).flatMap(({ begin, end }) => [begin, end]);
  const steps = times.slice(1).map((time, index) => Math.abs(time - times[index]));
  return steps.filter((step) => step > 0).reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY) / 1000;
}

/** The two limits of a roofline. */
export async function measurePeaks(device: Device): Promise<{ gflops: number; gigabytesPerSecond: number }> {
  const { products } = await measurePeakShares(device, { lengths: [], repeats: 3 });
  return { gflops: bestProduct(products), gigabytesPerSecond: await copyBandwidth(device) };
}

/** Dense attention and the peak. A ratio needs more turns than a time. */
const SHARES: PeakOptions = { lengths: [512, 1024, 2048], repeats: 15 };

/** Measures an adapter's limits one after the other, and dense attention in turns with the products of the peak. */
export async function measureLimits(device: Device, options: PeakOptions = SHARES) {
  const { clock } = device;
  const gpuTimerMicroseconds = await gpuTimerStep(device);
  // The clock needs a pass for every dispatch, which programs do not have.
  device.clock = undefined;
  try {
    const shares = await measurePeakShares(device, options);
    const limits = {
      /** Fused multiply-adds without memory, counted as two operations, in GFLOP/s. */
      multiplyAddGflops: await multiplyAdd(device),
      /** Our own best f32 matrix product, by the linear kernel, in GFLOP/s: what attention is compared with, not the adapter's peak. */
      matrixProductGflops: bestProduct(shares.products),
      /** A copy of 64 MB by a kernel or by the driver, whichever is faster: bytes read and written, in GB/s. */
      copyGBs: await copyBandwidth(device),
      /** One dispatch among a thousand in a pass, in microseconds. */
      dispatchMicroseconds: await dispatchOverhead(device),
      /** An empty submit and its end, in microseconds. */
      submitMicroseconds: await submitOverhead(device),
      /** The smallest step seen of the clock that times the wall, in microseconds. */
      wallTimerMicroseconds: wallTimerStep(),
      /** The smallest step seen of the GPU's own clock, in microseconds; null where there is none. */
      gpuTimerMicroseconds,
    };
    return { limits, shares };
  } finally {
    device.clock = clock;
  }
}
