import * as v from 'valibot';
import { CallerError, describeJson } from '../src/base/errors.js';
import { recordOf } from '../src/base/json-schemas.js';
import { JsonText } from '../src/base/json-text.js';
import type { Precision } from '../src/base/precision.js';
import { MOST_TAGS, type RuleSet, STRATEGIES, type Strategy } from '../src/grammar/rules.js';
import { MOST_TOKENS } from '../src/plan/layout.js';
import { DATA_LABELS, isLabelLayout, LABEL_LAYOUTS } from './label-layouts.js';

/** `backward` is the backward pass alone, after a forward pass that is not timed. */
export const PASSES = ['forward', 'backward', 'forward+backward'] as const;
/** What is timed: the forward pass, the backward pass after it, or both. @useDeclaredType */
export type Pass = (typeof PASSES)[number];

/** Whether some pass computes gradients. */
export function hasBackward(passes: readonly Pass[]): boolean {
  return passes.some((pass) => pass !== 'forward');
}

/** In a list of lengths: the sentences of the data as they are, packed, instead of documents of one length. */
export const SENTENCES = 'sentences';

/** What `bench attention` sweeps: every combination of lengths, heads, head dimensions and rule sets. */
export interface AttentionSettings {
  /** Tokens of a document, 2 to 16,384, or `sentences`; 128, 512 and 1,024 by default. */
  lengths: (number | typeof SENTENCES)[];
  /** Each 1 to 1,024; 8 by default. */
  heads: number[];
  /** Channels of a head: multiples of 4 from 16 to 128; 64 by default. */
  headDims: number[];
  /** Sequences of a packed batch, 1 to 65,536; 1 by default. */
  batch: number;
  /** All by default. Dense attention, `none`, is always timed, to compare with. */
  strategies: Strategy[];
  /** Names of presets, or files, each with a scope or without one (`paper@sentence`). */
  rules: string[];
  /** `data`, for the tags of the data, or layouts of labels: `random:K`, `blocks:K`, `strided:K`. */
  labels: string[];
  /** Shares of all pairs, above 0 and up to 1: rules are drawn for each, instead of `rules`; none by default. */
  densities: number[];
  /** The type of operands; f16 needs an adapter with subgroup matrices. */
  precision: Precision;
  /** Whether queries see only keys that do not come after them; in dense attention too. */
  causal: boolean;
  /** `forward` and `forward+backward` by default. */
  passes: Pass[];
  /** Timed turns of each implementation, at least: 1 to 10,000; 9 by default. */
  repeats: number;
  /** Seconds for a shape and pass: further turns start until then while an interval is too wide; 0 for none, 20 by default. */
  seconds: number;
  /** Draws inputs, random labels and rules, and the order of turns: 0 to 2³² - 1; 1 by default. */
  seed: number;
  /** Whether unsorted tokens, blocks in reading order and random rules are measured too. */
  controls: boolean;
}

export const ATTENTION_DEFAULTS: AttentionSettings = {
  lengths: [128, 512, 1024],
  heads: [8],
  headDims: [64],
  batch: 1,
  strategies: [...STRATEGIES],
  rules: ['paper'],
  labels: [DATA_LABELS],
  densities: [],
  precision: 'f32',
  causal: false,
  passes: ['forward', 'forward+backward'],
  repeats: 9,
  seconds: 20,
  seed: 1,
  controls: true,
};

/** A sweep with its rules read; none where each label of a layout attends to itself. */
export type AttentionSweep = Omit<AttentionSettings, 'rules'> & {
  /** Each is measured with every strategy. */
  rules: RuleSet[];
};

/** The bounds of each setting. */
const CHECKS: Readonly<
  Record<keyof AttentionSettings, { holds(value: unknown): boolean; expected: string }>
