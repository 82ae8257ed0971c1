import type { Device } from '../src/gpu/device.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import type { Text } from '../src/grammar/custom-tags.js';
import type { AttentionRow } from './attention-row.js';
import { type AttentionSweep, SENTENCES } from './attention-settings.js';
import { type BenchmarkReport, type BenchOptions, newReport } from './bench-report.js';
import { type BreakEven, breakEvens } from './break-even.js';
import { machineOf } from './machine-probe.js';
import type { MeasuredMachine } from './predicted-schedule.js';
import { ShapeBench, type ShapeResults } from './shape-bench.js';
import { tagsOfAll, tagText, workloadOf } from './workload.js';

export interface AttentionReport
  extends ShapeResults,
    BenchmarkReport<'attention', Omit<AttentionSweep, 'rules'> & { rules: string[] }, AttentionRow> {
  breakEven: BreakEven[];
  /** The adapter as probes describe it, for what plans allow. */
  machines: (MeasuredMachine & { headDim: number })[];
}

export interface AttentionBenchOptions extends BenchOptions {
  /** Words with custom tags keep them. */
  texts: readonly (string | Text)[];
  /** Called after each shape, with the rows so far. */
  onProgress?(report: AttentionReport): Promise<void>;
}

/** Runs a sweep. Where the gate is red, rows have no speed-ups, and the report says why. */
export async function benchAttention(
  device: Device,
  sweep: AttentionSweep,
  options: AttentionBenchOptions,
): Promise<AttentionReport> {
  const { rules } = sweep;
  const settings = { ...sweep, rules: rules.map(({ name }) => name) };
  const report: AttentionReport = {
    ...newReport(device, 'attention', settings, rules, options),
    rows: [],
    preparation: [],
    breakEven: [],
    machines: [],
  };
  if (KernelClock.isSupported(device.gpu)) device.clock = new KernelClock(device);
  try {
    for (const length of sweep.lengths) {
      const tokens = length === SENTENCES ? Number.POSITIVE_INFINITY : length * sweep.batch;
      const texts = length === SENTENCES ? options.texts.slice(0, sweep.batch) : options.texts;
      const text = tagText(texts, options.vocabulary, tokens, tagsOfAll(rules));
      for (const heads of sweep.heads) {
        for (const headDim of sweep.headDims) {
          if (options.signal?.aborted) break;
          const packed = workloadOf(text.sentences, length, sweep.batch, heads, headDim, text.tags);
          const workload = { ...packed, causal: sweep.causal };
          const bench = new ShapeBench(device, sweep, workload, length === SENTENCES, options, report);
          await bench.run();
          if (heads === sweep.heads[0] && headDim === sweep.headDims[0]) bench.prepare(text.milliseconds);
          await options.onProgress?.(report);
        }
      }
    }
  } finally {
    device.clock?.release();
    device.clock = undefined;
  }
  for (const headDim of options.signal?.aborted ? [] : sweep.headDims)
    report.machines.push({ headDim, ...(await machineOf(device, headDim)) });
  report.interrupted = options.signal?.aborted ?? false;
  report.breakEven = breakEvens(report.rows);
  return report;
}
