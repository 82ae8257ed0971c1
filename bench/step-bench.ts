import { median } from 'simple-statistics';
import { choicesFor } from '../src/attention/kernel-choices.js';
import type { Precision } from '../src/base/precision.js';
import type { Example } from '../src/data/dataset.js';
import type { Device } from '../src/gpu/device.js';
import { KernelClock } from '../src/gpu/timestamps.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import { TaggedTokenizer, type TaggedTokens } from '../src/grammar/tagged-tokenizer.js';
import { AttentionImplementation } from './attention-implementation.js';
import { SENTENCES } from './attention-settings.js';
import { type BenchmarkReport, type BenchOptions, newReport } from './bench-report.js';
import { both, type GateResult } from './gate.js';
import { randomInputs } from './inputs.js';
import { medianOfRatios } from './statistics.js';
import { type Times, timeInTurns } from './timing.js';
import { type ModelShape, type Stage, TrainingSetup } from './training-setup.js';
import { documentOf, packed } from './workload.js';

export interface StepSettings {
  lengths: (number | typeof SENTENCES)[];
  /** Sentences of a packed batch. A document is a batch by itself. */
  batch: number;
  strategies: Strategy[];
  shape: ModelShape;
  repeats: number;
  seed: number;
  /** f32 by default. For f16 the device must have been opened. */
  precision?: Precision;
}

/** A training step of one strategy. Fields that depend on a speed-up are null where the correctness gate was red. */
export type StepRow = ReturnType<typeof stepRow>;

export type StepReport = BenchmarkReport<'step', StepSettings & { rules: string }, StepRow>;

interface StepOptions extends BenchOptions {
  examples: readonly Example[];
  /** Labels are below this; two by default. */
  classes?: number;
  rules: RuleSet;
  /** Called after each length, with the rows so far. */
  onProgress?(report: StepReport): Promise<void>;
}

/** Amdahl, AFIPS 1967: a share of the time becomes faster by a factor. */
export function amdahl(share: number, factor: number): number {
  return 1 / (1 - share + share / factor);
}

/** The speed-up of a step if a share of it, for example attention, took no time. */
export function mostToGain(share: number): number {
  return amdahl(share, Number.POSITIVE_INFINITY);
}

/** Times whole training steps and their kernels, with strategies in turns. @throws EngineError without timestamps. */
export async function benchStep(
  device: Device,
  settings: StepSettings,
  options: StepOptions,
): Promise<StepReport> {
  KernelClock.require(device.gpu);
  const { rules } = options;
  const report: StepReport = newReport(device, 'step', { ...settings, rules: rules.name }, [rules], options);
  const { examples, vocabulary, signal } = options;
  const encoded = new TaggedTokenizer({ vocabulary }).encode(examples.map(({ text }) => text));
  for (const length of settings.lengths) {
    if (signal?.aborted) break;
    const sentences = length === SENTENCES ? encoded.slice(0, settings.batch) : [documentOf(encoded, length)];
    const labels = examples.slice(0, sentences.length).map(({ label }) => label);
    await benchBatch(
      device,
      settings,
      options,
      { sentences, labels, isDocument: length !== SENTENCES },
      report,
    );
    await options.onProgress?.(report);
  }
  report.interrupted = signal?.aborted ?? false;
  return report;
}

interface StepBatch {
  sentences: TaggedTokens[];
  labels: number[];
  isDocument: boolean;
}

async function benchBatch(
  device: Device,
  settings: StepSettings,
  options: StepOptions,
  batch: StepBatch,
  report: StepReport,
): Promise<void> {
  const { shape, seed, repeats, precision } = settings;
  const strategies: Strategy[] = ['none', ...settings.strategies.filter((strategy) => strategy !== 'none')];
  const tokens = batch.sentences.reduce((sum, { ids }) => sum + ids.length, 0);
  const title = `${batch.sentences.length} x ${Math.round(tokens / batch.sentences.length)} tokens`;
  const positions = Math.max(512, ...batch.sentences.map(({ ids }) => ids.length));
  const gates: GateResult[] = [];
  for (const strategy of strategies) {
    options.onNote?.(`checking attention of ${title}, ${strategy}`);
    gates.push(await attentionGate(device, settings, options, batch, strategy));
  }
  const setups = strategies.map((strategy) => {
    const { vocabulary, rules, classes } = options;
    const about = { shape, vocabulary, positions, classes, strategy, rules, seed, precision };
    return new TrainingSetup(device, {
      ...about,
      kernels: choicesFor(shape.hidden / shape.heads, options.kernels),
    });
  });
  const stages: Stage[][][] = setups.map(() => []);
  const implementations = setups.map((setup, index) => ({
    name: setup.strategy,
    run: async () => {
      const stage = await setup.run(batch.sentences, batch.labels);
      // Stages of runs with the GPU's clock are left out.
      if (!device.clock) stages[index].push(stage);
    },
  }));
  options.onNote?.(`timing steps of ${title}`);
  for (const { run } of implementations) await run();
  device.clock = new KernelClock(device);
  const { signal } = options;
  const times = await timeInTurns(implementations, { repeats, seed, device, signal });
  device.clock.release();
  device.clock = undefined;
  report.gate = gates.reduce(both, report.gate);
  if (times[0].wall.length > 0) {
    setups.forEach((setup, index) => {
      if (index === 0 && !settings.strategies.includes('none')) return;
      const gatePassed = gates[0].passed && gates[index].passed;
      report.rows.push(
        stepRow(setup, times[index], times[0], stages[index], {
          ...batch,
          tokens,
          precision,
          gatePassed,
          rules: options.rules,
        }),
      );
    });
  }
  for (const setup of setups) setup.release();
}

