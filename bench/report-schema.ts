import * as v from 'valibot';
import {
  fields,
  finite,
  flag,
  listOf,
  notNegative,
  oneOf,
  positiveWhole,
  recordOf,
  share,
  text,
  whole,
} from '../src/base/json-schemas.js';
import { PASSES } from './attention-settings.js';

/**
 * The schemas of the benchmarks' files, for the pages that show them. Files may have more fields; optional ones are absent in
 * older files.
 */

/** A time, or a rate, that a logarithmic axis can show. */
const positive = v.pipe(finite, v.gtValue(0, 'a number over 0'));
const ratio = v.nullable(positive);
const pass = oneOf(PASSES);
const each = v.entriesFromList;

const ENVIRONMENT = fields({
  adapter: fields(each(['kind', 'reason', 'vendor', 'architecture', 'device', 'description'], text)),
  software: flag,
  features: listOf(text),
  subgroupLanes: v.nullable(whole),
  dawn: fields({ package: text, toggles: listOf(text) }),
  packages: recordOf(text),
  system: fields({ ...each(['platform', 'node', 'cpu'], text), cores: whole, memoryGiB: notNegative }),
  clocks: fields({ cpuMHz: v.nullish(notNegative), gpu: v.optional(text) }),
  load: listOf(notNegative),
  ruleHashes: recordOf(text),
  seed: whole,
  ...each(['kernelHash', 'command', 'date'], text),
});

/** Where results were wrong, the largest error may be NaN or infinite, which JSON writes as null. */
const GATE = v.pipe(
  fields({ passed: flag, maxError: v.nullable(notNegative), complaints: listOf(text) }),
  v.check(({ passed, maxError }) => !passed || maxError !== null, '"maxError" beside "passed": true'),
);

/** The three columns of a comparison: a ratio with its interval, or null for each. */
function comparison<const Name extends string>(name: Name) {
  return {
    entries: each([name, 'ratioLow', 'ratioHigh'], ratio),
    isComplete(row: Record<Name | 'ratioLow' | 'ratioHigh', number | null>): boolean {
      const { ratioLow, ratioHigh } = row;
      const stated = [row[name], ratioLow, ratioHigh].filter((value) => value !== null);
      return stated.length === 0 || (stated.length === 3 && ratioLow! <= ratioHigh!);
    },
    expected: `all of "${name}", "ratioLow" and "ratioHigh", or null for each`,
  };
}

const toDense = comparison('ratioToDense');
const toShortest = comparison('ratioToShortest');
const shape = each(['length', 'heads', 'headDim'], positiveWhole);

/** A report with rows: the fields of every kind, and those of this kind. */
function report<Rows extends v.GenericSchema, More extends v.ObjectEntries>(row: Rows, more: More) {
  return fields({
    environment: ENVIRONMENT,
    gate: GATE,
    rows: listOf(row),
    settings: fields({ data: text }),
    interrupted: flag,
    ...more,
  });
}

const ATTENTION_ROW = v.pipe(
  fields({
    ...shape,
    ...each(['strategy', 'rules', 'order'], text),
    ...each(['batch', 'densePairs'], positiveWhole),
    ...each(['usefulPairs', 'executedPairs', 'executedPairsTransposed'], whole),
    ...each(['waste', 'planMs', 'bufferBytes'], notNegative),
    ...each(['medianMs', 'idealSpeedup'], positive),
    ...each(['gpuMedianMs', 'realisedFraction', 'usefulGflops', 'executedGflops'], v.nullable(notNegative)),
    ...each(['executedCostRatio', 'nsPerUsefulPair', 'usPerToken'], v.nullish(notNegative)),
    ...each(['boundSpeedup', 'boundMs', 'boundFraction', 'leastGBs'], v.nullish(notNegative)),
    ...toDense.entries,
    realisedSpeedup: ratio,
    density: share,
    closure: v.nullish(share),
    text: oneOf(['document', 'sentences']),
    lengths: v.pipe(listOf(positiveWhole), v.minLength(1, 'the length of each sequence')),
    pass,
  }),
  v.check((row) => toDense.isComplete(row), toDense.expected),
  v.check(
    (row) =>
      row.ratioToDense === null ||
      ![row.realisedSpeedup, row.realisedFraction, row.executedGflops].includes(null),
    'its speed-up, realised fraction and rate beside "ratioToDense"',
  ),
);

const ATTENTION = report(ATTENTION_ROW, {
  settings: fields({ repeats: positiveWhole, rules: listOf(text), data: text }),
  preparation: listOf(
    fields({ stage: text, ...each(['length', 'batch'], positiveWhole), medianMs: notNegative }),
  ),
  breakEven: listOf(
    fields({
      ...each(['strategy', 'rules'], text),
      pass,
      ...each(['heads', 'headDim'], positiveWhole),
      ...each(['length', 'lengthWithPlanning'], v.nullable(positiveWhole)),
      density: v.nullable(finite),
    }),
  ),
  peaks: v.optional(fields(each(['gflops', 'gigabytesPerSecond'], positive))),
});

