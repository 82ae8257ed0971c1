import { median } from 'simple-statistics';
import { choicesFor, tilesOn } from '../src/attention/kernel-choices.js';
import type { Device } from '../src/gpu/device.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import type { AttentionBenchOptions } from './attention-bench.js';
import { AttentionImplementation } from './attention-implementation.js';
import { type AttentionSweep, hasBackward, type Pass } from './attention-settings.js';
import { type BenchmarkReport, newReport } from './bench-report.js';
import { both, GREEN } from './gate.js';
import { randomInputs } from './inputs.js';
import { medianOfRatios } from './statistics.js';
import { type Implementation, timeInTurns } from './timing.js';
import { tagsOfAll, tagText, workloadOf } from './workload.js';

/** The cost of a document, timed in turns with shorter and longer ones. */
export type GrowthRow = Awaited<ReturnType<typeof timedRows>>[number];

export type GrowthReport = BenchmarkReport<
  'growth',
  Omit<GrowthSweep, 'rules'> & { rules: string[] },
  GrowthRow
>;

type GrowthSweep = Omit<AttentionSweep, 'lengths'> & { lengths: number[] };

/** Runs of the shortest document in a turn, at most. */
const MOST_RUNS = 16;

/** Times documents of several lengths in turns, to show whether time grows with the pairs and memory with the tokens. */
export async function benchGrowth(
  device: Device,
  sweep: GrowthSweep,
  options: AttentionBenchOptions,
): Promise<GrowthReport> {
  const { rules, strategies } = sweep;
  const settings = { ...sweep, rules: rules.map(({ name }) => name) };
  const report: GrowthReport = newReport(device, 'growth', settings, rules, options);
  for (const set of rules) {
    for (const strategy of strategies) {
      if (options.signal?.aborted) break;
      await benchVariant(device, sweep, { strategy, rules: set }, options, report);
    }
  }
  report.interrupted = options.signal?.aborted ?? false;
  return report;
}

interface Entry {
  length: number;
  attention: AttentionImplementation;
  bufferBytes: number;
}

async function benchVariant(
  device: Device,
  sweep: GrowthSweep,
  { strategy, rules }: { strategy: Strategy; rules: RuleSet },
  options: AttentionBenchOptions,
  report: GrowthReport,
): Promise<void> {
  const { lengths, passes, seed, causal } = sweep;
  const text = tagText(options.texts, options.vocabulary, Math.max(...lengths), tagsOfAll(sweep.rules));
  for (const heads of sweep.heads) {
    for (const headDim of sweep.headDims) {
      const entries: Entry[] = [];
      let gate = GREEN;
      for (const length of [...lengths].sort((a, b) => a - b)) {
        options.onNote?.(
          `checking ${length} tokens, ${heads} heads of ${headDim}, ${strategy}, ${rules.name}`,
        );
        const before = device.allocatedBytes;
        const workload = { ...workloadOf(text.sentences, length, 1, heads, headDim, text.tags), causal };
        const tiles = tilesOn(device, choicesFor(headDim, options.kernels));
        const variant = { strategy, rules, order: 'tags', tiles } as const;
        const attention = new AttentionImplementation(
          device,
          workload,
          variant,
          randomInputs(workload, seed),
        );
        gate = both(gate, await attention.gate(hasBackward(passes), seed));
        entries.push({ length, attention, bufferBytes: device.allocatedBytes - before });
      }
      report.gate = both(report.gate, gate);
      for (const pass of passes) {
        if (options.signal?.aborted) break;
        options.onNote?.(`timing all lengths, ${strategy}, ${rules.name}, ${pass}`);
        const fields = { strategy, rules: rules.name, pass, heads, headDim };
        report.rows.push(...(await timedRows(device, sweep, entries, fields, gate.passed, options.signal)));
      }
      for (const { attention } of entries) attention.release();
    }
  }
}

async function timedRows(
  device: Device,
  { repeats, seed }: GrowthSweep,
  entries: readonly Entry[],
  fields: { strategy: Strategy; rules: string; pass: Pass; heads: number; headDim: number },
  gatePassed: boolean,
  signal: AbortSignal | undefined,
) {
  const { heads, pass } = fields;
  const pairsOf = ({ attention }: Entry) => attention.layout.pairCounts.useful;
  const most = Math.max(...entries.map(pairsOf));
  const runs = entries.map((entry) => Math.min(MOST_RUNS, Math.round(most / pairsOf(entry))));
  const implementations = entries.map(({ attention, length }, at): Implementation => {
    const { run } = attention.timed(pass);
    return { name: `${length}`, run: (times) => run(times * runs[at]) };
  });
  const times = await timeInTurns(implementations, { repeats, seed, device, signal });
  if (times[0].wall.length === 0) return [];
  const perPair = entries.map((entry, at) =>
    times[at].wall.map((wall) => (1e6 * wall) / runs[at] / pairsOf(entry) / heads),
  );
  return entries.map(({ length, attention, bufferBytes }, at) => {
    const timesMs = times[at].wall.map((wall) => wall / runs[at]);
    const { ratio, low, high } = medianOfRatios(perPair[at], perPair[0]);
    const shown = (value: number): number | null => (gatePassed ? value : null);
    const { useful, executed } = attention.layout.pairCounts;
    return {
      ...fields,
      length,
      repeats: timesMs.length,
      /** Runs of which each time is the mean: more of short documents, so that all turns are long ones. */
      runsPerRepeat: runs[at],
      medianMs: median(timesMs),
      timesMs,
      usefulPairs: useful,
      executedPairs: executed,
      /** Bytes of GPU buffers and textures. */
      bufferBytes,
      bytesPerToken: bufferBytes / length,
      /** Nanoseconds of a useful pair in one head. What depends on times is null where the correctness gate was red. */
      nsPerUsefulPair: shown(median(perPair[at])),
      /** The same over that of the shortest document, with its interval. */
      ratioToShortest: shown(ratio),
      ratioLow: shown(low),
      ratioHigh: shown(high),
    };
  });
}
