import type { Device } from '../src/gpu/device.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import type { Text } from '../src/grammar/custom-tags.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { type AttentionSweep, SENTENCES } from './attention-settings.js';
import { type BreakEven, breakEvens } from './break-even.js';
import { describeEnvironment, type Environment } from './environment.js';
import { GREEN } from './gate.js';
import { ShapeBench, type ShapeBenchOptions, type ShapeResults } from './shape-bench.js';
import { tagsOfAll, tagText, workloadOf } from './workload.js';

/** The file that `bench attention --json` writes. */
export interface AttentionReport extends ShapeResults {
  kind: 'attention';
  environment: Environment;
  settings: Omit<AttentionSweep, 'rules'> & { rules: string[]; data: string };
  /** True where the run was ended early: the rows are those of what was measured by then. */
  interrupted: boolean;
  breakEven: BreakEven[];
}

export interface AttentionBenchOptions extends ShapeBenchOptions {
  data: string;
  /** Words that bring tags of their own keep them. */
  texts: readonly (string | Text)[];
  vocabulary: Vocabulary;
}

/** Runs a sweep. A red gate ends nothing: its rows are without speed-ups, and the report says why. */
export async function benchAttention(
  device: Device,
  sweep: AttentionSweep,
  options: AttentionBenchOptions,
): Promise<AttentionReport> {
  const { rules, ...settings } = sweep;
  const report: AttentionReport = {
    kind: 'attention',
    environment: describeEnvironment(device, rules, sweep.seed, options.kernels),
    settings: { ...settings, rules: rules.map(({ name }) => name), data: options.data },
    gate: GREEN,
    interrupted: false,
    rows: [],
    preparation: [],
    breakEven: [],
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
        }
      }
    }
  } finally {
    device.clock?.release();
    device.clock = undefined;
  }
  report.interrupted = options.signal?.aborted ?? false;
  report.breakEven = breakEvens(report.rows);
  return report;
}
