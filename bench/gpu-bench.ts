/**
 * Everything that is measured on a GPU, in one run of a few minutes: whether the kernels are right, the adapter's limits, attention,
 * training steps, and the attention of other libraries on the same card.
 */
import { choicesFor, type KernelChoices, tilesOn } from '../src/attention/kernel-choices.js';
import type { Precision } from '../src/base/precision.js';
import type { Example } from '../src/data/dataset.js';
import type { Device } from '../src/gpu/device.js';
import { PAPER_RULES } from '../src/grammar/presets.js';
import type { Strategy } from '../src/grammar/rules.js';
import { MODEL_SIZES } from '../src/nn/model-config.js';
import { benchAttention } from './attention-bench.js';
import { AttentionImplementation } from './attention-implementation.js';
import { ATTENTION_DEFAULTS, type Pass, SENTENCES } from './attention-settings.js';
import type { BenchOptions } from './bench-report.js';
import { describeEnvironment } from './environment.js';
import { both, type GateResult, GREEN } from './gate.js';
import type { GpuReport } from './gpu-report.js';
import { type PlannedSection, runSections } from './gpu-sections.js';
import { randomInputs } from './inputs.js';
import type { PeakOptions } from './peak-share.js';
import { isInstalled } from './peers/install.js';
import { PEERS } from './peers/peer-list.js';
import { benchPeers } from './peers/peers-bench.js';
import { quickCheck } from './quick-check.js';
import { benchLimits } from './roofline.js';
import { benchStep, type StepSettings } from './step-bench.js';
import { tagText, workloadOf } from './workload.js';

const SEED = 1;
const STRATEGIES: Strategy[] = ['none', 'hard', 'soft'];
const PASSES: Pass[] = ['forward', 'forward+backward'];

/** The sizes of a run. */
interface Sizes {
  heads: number;
  headDim: number;
  limits?: PeakOptions;
  conformance: number[];
  attention: { batch: number; lengths: number[]; precision?: Precision; least?: number }[];
  steps: Omit<StepSettings, 'seed'>;
  peers: number[];
  repeats: number;
  /** The time limit of a shape and pass of attention: further turns start until then while an interval is wide. */
  seconds: number;
}

const { layers, hidden, heads, feedForward } = MODEL_SIZES.tiny;

const FULL: Sizes = {
  heads: 8,
  headDim: 64,
  conformance: [128, 1024],
  attention: [
    { batch: 1, lengths: [128, 512, 1024, 2048, 4096] },
    { batch: 1, lengths: [128, 512, 1024, 2048, 4096], precision: 'f16' },
    { batch: 8, lengths: [128, 512, 1024, 2048, 4096] },
    { batch: 1, lengths: [16_384], least: 30 },
    { batch: 8, lengths: [16_384], least: 90 },
  ],
  steps: {
    lengths: [2048, SENTENCES, 512],
    batch: 32,
    shape: { layers, hidden, heads, feedForward },
    strategies: STRATEGIES,
    repeats: 41,
  },
  peers: [4096, 512],
  repeats: 11,
  seconds: 5,
};

/** Shows that every section runs. Its times say little. */
const QUICK: Sizes = {
  heads: 2,
  headDim: 16,
  limits: { lengths: [], products: [{ rows: 64, inputs: 64, outputs: 64 }], repeats: 1 },
  conformance: [40],
  attention: [
    { batch: 1, lengths: [64] },
    { batch: 1, lengths: [64], precision: 'f16' },
    { batch: 8, lengths: [24] },
  ],
  steps: {
    lengths: [SENTENCES],
    batch: 4,
    shape: { layers: 1, hidden: 32, heads: 2, feedForward: 32 },
    strategies: ['none', 'hard'],
    repeats: 3,
  },
  peers: [32],
  repeats: 3,
  seconds: 0,
};

interface GpuBenchOptions extends BenchOptions {
  examples: readonly Example[];
  classes: number;
  /** The value of `--adapter`. */
  adapter: string | undefined;
  /** Measures the variants of the kernels, where no choice is stored: planners then know the machine. */
  tune?(): Promise<KernelChoices[]>;
  signal: AbortSignal;
  save(report: GpuReport): Promise<void>;
  onNote(line: string): void;
}

