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
import { ATTENTION_DEFAULTS, type AttentionSweep, type Pass, SENTENCES } from './attention-settings.js';
import type { BenchOptions } from './bench-report.js';
import { describeEnvironment } from './environment.js';
import { both, type GateResult, GREEN } from './gate.js';
import type { GpuReport } from './gpu-report.js';
import { type PlannedSection, runSections } from './gpu-sections.js';
import { randomInputs } from './inputs.js';
import type { OpenDevices } from './open-devices.js';
import type { PeakOptions } from './peak-share.js';
import { isInstalled } from './peers/install.js';
import { isOurs, PEERS } from './peers/peer-list.js';
import { benchPeers } from './peers/peers-bench.js';
import { quickCheck } from './quick-check.js';
import { benchLimits } from './roofline.js';
import { benchStep, type StepSettings } from './step-bench.js';
import { tagText, workloadOf } from './workload.js';

const SEED = 1;
const STRATEGIES: Strategy[] = ['none', 'hard', 'soft'];
const PASSES: Pass[] = ['forward', 'forward+backward'];

type Attention = Pick<AttentionSweep, 'batch' | 'precision'> & {
  lengths: number[];
  heads?: number;
  passes?: Pass[];
  least?: number;
};

/** The sizes of a run. */
interface Sizes {
  heads: number;
  headDim: number;
  limits?: PeakOptions;
  conformance: number[];
  /** Before the training steps. */
  attention: Attention[];
  steps: Omit<StepSettings, 'seed'>;
  peers: number[];
  /** At the end. */
  moreAttention: Attention[];
  repeats: number;
  /** The time limit of a shape and pass of attention: further turns start until then while an interval is wide. */
  seconds: number;
}

const { layers, hidden, heads, feedForward } = MODEL_SIZES.tiny;
const LENGTHS = [128, 512, 1024, 2048, 4096];

function inBoth(attention: Omit<Attention, 'precision'>): Attention[] {
  return (['f32', 'f16'] as const).map((precision) => ({ ...attention, precision }));
}

const FULL: Sizes = {
  heads: 8,
  headDim: 64,
  conformance: [128, 1024],
  attention: [
    ...inBoth({ batch: 1, lengths: LENGTHS }),
    // Dense attention that fills a large card.
    ...inBoth({ batch: 1, lengths: [4096], heads: 64, passes: ['forward'] }),
  ],
  steps: {
    lengths: [2048, SENTENCES, 512],
    batch: 32,
    shape: { layers, hidden, heads, feedForward },
    strategies: STRATEGIES,
    repeats: 41,
  },
  peers: [4096, 512],
  moreAttention: [
    ...inBoth({ batch: 8, lengths: LENGTHS }),
    ...inBoth({ batch: 1, lengths: [16_384], least: 30 }),
    ...inBoth({ batch: 8, lengths: [16_384], least: 90 }),
  ],
  repeats: 11,
  seconds: 5,
};

/** Shows that every section runs. Its times say little. */
const QUICK: Sizes = {
  heads: 2,
  headDim: 16,
  limits: { lengths: [], products: [{ rows: 64, inputs: 64, outputs: 64 }], repeats: 1 },
  conformance: [40],
  attention: inBoth({ batch: 1, lengths: [64] }),
  steps: {
    lengths: [SENTENCES],
    batch: 4,
    shape: { layers: 1, hidden: 32, heads: 2, feedForward: 32 },
    strategies: ['none', 'hard'],
    repeats: 3,
  },
  peers: [32],
  moreAttention: [{ batch: 8, lengths: [24], precision: 'f32' }],
  repeats: 3,
  seconds: 0,
};

/** The time limit of an answer of a peer, which may compile for it. */
const PEER_MS = 90_000;

interface GpuBenchOptions extends BenchOptions {
  examples: readonly Example[];
  classes: number;
  /** The value of `--adapter`. */
  adapter: string | undefined;
  /** Measures the variants of the kernels, where no choice is stored: planners then know the machine. */
  tune?(device: Device): Promise<KernelChoices[]>;
  signal: AbortSignal;
  save(report: GpuReport): Promise<void>;
  onNote(line: string): void;
}

/**
 * Runs all sections within the minutes of the settings. Each precision has a device of its own, which is opened again after a section
 * that failed: an error in one section does not end the others.
 * @returns The report as it was last saved.
 */
export async function benchGpu(
  devices: OpenDevices,
  settings: { minutes: number; quick: boolean },
  options: GpuBenchOptions,
): Promise<GpuReport> {
  const report: GpuReport = {
    kind: 'gpu',
    environment: describeEnvironment(await devices.open('f32'), [PAPER_RULES], SEED, options.kernels),
    settings: { ...settings, data: options.data },
    gate: GREEN,
    interrupted: true,
    sections: [],
    reports: [],
  };
  const { tune } = options;
  const tuning = tune && {
    name: 'tuning',
    measure: async () => {
      options.kernels = report.environment.kernels = await devices.with('f32', tune);
      return GREEN;
    },
  };
  const [first, ...others] = sectionsOf(devices, settings.quick, options);
  const sections = [first, ...(tuning ? [tuning] : []), ...others];
  await runSections(report, sections, { ...options, onFailure: () => devices.close() });
  return report;
}

