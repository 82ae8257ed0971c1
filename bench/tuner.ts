import { median } from 'simple-statistics';
import * as v from 'valibot';
import { checkedConfig } from '../src/attention/attention.js';
import {
  adapterKey,
  choiceKey,
  type KernelChoices,
  type KernelVariant,
  kernelVariants,
  LENGTH_CLASSES,
} from '../src/attention/kernel-choices.js';
import {
  checkArgument,
  device as deviceArgument,
  options as fields,
  number,
} from '../src/base/argument-schemas.js';
import { embeddedSource } from '../src/data/embedded-corpus.js';
import type { Device } from '../src/gpu/device.js';
import { bertVocabulary } from '../src/grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../src/grammar/presets.js';
import { type Layout, LONGEST_SEQUENCE } from '../src/plan/layout.js';
import { percent, times } from '../src/report/page/numbers.js';
import { AttentionImplementation } from './attention-implementation.js';
import { SENTENCES } from './attention-settings.js';
import type { GateResult } from './gate.js';
import { type Inputs, randomInputs, type Workload } from './inputs.js';
import { machineOf, plannersMachine } from './machine-probe.js';
import { medianOfRatios, type Ratio } from './statistics.js';
import { runsForTurn, timeInTurns } from './timing.js';
import { tagText, workloadOf } from './workload.js';

/** One variant at one kind of plan and one length class. */
export interface TunedRow {
  /** Kind of plan and longest sequence, the key of `choiceKey`. */
  choice: string;
  /** The family of the kernels, the rows of a tile and, for sparse plans, the assumed cost of a tile. */
  variant: string;
  /** Time of a forward and backward pass. A variant that was much slower than the fastest ran only once. */
  medianMs: number;
  /** Its time over that of the expected variant. */
  ratio: number;
  /** The 99 % interval of that ratio; null for the expected variant, and where either was timed once. */
  ratioLow: number | null;
  /** The upper end of the interval, as `ratioLow`. */
  ratioHigh: number | null;
  /** Why it was chosen, or was not. */
  why: string;
  isChosen: boolean;
  /** The check of the chosen variant, and of faster ones that were wrong; null for variants that were not checked. */
  gate: GateResult | null;
}

/** The kernels that `tune` chose, and why. */
export interface Tuning {
  /** The `kernels` of `attend`, `Attention` and models. */
  choices: KernelChoices;
  /** By choice: the typical width of a variant's interval, as a share of its ratio to the expected variant. */
  noise: Record<string, number>;
  /** A row for each variant at each choice. */
  rows: TunedRow[];
}

/** What `tune` measures. */
export interface TuningOptions {
  /** Channels of a head: a multiple of 4 from 16 to 128. */
  headDim: number;
  /** The longest sequence of the run: length classes of longer ones are left out. 16,384 by default. */
  longest?: number;
  /** Plans to measure: of dense attention, of sparse attention; both by default. */
  kinds?: readonly Layout['kind'][];
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

const TUNING_OPTIONS = fields({
  headDim: number,
  longest: v.optional(number),
  kinds: v.optional(v.array(v.picklist(['dense', 'sparse'], 'dense or sparse'), 'a list of dense, sparse')),
});

/** The strategy that represents each kind of plan. */
const STRATEGY_OF = { dense: 'none', sparse: 'hard' } as const satisfies Record<Layout['kind'], string>;

/**
 * Measures the variants of the kernels on generated text, for each kind of plan and each length class. The outputs
 * and gradients of a chosen variant were compared with float64. `choices` are the `kernels` of `attend`, `Attention` and models.
 * @throws CallerError for a head dimension that the kernels do not have; EngineError where the GPU fails.
 */
export async function tune(device: Device, options: TuningOptions): Promise<Tuning> {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(TUNING_OPTIONS, options, 'options');
  const { longest = LONGEST_SEQUENCE, kinds = ['dense', 'sparse'], onNote } = options;
  const { headDim } = checkedConfig({ heads: 1, headDim: options.headDim });
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
      const widths = measured.flatMap(({ interval }) =>
        interval ? (interval.high - interval.low) / interval.ratio : [],
      );
      noise[choice] = widths.length > 0 ? median(widths) : 0;
      measured.forEach(({ medianMs, interval, gate }, index) => {
        rows.push({
          choice,
          variant: variants[index].name,
          medianMs,
          ratio: interval?.ratio ?? medianMs / measured[0].medianMs,
          ratioLow: interval?.low ?? null,
          ratioHigh: interval?.high ?? null,
          why: reasonOf(measured, index, chosen),
          isChosen: index === chosen,
          gate,
        });
      });
    }
  }
  return { choices, noise, rows };
}