> = {
  lengths: listOf(
    (x) => x === SENTENCES || isWhole(x, 2, 16_384),
    `numbers from 2 to 16384, or "${SENTENCES}"`,
  ),
  heads: listOf((x) => isWhole(x, 1, 1024), 'numbers from 1 to 1024'),
  headDims: listOf((x) => isWhole(x, 16, 128) && (x as number) % 4 === 0, 'multiples of 4 from 16 to 128'),
  batch: { holds: (x) => isWhole(x, 1, 65_536), expected: 'a whole number from 1 to 65536' },
  strategies: listOf((x) => STRATEGIES.includes(x as Strategy), STRATEGIES.join(', ')),
  rules: listOf((x) => typeof x === 'string', "presets' names or files"),
  labels: {
    holds: (x) => Array.isArray(x) && x.length > 0 && (`${x}` === DATA_LABELS || x.every(isLabelLayout)),
    expected: `${DATA_LABELS}, or a list of ${LABEL_LAYOUTS}, with K from 1 to ${MOST_TAGS}`,
  },
  densities: {
    holds: (x) => Array.isArray(x) && x.every((each) => typeof each === 'number' && each > 0 && each <= 1),
    expected: 'a list of numbers over 0 and up to 1',
  },
  precision: { holds: (x) => x === 'f32' || x === 'f16', expected: 'f32 or f16' },
  causal: { holds: (x) => typeof x === 'boolean', expected: 'true or false' },
  passes: listOf((x) => PASSES.includes(x as Pass), PASSES.join(', ')),
  repeats: { holds: (x) => isWhole(x, 1, 10_000), expected: 'a whole number from 1 to 10000' },
  seconds: { holds: (x) => isWhole(x, 0, 86_400), expected: 'a whole number from 0 to 86400' },
  seed: { holds: (x) => isWhole(x, 0, 2 ** 32 - 1), expected: 'a whole number from 0 to 2³² - 1' },
  controls: { holds: (x) => typeof x === 'boolean', expected: 'true or false' },
};

function listOf(holds: (value: unknown) => boolean, expected: string) {
  return {
    holds: (value: unknown) => Array.isArray(value) && value.length > 0 && value.every(holds),
    expected: `a list of ${expected}`,
  };
}

function isWhole(value: unknown, least: number, most: number): boolean {
  return Number.isInteger(value) && (value as number) >= least && (value as number) <= most;
}

/** What is expected of a setting; undefined where the value is within its bounds. */
export function expectedOf(name: keyof AttentionSettings, value: unknown): string | undefined {
  const { holds, expected } = CHECKS[name];
  return holds(value) ? undefined : expected;
}

/** Settings with defaults for what is left out. @throws CallerError where one is unknown or out of bounds. */
export function completeAttentionSettings(
  settings: Partial<Record<string, unknown>>,
  where?: string,
): AttentionSettings {
  for (const [name, value] of Object.entries(settings)) {
    if (!Object.hasOwn(CHECKS, name)) {
      throw new CallerError({
        what: `unknown setting "${name}"`,
        where,
        expected: `one of: ${Object.keys(CHECKS).join(', ')}`,
      });
    }
    const expected = expectedOf(name as keyof AttentionSettings, value);
    if (expected) throw new CallerError({ what: `${name} is ${describeJson(value)}`, where, expected });
  }
  const stated = settings as Partial<AttentionSettings>;
  const hasLayouts = stated.labels !== undefined && `${stated.labels}` !== DATA_LABELS;
  const complete: AttentionSettings = {
    ...ATTENTION_DEFAULTS,
    // Without rules, each label of a layout attends to itself; such rules, and drawn ones, have no soft pairs.
    ...(hasLayouts && { rules: [] }),
    ...((hasLayouts || stated.densities?.length) && { strategies: ['none', 'hard'] }),
    ...stated,
  };
  if (hasLayouts && complete.lengths.includes(SENTENCES)) {
    throw new CallerError({
      what: `lengths has "${SENTENCES}" with labels ${complete.labels}`,
      where,
      expected: 'numbers of tokens: sentences have the labels of their data',
    });
  }
  const { lengths, batch } = complete;
  const tokens = batch * Math.max(...lengths.map((length) => (length === SENTENCES ? 1 : length)));
  if (tokens > MOST_TOKENS) {
    throw new CallerError({
      what: `${batch} sequences of ${tokens / batch} tokens`,
      where,
      expected: `at most ${MOST_TOKENS} tokens in a batch`,
    });
  }
  return complete;
}

/** Settings from the text of a `--config` file: JSON, comments allowed. @throws CallerError where it is invalid. */
export function parseAttentionConfig(text: string, file: string): Partial<Record<string, unknown>> {
  const complaint = { expected: '{ "lengths": [512], … }' };
  const settings = new JsonText(text, file, complaint, true).checked(recordOf(v.unknown()));
  completeAttentionSettings(settings, file);
  return settings;
}
