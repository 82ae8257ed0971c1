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

/** What the files of the benchmarks must say for the pages that show them. They may say more. */

/** A time, or a rate, that a logarithmic axis can show. */
const positive = v.pipe(finite, v.gtValue(0, 'a number over 0'));
const ratio = v.nullable(positive);
const pass = oneOf(['forward', 'forward+backward']);

const ENVIRONMENT = fields({
  adapter: fields({
    kind: text,
    reason: text,
    vendor: text,
    architecture: text,
    device: text,
    description: text,
  }),
  software: flag,
  features: listOf(text),
  subgroupLanes: v.nullable(whole),
  dawn: fields({ package: text, toggles: listOf(text) }),
  packages: recordOf(text),
  system: fields({ platform: text, node: text, cpu: text, cores: whole, memoryGiB: notNegative }),
  clocks: fields({ cpuMHz: v.nullish(notNegative), gpu: v.optional(text) }),
  load: listOf(notNegative),
  kernelHash: text,
  ruleHashes: recordOf(text),
  seed: whole,
  command: text,
  date: text,
});

/** Where results were wrong, the largest error may be none that JSON can write. */
const GATE = v.pipe(
  fields({ passed: flag, maxError: v.nullable(notNegative), complaints: listOf(text) }),
  v.check(({ passed, maxError }) => !passed || maxError !== null, '"maxError" beside "passed": true'),
);

const ENDS = 'all of "ratioToDense", "ratioLow" and "ratioHigh", or null for each';

/** A comparison has its interval, or is none. */
function areWhole(row: Record<'ratioToDense' | 'ratioLow' | 'ratioHigh', number | null>): boolean {
  const { ratioToDense, ratioLow, ratioHigh } = row;
  const known = [ratioToDense, ratioLow, ratioHigh].filter((value) => value !== null);
  return known.length === 0 || (known.length === 3 && ratioLow! <= ratioHigh!);
}

const shape = { length: positiveWhole, batch: positiveWhole, heads: positiveWhole, headDim: positiveWhole };

const ATTENTION_ROW = v.pipe(
  fields({
    ...shape,
    strategy: text,
    rules: text,
    order: text,
    text: oneOf(['document', 'sentences']),
    lengths: v.pipe(listOf(positiveWhole), v.minLength(1, 'the length of each sequence')),
    pass,
    medianMs: positive,
    gpuMedianMs: v.nullable(notNegative),
    ratioToDense: ratio,
    ratioLow: ratio,
    ratioHigh: ratio,
    usefulPairs: whole,
    executedPairs: whole,
    executedPairsTransposed: whole,
    densePairs: positiveWhole,
    density: share,
    waste: notNegative,
    idealSpeedup: positive,
    realisedSpeedup: ratio,
    realisedFraction: v.nullable(notNegative),
    usefulGflops: v.nullable(notNegative),
    executedGflops: v.nullable(notNegative),
    planMs: notNegative,
    bufferBytes: notNegative,
  }),
  v.check((row) => areWhole(row), ENDS),
  v.check(
    (row) =>
      row.ratioToDense === null ||
      ![row.realisedSpeedup, row.realisedFraction, row.executedGflops].includes(null),
    'its speed-up, realised fraction and rate beside "ratioToDense"',
  ),
);

const ATTENTION = fields({
  environment: ENVIRONMENT,
  settings: fields({ repeats: positiveWhole, rules: listOf(text), data: text }),
  gate: GATE,
  interrupted: flag,
  rows: listOf(ATTENTION_ROW),
  preparation: listOf(
    fields({ stage: text, length: positiveWhole, batch: positiveWhole, medianMs: notNegative }),
  ),
  breakEven: listOf(
    fields({
      strategy: text,
      rules: text,
      pass,
      heads: positiveWhole,
      headDim: positiveWhole,
      length: v.nullable(positiveWhole),
      lengthWithPlanning: v.nullable(positiveWhole),
      density: v.nullable(finite),
    }),
  ),
  peaks: v.optional(fields({ gflops: positive, gigabytesPerSecond: positive })),
});