/** Checks attention on this adapter, at the step's shape and under its rules. */
async function attentionGate(
  device: Device,
  { shape, seed, precision }: StepSettings,
  { rules }: StepOptions,
  { sentences }: StepBatch,
  strategy: Strategy,
): Promise<GateResult> {
  const workload = packed(sentences, shape.heads, shape.hidden / shape.heads);
  const variant = { strategy, rules, order: 'tags', precision } as const;
  const implementation = new AttentionImplementation(device, workload, variant, randomInputs(workload, seed));
  try {
    return await implementation.gate(true, seed);
  } finally {
    implementation.release();
  }
}

function kernelTable({ kernels }: Times) {
  return [...kernels]
    .map(([kernel, { dispatches, times }]) => ({ kernel, dispatches, medianMs: median(times) }))
    .sort((a, b) => b.medianMs - a.medianMs);
}

/** Milliseconds of each of attention's kernels, turn by turn. */
function attentionTimes({ kernels }: Times): number[][] {
  return [...kernels].flatMap(([name, { times }]) => (name.startsWith('attention/') ? [times] : []));
}

function attentionOf(times: Times): number {
  return attentionTimes(times).reduce((sum, kernel) => sum + median(kernel), 0);
}

/** Milliseconds of attention's kernels together, turn by turn. */
function attentionTurns(times: Times): number[] {
  const kernels = attentionTimes(times);
  const turns = Math.min(...kernels.map(({ length }) => length));
  return Array.from({ length: turns }, (_, turn) => kernels.reduce((sum, kernel) => sum + kernel[turn], 0));
}

function stepRow(
  setup: TrainingSetup,
  times: Times,
  dense: Times,
  stages: readonly Stage[][],
  context: StepBatch &
    Pick<StepSettings, 'precision'> & { tokens: number; gatePassed: boolean; rules: RuleSet },
) {
  const { sentences, tokens, gatePassed, isDocument, rules, precision = 'f32' } = context;
  const { pairCounts } = setup;
  const medianMs = median(times.wall);
  const { ratio, low, high } = medianOfRatios(times.wall, dense.wall);
  const attentionMs = attentionOf(times);
  const share = Math.min(1, attentionOf(dense) / median(dense.wall));
  const attentionSpeedup = attentionOf(dense) / attentionMs;
  const attentionRatio = medianOfRatios(attentionTurns(dense), attentionTurns(times));
  const shown = (value: number): number | null => (gatePassed ? value : null);
  // The first step also compiles.
  const stageTimes = (name: string) => {
    return stages.slice(1).map((step) => {
      return step
        .filter((stage) => stage.name === name)
        .reduce((sum, { begin, end }) => sum + end - begin, 0);
    });
  };
  const stagesMs: Record<string, number> = Object.fromEntries(
    stages[0].map(({ name }) => [name, median(stageTimes(name))]),
  );
  return {
    strategy: setup.strategy,
    rules: rules.name,
    precision,
    text: isDocument ? ('document' as const) : ('sentences' as const),
    length: Math.round(tokens / sentences.length),
    batch: sentences.length,
    tokens,
    /** From planning to the end of the GPU's work. */
    medianMs,
    tokensPerSecond: (1000 * tokens) / medianMs,
    /** CPU stages within it. */
    stagesMs,
    /** What sorting, planning and uploading the batch take of it. */
    planningShare: (stagesMs.plan + stagesMs.upload) / medianMs,
    /** All kernels, by the GPU's own clock, and those of attention among them. */
    kernelsMs: median(times.gpu),
    attentionMs,
    kernels: kernelTable(times),
    density: pairCounts.useful / pairCounts.dense,
    waste: pairCounts.executed / pairCounts.useful,
    ratioToDense: shown(ratio),
    ratioLow: shown(low),
    ratioHigh: shown(high),
    /** The speed-up of attention's kernels alone against those of the dense step, with the ends of its interval. */
    attentionSpeedup: shown(attentionSpeedup),
    attentionSpeedupLow: shown(attentionRatio.low),
    attentionSpeedupHigh: shown(attentionRatio.high),
    /** Amdahl's law with the measured speed-up of attention, and with the ideal one. */
    predictedSpeedup: shown(amdahl(share, attentionSpeedup)),
    predictedFromIdeal: shown(amdahl(share, pairCounts.dense / pairCounts.useful)),
    realisedSpeedup: shown(1 / ratio),
  };
}
