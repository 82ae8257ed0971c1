// The benchmarks as a library: package.json exports it as `parsimony-attention/bench`.
/// <reference types="@webgpu/types" preserve="true" />
import * as v from 'valibot';
import {
  arrayLike,
  checkArgument,
  device as deviceArgument,
  options as fields,
} from '../src/base/argument-schemas.js';
import { CallerError } from '../src/base/errors.js';
import { embeddedCorpus } from '../src/data/embedded-corpus.js';
import type { Device } from '../src/gpu/device.js';
import { bertVocabulary } from '../src/grammar/bert-vocabulary.js';
import type { Text } from '../src/grammar/custom-tags.js';
import { checkTexts, modelRulesOf } from '../src/grammar/grammar-arguments.js';
import { isPerHead } from '../src/grammar/head-rules.js';
import type { RuleSet } from '../src/grammar/rules.js';
import { type AttentionReport, benchAttention } from './attention-bench.js';
import { type AttentionSettings, completeAttentionSettings } from './attention-settings.js';
import type { BenchOptions } from './bench-report.js';
import { type Contender, checkedContender } from './contender.js';

export type { AttentionReport } from './attention-bench.js';
export type { TokenOrder } from './attention-implementation.js';
export type { AttentionRow } from './attention-row.js';
export type { AttentionSettings, AttentionSweep, Pass } from './attention-settings.js';
export type { BenchmarkReport } from './bench-report.js';
export type { BreakEven } from './break-even.js';
export type { AttentionProblem, Contender, ContenderBuffers, PreparedContender } from './contender.js';
export type { ContenderRow } from './contender-row.js';
export type { CountedPairs } from './counted-pairs.js';
export type { Environment } from './environment.js';
export type { GateResult } from './gate.js';
export type { KernelTimes, MeasuredMachine } from './predicted-schedule.js';
export type { PreparationRow, ShapeResults } from './shape-bench.js';
export { medianOfRatios, type Ratio } from './statistics.js';
export {
  type Implementation,
  type KernelSum,
  type Times,
  type TimingOptions,
  timeInTurns,
} from './timing.js';
export { type TunedRow, type Tuning, type TuningOptions, tune } from './tuner.js';

/** What is measured; every setting has the default of `parsimony bench attention`. */
export interface HarnessOptions
  extends Partial<Omit<AttentionSettings, 'rules'>>,
    Pick<BenchOptions, 'kernels' | 'signal' | 'onNote'> {
  /** Names of presets, or rules. */
  rules?: readonly (string | RuleSet)[];
  /** The text of documents and sentences; generated sentences by default. */
  texts?: readonly (string | Text)[];
  /** Implementations to compare with ours, in the same turns. */
  contenders?: readonly Contender[];
}

const OPTIONS = fields({ rules: v.optional(arrayLike), contenders: v.optional(arrayLike) });

function ruleSetOf(rules: string | RuleSet): RuleSet {
  const found = modelRulesOf(rules);
  if (!isPerHead(found)) return found;
  throw new CallerError({ what: `rules "${found.name}" for each head`, expected: 'rules for all heads' });
}

/**
 * Measures sparse attention, dense attention and the caller's implementations in turns, as `parsimony bench attention` does. Each is
 * compared with float64 first; one that is wrong has no speed-up.
 *
 * @returns The report, whose times are in milliseconds and whose pairs are those of one head.
 * @throws CallerError where a setting is out of bounds; EngineError where the GPU fails.
 */
export async function benchmarkAttention(
  device: Device,
  options: HarnessOptions = {},
): Promise<AttentionReport> {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(OPTIONS, options, 'options');
  const { rules, texts, contenders = [], kernels, signal, onNote, ...others } = options;
  if (texts !== undefined) checkTexts(texts, 'options.texts');
  contenders.forEach((each, at) => {
    checkedContender(each, `options.contenders[${at}]`);
  });
  const sets = rules?.map(ruleSetOf);
  const settings = completeAttentionSettings({
    ...others,
    ...(sets && { rules: sets.map(({ name }) => name) }),
  });
  return benchAttention(
    device,
    { ...settings, rules: sets ?? settings.rules.map(ruleSetOf) },
    {
      data: texts ? 'the texts of the caller' : 'embedded',
      texts: texts ?? embeddedCorpus().dev.map(({ text }) => text),
      vocabulary: bertVocabulary(),
      contenders,
      kernels,
      signal,
      onNote,
    },
  );
}