interface Measured {
  medianMs: number;
  /** Whether it is clearly faster than the expected variant. */
  isFaster: boolean;
  /** Its ratio to the expected variant; undefined for that one, and where either was timed once. */
  interval?: Ratio;
  isTimedOnce: boolean;
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
  const implementations = entries.map((entry) => entry.timed('forward+backward'));
  // The first run also compiles.
  for (const { run } of implementations) await run(1);
  const once = await timeInTurns(implementations, { repeats: 1, seed: SEED, device });
  const measured = once.map(
    ({ wall }): Measured => ({
      medianMs: wall[0],
      isFaster: false,
      isTimedOnce: true,
      gate: null,
    }),
  );
  const limit = SLOW * Math.min(...measured.map(({ medianMs }) => medianMs));
  const indexes = [...implementations.keys()].filter((index) => measured[index].medianMs <= limit);
  const remaining = indexes.map((index) => implementations[index]);
  const runsPerTurn = await runsForTurn(remaining[0]);
  const turnMs = runsPerTurn * indexes.reduce((sum, index) => sum + measured[index].medianMs, 0);
  const repeats = Math.max(REPEATS.least, Math.min(REPEATS.most, Math.floor(REPEATS.budgetMs / turnMs)));
  const turns = await timeInTurns(remaining, { repeats, seed: SEED, device, runsPerTurn });
  const expected = indexes[0] === 0 ? turns[0].wall : once[0].wall;
  indexes.forEach((index, turn) => {
    const { wall } = turns[turn];
    measured[index].medianMs = median(wall);
    measured[index].isTimedOnce = false;
    const interval = medianOfRatios(wall, expected);
    measured[index].isFaster = interval.high < 1 - LEAST_GAIN;
    if (index > 0 && expected.length > 1) measured[index].interval = interval;
  });
  return measured;
}

/** Why a variant was chosen, or was not. */
function reasonOf(measured: readonly Measured[], index: number, chosen: number | undefined): string {
  const { gate, isFaster, isTimedOnce, interval } = measured[index];
  const gain = percent(LEAST_GAIN);
  if (gate && !gate.passed) return `wrong: ${gate.complaints[0]}`;
  if (index === chosen) {
    if (index > 0 && !isFaster) return 'chosen: those preferred to it are wrong';
    return index > 0
      ? `chosen: the fastest of those that are faster than the expected variant by over ${gain}, with 99 % confidence`
      : `chosen: the expected variant, and none is faster by over ${gain} with 99 % confidence`;
  }
  if (isTimedOnce) return `timed once: over ${SLOW} times the fastest first run`;
  if (isFaster) return 'faster than expected, but not the fastest';
  if (index === 0) return 'the expected variant';
  return `not faster by over ${gain} with 99 % confidence: its interval reaches ${times(interval?.high ?? 1)}`;
}

/** The indexes of variants in order of preference: those clearly faster than the expected one, then that one, then the others. */
function byPreference(measured: readonly Measured[]): number[] {
  const rank = (index: number) => (measured[index].isFaster ? 0 : index === 0 ? 1 : 2);
  return [...measured.keys()].sort(
    (a, b) => rank(a) - rank(b) || measured[a].medianMs - measured[b].medianMs,
  );
}