/** Runs all sections within the minutes of the settings. @returns The report as it was last saved. */
export async function benchGpu(
  device: Device,
  settings: { minutes: number; quick: boolean },
  options: GpuBenchOptions,
): Promise<GpuReport> {
  const report: GpuReport = {
    kind: 'gpu',
    environment: describeEnvironment(device, [PAPER_RULES], SEED, options.kernels),
    settings: { ...settings, data: options.data },
    conformance: GREEN,
    gate: GREEN,
    interrupted: true,
    sections: [],
    reports: [],
  };
  const tuning = options.tune && {
    name: 'tuning',
    measure: async () => {
      options.kernels = report.environment.kernels = await options.tune!();
      return GREEN;
    },
  };
  const [first, ...others] = sectionsOf(device, settings.quick ? QUICK : FULL, options);
  await runSections(report, [first, ...(tuning ? [tuning] : []), ...others], options);
  return report;
}

const NO_MATRICES = 'the adapter has no matrices of f16, or its driver does not list them';

/** The sections, by importance. The first two of attention, and those of steps, are of both precisions. */
function sectionsOf(device: Device, sizes: Sizes, options: GpuBenchOptions): PlannedSection[] {
  const { repeats, seconds } = sizes;
  const shape = { heads: [sizes.heads], headDims: [sizes.headDim], passes: PASSES, repeats, seed: SEED };
  const texts = options.examples.map(({ text }) => text);
  const lackOf = (precision: Precision) =>
    precision === 'f16' && !device.matrices ? NO_MATRICES : undefined;
  const attentions = sizes.attention.map(({ batch, lengths, precision = 'f32', least }): PlannedSection => {
    const range = [...new Set([lengths[0], lengths[lengths.length - 1]])].join(' to ');
    const sweep = {
      ...ATTENTION_DEFAULTS,
      ...shape,
      batch,
      lengths,
      precision,
      seconds,
      strategies: STRATEGIES,
      rules: [PAPER_RULES],
    };
    return {
      name: `attention, ${precision}, ${batch} x ${range} tokens`,
      least,
      lacks: lackOf(precision),
      measure: (run) => benchAttention(device, { ...sweep, controls: false }, { ...options, ...run, texts }),
    };
  });
  const steps = (['f32', 'f16'] as const).map(
    (precision): PlannedSection => ({
      name: `step, ${precision}`,
      lacks: lackOf(precision),
      measure: ({ signal }) => {
        const settings = { ...sizes.steps, seed: SEED, precision };
        return benchStep(device, settings, { ...options, rules: PAPER_RULES, signal });
      },
    }),
  );
  // Nothing is downloaded in a run that is timed. A row reports that PyTorch is missing.
  const peers = PEERS.filter(({ packages }) => Object.keys(packages).length === 0 || isInstalled(packages));
  return [
    { name: 'conformance', measure: () => conformance(device, sizes, texts, options) },
    { name: 'limits', least: 20, measure: ({ signal }) => benchLimits(device, signal, sizes.limits) },
    ...attentions.slice(0, 2),
    ...steps,
    {
      name: 'peers',
      measure: ({ signal }) => {
        const timed = peers.filter(({ name }) => device.isSoftware || !name.endsWith('-cpu'));
        const about = { peers: timed, rules: PAPER_RULES, texts, timeoutMs: 120_000 };
        return benchPeers(device, { ...shape, lengths: sizes.peers }, { ...options, ...about, signal });
      },
    },
    ...attentions.slice(2),
  ];
}

/** Whether the kernels that will be timed are right. Each benchmark checks them once more at its own shapes. */
async function conformance(
  device: Device,
  { heads, headDim, conformance: lengths }: Sizes,
  texts: readonly string[],
  { vocabulary, kernels }: GpuBenchOptions,
): Promise<GateResult> {
  let gate = GREEN;
  try {
    await quickCheck(device, ['dense', 'sparse'], headDim);
  } catch (error) {
    gate = { ...GREEN, passed: false, complaints: [(error as Error).message] };
  }
  for (const length of lengths) {
    const { sentences } = tagText(texts, vocabulary, 2 * length);
    const workload = workloadOf(sentences, length, 2, heads, headDim);
    const inputs = randomInputs(workload, SEED);
    for (const strategy of STRATEGIES) {
      for (const precision of device.matrices ? (['f32', 'f16'] as const) : (['f32'] as const)) {
        const tiles = tilesOn(device, choicesFor(headDim, kernels), precision);
        const variant = { strategy, rules: PAPER_RULES, order: 'tags', precision, tiles } as const;
        const attention = new AttentionImplementation(device, workload, variant, inputs);
        gate = both(gate, await attention.gate(true, SEED));
        attention.release();
      }
    }
  }
  return gate;
}
