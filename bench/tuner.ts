import { median } from 'simple-statistics';
import {
  adapterKey,
  choiceKey,
  type KernelChoices,
  type KernelVariant,
  kernelVariants,
  LENGTH_CLASSES,
} from '../src/attention/kernel-choices.js';
import { embeddedSource } from '../src/data/embedded-corpus.js';
import type { Device } from '../src/gpu/device.js';
import { bertVocabulary } from '../src/grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../src/grammar/presets.js';
import type { Layout } from '../src/plan/layout.js';
import {
  AttentionImplementation,
  type Inputs,
  randomInputs,
  type Workload,
} from './attention-implementation.js';
import { SENTENCES } from './attention-settings.js';
import type { GateResult } from './gate.js';
import { machineOf, plannersMachine } from './machine-probe.js';
import { medianOfRatios } from './statistics.js';
import { runsForTurn, timeInTurns } from './timing.js';
import { tagText, workloadOf } from './workload.js';

/** One variant at one kind of plan and one length class. */
export interface TunedRow {
  /** Kind of plan and longest sequence, the key of `choiceKey`. */
  choice: string;
  variant: string;
  /** Of a forward and backward pass; the time of a single run where that was much slower than the fastest. */
  medianMs: number;
  /** Its time over that of the expected variant. */
  ratio: number;
  isChosen: boolean;
  /** Of the chosen variant, and of faster ones that were wrong; null for variants that were not checked. */
  gate: GateResult | null;
}

export interface Tuning {
  choices: KernelChoices;
  /** By choice: the typical width of a variant's interval, as a share of its ratio to the expected variant. */
  noise: Record<string, number>;
  rows: TunedRow[];
}

export interface TuningOptions {
  headDim: number;
  /** The longest sequence of the run: length classes of longer ones are left out. */
  longest: number;
  kinds: readonly Layout['kind'][];
  onNote?(line: string): void;
}

/** The text that represents each length class. */
const TEXTS: readonly { length: number | typeof SENTENCES; batch: number }[] = [
  { length: SENTENCES, batch: 32 },
  { length: 256, batch: 1 },
  { length: 768, batch: 1 },
];

/** A workgroup computes one head. Two are enough for a CPU; a GPU needs the number of a model. */
const HEADS_ON_SOFTWARE = 2;
const HEADS_ON_GPU = 8;
/** Turns of the compared variants: fewer where they would exceed the budget. */
const REPEATS = { least: 3, most: 9, budgetMs: 3_000 };
const SEED = 1;

/**
 * The gain over the expected variant that a choice needs. A smaller gain is noise, and a choice that changes between tunings would
 * change the bits of a run.
 */
const LEAST_GAIN = 0.05;

/** A variant whose first run takes this many times as long as the fastest one's is not timed further. */
const SLOW = 1.5;

/** The strategy that represents each kind of plan. */
const STRATEGY_OF = { dense: 'none', sparse: 'hard' } as const satisfies Record<Layout['kind'], string>;

/**
 * Measures the variants of the kernels on generated text, for each kind of plan and each length class. The outputs
 * and gradients of a chosen variant were compared with float64.
 * @throws EngineError where the GPU fails.
 */
export async function tune(
  device: Device,
  { headDim, longest, kinds, onNote }: TuningOptions,
): Promise<Tuning> {
  const examples = await embeddedSource().examples('train');
  const text = tagText(
    examples.map(({ text: sentence }) => sentence),
    bertVocabulary(),
    TEXTS[TEXTS.length - 1].length as number,
  );
  const machine = device.isSoftware ? undefined : plannersMachine(await machineOf(device, headDim));
  const choices: KernelChoices = {
    adapter: adapterKey(device),
    headDim,
    variants: {},
    ...(machine && { machine }),
  };
  const noise: Tuning['noise'] = {};
  const rows: TunedRow[] = [];
  const heads = device.isSoftware ? HEADS_ON_SOFTWARE : HEADS_ON_GPU;
  for (const [lengthClass, { length, batch }] of TEXTS.entries()) {
    if (lengthClass > 0 && LENGTH_CLASSES[lengthClass - 1] >= longest) break;
    const workload = workloadOf(text.sentences, length, batch, heads, headDim);
    const inputs = randomInputs(workload, SEED);
    for (const kind of kinds) {
      const choice = choiceKey(kind, Math.max(...workload.lengths));
      onNote?.(`measuring kernels: ${choice} tokens`);
      const variants = kernelVariants(device, kind, workload.tags.length, machine);
      const { measured, chosen } = await measureAll(device, kind, workload, inputs, variants);
      if (chosen !== undefined) choices.variants[choice] = variants[chosen].name;
      const widths = measured.flatMap(({ width }) => width ?? []);
      noise[choice] = widths.length > 0 ? median(widths) : 0;
      measured.forEach(({ medianMs, gate }, index) => {
        const ratio = medianMs / measured[0].medianMs;
        const variant = variants[index].name;
        rows.push({ choice, variant, medianMs, ratio, isChosen: index === chosen, gate });
      });
    }
  }
  return { choices, noise, rows };
}

