import type { Device } from '../src/gpu/device.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import type { Text } from '../src/grammar/custom-tags.js';
import type { AttentionRow } from './attention-row.js';
import { type AttentionSweep, SENTENCES } from './attention-settings.js';
import { type BenchmarkReport, type BenchOptions, newReport } from './bench-report.js';
import { type BreakEven, breakEvens } from './break-even.js';
import type { Workload } from './inputs.js';
import { DATA_LABELS, labelledWorkload } from './label-layouts.js';
import { machineOf } from './machine-probe.js';
import type { MeasuredMachine } from './predicted-schedule.js';
import { ShapeBench, type ShapeBenchOptions, type ShapeResults } from './shape-bench.js';
import { namesOfRules, rulesOfShape } from './swept-rules.js';
import { tagsOfAll, tagText, workloadOf } from './workload.js';

/** What `benchAttention` measured: a row for each implementation, shape and pass, and whether all were right. */
export interface AttentionReport
  extends ShapeResults,
    BenchmarkReport<'attention', Omit<AttentionSweep, 'rules'> & { rules: string[] }, AttentionRow> {
  /** One for each sparse strategy, rule set, head shape and pass over documents. */
  breakEven: BreakEven[];
  /** The adapter as probes describe it, for what plans allow. */
  machines: (MeasuredMachine & { headDim: number })[];
}

export interface AttentionBenchOptions extends BenchOptions, Pick<ShapeBenchOptions, 'contenders'> {
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
  const settings = { ...sweep, rules: namesOfRules(sweep) };
  const report: AttentionReport = {
    ...newReport(device, 'attention', settings, rules, options),
    rows: [],
    preparation: [],
    breakEven: [],
    machines: [],
  };
  if (KernelClock.isSupported(device.gpu)) device.clock = new KernelClock(device);
  try {
    for (const labels of sweep.labels) {
      for (const length of sweep.lengths) {
        const { tagMs, workload: workloadFor } = workloadsOf(sweep, labels, length, options);
        for (const heads of sweep.heads) {
          for (const headDim of sweep.headDims) {
            if (options.signal?.aborted) break;
            const workload = workloadFor(heads, headDim);
            const rulesHere = rulesOfShape(sweep, labels, workload, options.onNote);
            const swept = { ...sweep, rules: rulesHere };
            const bench = new ShapeBench(device, swept, workload, length === SENTENCES, options, report);
            await bench.run();
            if (heads === sweep.heads[0] && headDim === sweep.headDims[0]) bench.prepare(tagMs);
            await options.onProgress?.(report);
          }
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

/** The workloads of labels and a length, and the time of tagging their text; undefined where no text is tagged. */
function workloadsOf(
  sweep: AttentionSweep,
  labels: string,
  length: AttentionSweep['lengths'][number],
  { texts, vocabulary }: AttentionBenchOptions,
): { tagMs?: number; workload(heads: number, headDim: number): Workload } {
  const { batch, causal, rules, seed } = sweep;
  if (labels !== DATA_LABELS && length !== SENTENCES) {
    const of = (heads: number, headDim: number) =>
      labelledWorkload(labels, length, batch, { heads, headDim }, seed);
    return { workload: (heads, headDim) => ({ ...of(heads, headDim), causal }) };
  }
  const tokens = length === SENTENCES ? Number.POSITIVE_INFINITY : length * batch;
  const tagged = length === SENTENCES ? texts.slice(0, batch) : texts;
  const text = tagText(tagged, vocabulary, tokens, tagsOfAll(rules));
  return {
    tagMs: text.milliseconds,
    workload: (heads, headDim) => ({
      ...workloadOf(text.sentences, length, batch, heads, headDim, text.tags),
      causal,
    }),
  };
}