/** The sections, by importance. */
function sectionsOf(devices: OpenDevices, quick: boolean, options: GpuBenchOptions): PlannedSection[] {
  const sizes = quick ? QUICK : FULL;
  const { repeats, seconds } = sizes;
  const shape = { heads: [sizes.heads], headDims: [sizes.headDim], passes: PASSES, repeats, seed: SEED };
  const texts = options.examples.map(({ text }) => text);
  /** The precisions whose kernels were right. */
  const sound = new Set<Precision>();
  const conformances = (['f32', 'f16'] as const).map(
    (precision): PlannedSection => ({
      name: `conformance, ${precision}`,
      precision,
      measure: async ({ signal }) => {
        const gate = await devices.with(precision, (device) =>
          conformance(device, precision, sizes, texts, { ...options, signal }),
        );
        if (gate.passed) sound.add(precision);
        return gate;
      },
    }),
  );
  const attention = ({ batch, lengths, precision, least, heads, passes }: Attention): PlannedSection => {
    const range = [...new Set([lengths[0], lengths[lengths.length - 1]])].join(' to ');
    const sweep = {
      ...ATTENTION_DEFAULTS,
      ...shape,
      ...(heads && { heads: [heads] }),
      ...(passes && { passes }),
      batch,
      lengths,
      precision,
      seconds,
      strategies: STRATEGIES,
      rules: [PAPER_RULES],
      controls: false,
    };
    return {
      name: `attention, ${precision}, ${batch} x ${range} tokens${heads ? `, ${heads} heads` : ''}`,
      least,
      precision,
      measure: (run) =>
        devices.with(precision, (device) => benchAttention(device, sweep, { ...options, ...run, texts })),
    };
  };
  const steps = (['f32', 'f16'] as const).map(
    (precision): PlannedSection => ({
      name: `step, ${precision}`,
      precision,
      measure: (run) =>
        devices.with(precision, (device) =>
          benchStep(
            device,
            { ...sizes.steps, seed: SEED, precision },
            { ...options, ...run, rules: PAPER_RULES },
          ),
        ),
    }),
  );
  return [
    ...conformances,
    {
      name: 'limits',
      least: 20,
      // On a device for f16, the best product of f16 is measured too.
      measure: ({ signal }) =>
        devices.with(sound.has('f16') ? 'f16' : 'f32', (device) => benchLimits(device, signal, sizes.limits)),
    },
    ...sizes.attention.map(attention),
    ...steps,
    {
      name: 'peers',
      least: 30,
      measure: (run) =>
        devices.with('f32', (device) => {
          const peers = PEERS.filter((spec) => {
            // Nothing is downloaded in a run that is timed.
            const isHere = Object.keys(spec.packages).length === 0 || isInstalled(spec.packages);
            const isWanted = device.isSoftware || !spec.name.endsWith('-cpu');
            return isHere && isWanted && (!isOurs(spec) || sound.has(spec.precision));
          });
          const about = { peers, rules: PAPER_RULES, texts, timeoutMs: PEER_MS, isBrief: !quick };
          return benchPeers(device, { ...shape, lengths: sizes.peers }, { ...options, ...about, ...run });
        }),
    },
    ...sizes.moreAttention.map(attention),
  ];
}

/** Whether the kernels that will be timed are right. Each benchmark checks them once more at its own shapes. */
async function conformance(
  device: Device,
  precision: Precision,
  { heads, headDim, conformance: lengths }: Sizes,
  texts: readonly string[],
  { vocabulary, kernels, signal }: GpuBenchOptions,
): Promise<GateResult> {
  let gate = GREEN;
  try {
    await quickCheck(device, ['dense', 'sparse'], headDim, precision);
  } catch (error) {
    gate = { ...GREEN, passed: false, complaints: [(error as Error).message] };
  }
  for (const length of lengths) {
    const { sentences } = tagText(texts, vocabulary, 2 * length);
    const workload = workloadOf(sentences, length, 2, heads, headDim);
    const inputs = randomInputs(workload, SEED);
    for (const strategy of STRATEGIES) {
      if (signal.aborted) return gate;
      const tiles = tilesOn(device, choicesFor(headDim, kernels), precision);
      const variant = { strategy, rules: PAPER_RULES, order: 'tags', precision, tiles } as const;
      const attention = new AttentionImplementation(device, workload, variant, inputs);
      gate = both(gate, await attention.gate(true, SEED));
      attention.release();
    }
  }
  return gate;
}