interface Measured {
  medianMs: number;
  /** Whether it is clearly faster than the expected variant. */
  isFaster: boolean;
  /** The width of the interval of its ratio to the expected variant, as a share of the ratio; undefined where it was timed once. */
  width?: number;
  gate: GateResult | null;
}

/**
 * Times the variants, and checks the fastest against float64; where it is wrong, the next. @returns Which was chosen, if any.
 */
async function measureAll(
  device: Device,
  kind: Layout['kind'],
  workload: Workload,
  inputs: Inputs,
  variants: readonly KernelVariant[],
): Promise<{ measured: Measured[]; chosen: number | undefined }> {
  const entries = variants.map(({ tile }) => {
    const strategy = STRATEGY_OF[kind];
    const variant = { strategy, rules: PAPER_RULES, order: 'tags', tiles: () => tile } as const;
    return new AttentionImplementation(device, workload, variant, inputs);
  });
  try {
    const measured = await timeAll(device, entries);
    let chosen: number | undefined;
    for (const index of byPreference(measured)) {
      measured[index].gate = await entries[index].gate(true, SEED);
      if (measured[index].gate.passed) {
        chosen = index;
        break;
      }
    }
    return { measured, chosen };
  } finally {
    for (const entry of entries) entry.release();
  }
}

/** Times every variant once, and in turns those that are not much slower than the fastest. */
async function timeAll(device: Device, entries: readonly AttentionImplementation[]): Promise<Measured[]> {
  const implementations = entries.map((entry) => entry.timed(true));
  // The first run also compiles.
  for (const { run } of implementations) await run(1);
  const once = await timeInTurns(implementations, { repeats: 1, seed: SEED, device });
  const measured = once.map(({ wall }): Measured => ({ medianMs: wall[0], isFaster: false, gate: null }));
  const limit = SLOW * Math.min(...measured.map(({ medianMs }) => medianMs));
  const indexes = [...implementations.keys()].filter((index) => measured[index].medianMs <= limit);
  const remaining = indexes.map((index) => implementations[index]);
  const runsPerTurn = await runsForTurn(remaining[0]);
  const turnMs = runsPerTurn * indexes.reduce((sum, index) => sum + measured[index].medianMs, 0);
  const repeats = Math.max(REPEATS.least, Math.min(REPEATS.most, Math.floor(REPEATS.budgetMs / turnMs)));
  const times = await timeInTurns(remaining, { repeats, seed: SEED, device, runsPerTurn });
  const expected = indexes[0] === 0 ? times[0].wall : once[0].wall;
  indexes.forEach((index, turn) => {
    const { wall } = times[turn];
    measured[index].medianMs = median(wall);
    const { ratio, low, high } = medianOfRatios(wall, expected, SEED);
    measured[index].isFaster = high < 1 - LEAST_GAIN;
    if (index > 0 && expected.length > 1) measured[index].width = (high - low) / ratio;
  });
  return measured;
}

/** The indexes of variants in order of preference: those clearly faster than the expected one, then that one, then the others. */
function byPreference(measured: readonly Measured[]): number[] {
  const rank = (index: number) => (measured[index].isFaster ? 0 : index === 0 ? 1 : 2);
  return [...measured.keys()].sort(
    (a, b) => rank(a) - rank(b) || measured[a].medianMs - measured[b].medianMs,
  );
}