const STEP_ROW = v.pipe(
  fields({
    ...each(['strategy', 'rules'], text),
    ...each(['length', 'batch'], positiveWhole),
    ...each(['medianMs', 'kernelsMs'], positive),
    ...each(['tokensPerSecond', 'attentionMs'], notNegative),
    ...toDense.entries,
    ...each(['attentionSpeedup', 'predictedSpeedup', 'predictedFromIdeal'], v.nullable(notNegative)),
    realisedSpeedup: ratio,
  }),
  v.check((row) => toDense.isComplete(row), toDense.expected),
);

const GROWTH_ROW = v.pipe(
  fields({
    ...shape,
    ...each(['strategy', 'rules'], text),
    pass,
    medianMs: positive,
    usefulPairs: whole,
    bytesPerToken: notNegative,
    nsPerUsefulPair: v.nullable(notNegative),
    ...toShortest.entries,
  }),
  v.check((row) => toShortest.isComplete(row), toShortest.expected),
);

const LIMITS = fields({
  environment: ENVIRONMENT,
  limits: fields({
    ...each(['multiplyAddGflops', 'matrixProductGflops', 'copyGBs'], positive),
    ...each(['dispatchMicroseconds', 'submitMicroseconds'], notNegative),
    ...each(['wallTimerMicroseconds', 'gpuTimerMicroseconds'], v.nullish(notNegative)),
  }),
  products: listOf(fields({ ...each(['rows', 'inputs', 'outputs'], positiveWhole), gflops: notNegative })),
  dense: listOf(fields({ ...shape, gflops: notNegative, shareOfPeak: v.nullable(notNegative) })),
  gate: GATE,
  rows: listOf(
    fields({
      ...each(['kernel', 'shape'], text),
      medianMs: positive,
      ...each(['intensity', 'gflops', 'shareOfRoof'], notNegative),
    }),
  ),
});

const PEER_ROW = fields({
  ...shape,
  peer: text,
  mask: flag,
  pass,
  medianMs: ratio,
  ...each(['gpuMedianMs', 'usefulGflops'], v.nullish(notNegative)),
  maxError: v.nullable(notNegative),
  error: v.nullish(text),
  ...each(['ratioToParsimonyLow', 'ratioToParsimonyHigh'], ratio),
});

const PROFILE = fields({
  traceEvents: v.pipe(
    listOf(
      fields({
        name: text,
        dur: v.optional(notNegative),
        cat: v.optional(text),
        args: fields({ step: v.optional(whole) }),
      }),
    ),
    v.check(
      (events) => events.some(({ args }) => args.step !== undefined),
      'the events of at least one step',
    ),
  ),
  otherData: ENVIRONMENT,
});

const GPU_SECTIONS = listOf(
  fields({
    name: text,
    state: oneOf(['waiting', 'running', 'done', 'cut short', 'skipped', 'failed']),
    seconds: v.optional(notNegative),
    why: v.optional(text),
  }),
);

/** The file of `bench gpu`. Each of its reports has the schema of its kind. */
const GPU = fields({
  environment: ENVIRONMENT,
  gate: GATE,
  f16Gate: v.optional(GATE),
  settings: fields({ minutes: positive, data: text }),
  interrupted: flag,
  sections: GPU_SECTIONS,
  reports: listOf(fields({ kind: oneOf(['limits', 'attention', 'step', 'peers']) })),
});

/** The schema of each kind of report. */
export const REPORT_SCHEMAS = {
  attention: ATTENTION,
  step: report(STEP_ROW, { settings: fields({ repeats: positiveWhole, data: text }) }),
  growth: report(GROWTH_ROW, {}),
  gpu: GPU,
  limits: LIMITS,
  peers: report(PEER_ROW, {}),
  profile: PROFILE,
};

const COMPARED_ENVIRONMENT = fields({
  adapter: fields(each(['description', 'kind'], text)),
  ...each(['kernelHash', 'date'], text),
});

const COMPARED_ROWS = listOf(
  v.pipe(
    fields({
      ...each(['strategy', 'rules', 'text'], text),
      ...each(['length', 'batch'], positiveWhole),
      ...each(['heads', 'headDim'], v.optional(positiveWhole)),
      ...each(['pass', 'peer', 'precision'], v.optional(text)),
      mask: v.optional(flag),
      medianMs: ratio,
      ...toDense.entries,
    }),
    v.check((row) => toDense.isComplete(row), toDense.expected),
  ),
);

/** The part of a report that `bench compare` needs. */
export const COMPARABLE = fields({ environment: COMPARED_ENVIRONMENT, rows: COMPARED_ROWS });

/** The same of `bench gpu`, whose limits have no ratios. */
export const COMPARABLE_GPU = fields({
  environment: COMPARED_ENVIRONMENT,
  gate: fields({ passed: flag }),
  f16Gate: v.optional(fields({ passed: flag })),
  sections: GPU_SECTIONS,
  reports: listOf(
    v.variant('kind', [
      v.looseObject({ kind: v.literal('limits') }),
      v.looseObject({ kind: oneOf(['attention', 'step', 'peers']), rows: COMPARED_ROWS }),
    ]),
  ),
});
