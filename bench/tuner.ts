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
import { medianOfRatios } from './statistics.js';
import { runsForTurn, timeInTurns } from './timing.js';
import { tagText, workloadOf } from './workload.js';

/** One variant at one kind of plan and one length class. */
export interface TunedRow {
  /** Kind of plan and longest sequence, as `choiceKey` names them. */
  choice: string;
  variant: string;
  /** Of a forward and backward pass: of several, or of one where that was much slower than the fastest. */
  medianMs: number;
  /** Its time over that of the expected variant. */
  ratio: number;
  isChosen: boolean;
  /** Of the variant that was chosen, and of those that were faster but wrong; null for the others, which are not candidates. */
  gate: GateResult | null;
}

export interface Tuning {
  choices: KernelChoices;
  rows: TunedRow[];
}

export interface TuningOptions {
  headDim: number;
  /** The longest sequence that will be run: classes of longer ones are left out. */
  longest: number;
  kinds: readonly Layout['kind'][];
  onNote?(line: string): void;
}

/** For each of the length classes: the text that represents its batches. */
const TEXTS: readonly { length: number | typeof SENTENCES; batch: number }[] = [
  { length: SENTENCES, batch: 32 },
  { length: 256, batch: 1 },
  { length: 768, batch: 1 },
];

/** A workgroup has one head: two of them keep a processor's cores busy, and no longer than needed; a GPU wants what models have. */
const HEADS_ON_SOFTWARE = 2;
const HEADS_ON_GPU = 8;
/** Turns of the variants that are compared: fewer where they would take longer than the budget. */
const REPEATS = { least: 3, most: 9, budgetMs: 3_000 };
const SEED = 1;

/**
 * A variant must be so much faster than the expected one to be chosen: less is noise, and a choice that changes from one
 * tuning to the next would change the bits of a run.
 */
const LEAST_GAIN = 0.05;

/** A variant whose first run takes this many times as long as the fastest one's is not timed further. */
const FAR_BEHIND = 1.5;

/** The plans' kinds, by the strategy that represents each. */
const STRATEGY_OF = { dense: 'none', sparse: 'hard' } as const satisfies Record<Layout['kind'], string>;

/**
 * Measures the variants of the kernels on generated text, for each kind of plan and each length class. None is chosen whose
 * outputs and gradients were not compared with float64.
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
  const choices: KernelChoices = { adapter: adapterKey(device), headDim, variants: {} };
  const rows: TunedRow[] = [];
  const heads = device.isSoftware ? HEADS_ON_SOFTWARE : HEADS_ON_GPU;
  for (const [index, { length, batch }] of TEXTS.entries()) {
    if (index > 0 && LENGTH_CLASSES[index - 1] >= longest) break;
    const workload = workloadOf(text.sentences, length, batch, heads, headDim);
    const inputs = randomInputs(workload, SEED);
    for (const kind of kinds) {
      const choice = choiceKey(kind, Math.max(...workload.lengths));
      onNote?.(`measuring kernels: ${choice} tokens`);
      const variants = kernelVariants(device, kind, workload.tags.length);
      const { measured, chosen } = await measureAll(device, kind, workload, inputs, variants);
      if (chosen !== undefined) choices.variants[choice] = variants[chosen].name;
      measured.forEach(({ medianMs, gate }, place) => {
        const ratio = medianMs / measured[0].medianMs;
        const variant = variants[place].name;
        rows.push({ choice, variant, medianMs, ratio, isChosen: place === chosen, gate });
      });
    }
  }
  return { choices, rows };
}

interface Measured {
  medianMs: number;
  /** Whether it is faster than the expected variant beyond all noise. */
  isFaster: boolean;
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
    for (const place of byPreference(measured)) {
      measured[place].gate = await entries[place].gate(true, SEED);
      if (measured[place].gate.passed) {
        chosen = place;
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
  const limit = FAR_BEHIND * Math.min(...measured.map(({ medianMs }) => medianMs));
  const places = [...implementations.keys()].filter((place) => measured[place].medianMs <= limit);
  const remaining = places.map((place) => implementations[place]);
  const runsPerTurn = await runsForTurn(remaining[0]);
  const turnMs = runsPerTurn * places.reduce((sum, place) => sum + measured[place].medianMs, 0);
  const repeats = Math.max(REPEATS.least, Math.min(REPEATS.most, Math.floor(REPEATS.budgetMs / turnMs)));
  const times = await timeInTurns(remaining, { repeats, seed: SEED, device, runsPerTurn });
  const expected = places[0] === 0 ? times[0].wall : once[0].wall;
  places.forEach((place, index) => {
    const { wall } = times[index];
    measured[place].medianMs = median(wall);
    measured[place].isFaster = medianOfRatios(wall, expected, SEED).high < 1 - LEAST_GAIN;
  });
  return measured;
}

/** Variants, the one to take first: those that are clearly faster than the expected one, then that, then the others. */
function byPreference(measured: readonly Measured[]): number[] {
  const rank = (place: number) => (measured[place].isFaster ? 0 : place === 0 ? 1 : 2);
  return [...measured.keys()].sort(
    (a, b) => rank(a) - rank(b) || measured[a].medianMs - measured[b].medianMs,
  );
}