const STEP = fields({
  environment: ENVIRONMENT,
  settings: fields({ repeats: positiveWhole, data: text }),
  gate: GATE,
  interrupted: flag,
  rows: listOf(
    v.pipe(
      fields({
        strategy: text,
        rules: text,
        length: positiveWhole,
        batch: positiveWhole,
        medianMs: positive,
        tokensPerSecond: notNegative,
        kernelsMs: positive,
        attentionMs: notNegative,
        ratioToDense: ratio,
        ratioLow: ratio,
        ratioHigh: ratio,
        attentionSpeedup: v.nullable(notNegative),
        predictedSpeedup: v.nullable(notNegative),
        predictedFromIdeal: v.nullable(notNegative),
        realisedSpeedup: ratio,
      }),
      v.check((row) => areWhole(row), ENDS),
    ),
  ),
});

const GROWTH = fields({
  environment: ENVIRONMENT,
  settings: fields({ data: text }),
  gate: GATE,
  interrupted: flag,
  rows: listOf(
    v.pipe(
      fields({
        strategy: text,
        rules: text,
        pass,
        length: positiveWhole,
        heads: positiveWhole,
        headDim: positiveWhole,
        medianMs: positive,
        usefulPairs: whole,
        bytesPerToken: notNegative,
        nsPerUsefulPair: v.nullable(notNegative),
        ratioToShortest: ratio,
        ratioLow: ratio,
        ratioHigh: ratio,
      }),
      v.check(
        ({ ratioToShortest, ...row }) => areWhole({ ...row, ratioToDense: ratioToShortest }),
        'all of "ratioToShortest", "ratioLow" and "ratioHigh", or null for each',
      ),
    ),
  ),
});

const LIMITS = fields({
  environment: ENVIRONMENT,
  limits: fields({
    multiplyAddGflops: positive,
    matrixProductGflops: positive,
    copyGBs: positive,
    dispatchMicroseconds: notNegative,
    submitMicroseconds: notNegative,
  }),
  products: listOf(
    fields({ rows: positiveWhole, inputs: positiveWhole, outputs: positiveWhole, gflops: notNegative }),
  ),
  dense: listOf(
    fields({
      length: positiveWhole,
      heads: positiveWhole,
      headDim: positiveWhole,
      gflops: notNegative,
      shareOfPeak: v.nullable(notNegative),
    }),
  ),
  gate: GATE,
  rows: listOf(
    fields({
      kernel: text,
      shape: text,
      medianMs: positive,
      intensity: notNegative,
      gflops: notNegative,
      shareOfRoof: notNegative,
    }),
  ),
});

const PEERS = fields({
  environment: ENVIRONMENT,
  settings: fields({ data: text }),
  gate: GATE,
  interrupted: flag,
  rows: listOf(
    fields({
      peer: text,
      mask: flag,
      length: positiveWhole,
      heads: positiveWhole,
      headDim: positiveWhole,
      pass,
      medianMs: v.nullable(positive),
      maxError: v.nullable(notNegative),
      error: v.nullish(text),
      ratioToParsimonyLow: ratio,
      ratioToParsimonyHigh: ratio,
    }),
  ),
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

/** What a report of each kind must hold to. */
export const REPORT_SCHEMAS = {
  attention: ATTENTION,
  step: STEP,
  growth: GROWTH,
  limits: LIMITS,
  peers: PEERS,
  profile: PROFILE,
};

/** What `bench compare` needs of a report. */
export const COMPARABLE = fields({
  environment: fields({ adapter: fields({ description: text, kind: text }), kernelHash: text, date: text }),
  rows: listOf(
    v.pipe(
      fields({
        strategy: text,
        rules: text,
        text,
        length: positiveWhole,
        batch: positiveWhole,
        heads: v.optional(positiveWhole),
        headDim: v.optional(positiveWhole),
        pass: v.optional(text),
        peer: v.optional(text),
        mask: v.optional(flag),
        medianMs: v.nullable(positive),
        ratioToDense: ratio,
        ratioLow: ratio,
        ratioHigh: ratio,
      }),
      v.check((row) => areWhole(row), ENDS),
    ),
  ),
});
