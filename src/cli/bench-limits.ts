import { Command } from 'commander';
import { describeEnvironment } from '../../bench/environment.js';
import { type Limits, measureLimits } from '../../bench/limits.js';
import type { PeakShares } from '../../bench/peak-share.js';
import { measureRoofline, type RooflineRow } from '../../bench/roofline.js';
import { isOverAll } from '../../bench/suspicions.js';
import { KernelClock } from '../gpu/timestamps.js';
import {
  type OutputFlags,
  outputOptions,
  printGate,
  printHeading,
  warnOfLoad,
  writeReport,
} from './bench-output.js';
import { bad } from './colour.js';
import { adapterOption, withDevice } from './options.js';
import { note, percent, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench limits --json limits.json`;

/** `parsimony bench limits` */
export function benchLimitsCommand(): Command {
  const command = new Command('limits')
    .description("the adapter's measured peaks, and where each kernel stands under them")
    .addOption(adapterOption());
  for (const option of outputOptions()) command.addOption(option);
  return command.addHelpText('after', EXAMPLE).action(run);
}

async function run(flags: OutputFlags & { adapter?: string }): Promise<void> {
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    const environment = describeEnvironment(device, [], 0);
    if (KernelClock.isSupported(device.gpu)) device.clock = new KernelClock(device);
    const { limits, shares } = await measureLimits(device);
    const rows = device.clock ? await measureRoofline(device, limits) : [];
    device.clock?.release();
    const { products, dense, gate } = shares;
    const report = { kind: 'limits', environment, limits, products, dense, gate, rows };
    await writeReport(flags, report);
    if (flags.json !== '-') {
      printHeading(environment);
      print();
      printLimits(limits);
      printShares(shares);
      if (rows.length > 0) printRoofline(rows);
      else note('This adapter has no timestamps, so that kernels cannot be timed one by one.');
      printGate(report);
    }
  });
}

function printLimits(limits: Limits): void {
  const { gpuTimerMicroseconds } = limits;
  printTable(
    ['limit', 'measured'],
    [
      ['multiply-adds, no memory', `${limits.multiplyAddGflops.toFixed(1)} GFLOP/s`],
      ['matrix product, f32, the best below', `${limits.matrixProductGflops.toFixed(1)} GFLOP/s`],
      ['copy, read and written', `${limits.copyGBs.toFixed(1)} GB/s`],
      ['a dispatch', `${limits.dispatchMicroseconds.toFixed(1)} µs`],
      ['a submit and its end', `${limits.submitMicroseconds.toFixed(0)} µs`],
      ['step of the wall clock', `${limits.wallTimerMicroseconds.toFixed(2)} µs`],
      [
        "step of the GPU's clock",
        gpuTimerMicroseconds === null ? 'none' : `${gpuTimerMicroseconds.toFixed(2)} µs`,
      ],
    ],
  );
}

function marked(share: number): string {
  return isOverAll(share) ? bad(`${percent(share)} (!)`) : percent(share);
}

function printShares({ products, dense }: PeakShares): void {
  const rate = (gflops: number) => `${gflops.toFixed(1)} GFLOP/s`;
  print();
  printTable(
    ['in turns', 'shape', 'rate', 'of the best product'],
    [
      ...products.map(({ rows, inputs, outputs, gflops }) => [
        'matrix product',
        `${rows} x ${inputs} x ${outputs}`,
        rate(gflops),
        '',
      ]),
      ...dense.map(({ length, heads, headDim, gflops, shareOfPeak }) => [
        'dense attention, forward',
        `${length} tokens, ${heads} heads of ${headDim}`,
        rate(gflops),
        shareOfPeak === null ? 'not shown' : marked(shareOfPeak),
      ]),
    ],
  );
}

function printRoofline(rows: readonly RooflineRow[]): void {
  print();
  printTable(
    ['kernel', 'shape', 'time', 'FLOPs a byte', 'GFLOP/s', 'roof', 'of roof'],
    rows.map(({ kernel, shape, medianMs, intensity, gflops, roofGflops, shareOfRoof }) => [
      kernel,
      shape,
      `${medianMs.toFixed(2)} ms`,
      intensity.toFixed(1),
      gflops.toFixed(1),
      roofGflops.toFixed(1),
      marked(shareOfRoof),
    ]),
  );
  print();
  print('roof: the lesser of the matrix-product peak and FLOPs a byte x copy bandwidth.');
}
