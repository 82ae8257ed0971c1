import type { AttentionReport } from '../../bench/attention-bench.js';
import type { AttentionRow } from '../../bench/attention-row.js';
import { ATTENTION_DEFAULTS } from '../../bench/attention-settings.js';
import { breakEvens } from '../../bench/break-even.js';

const USEFUL_SHARE: Readonly<Record<string, number>> = { none: 1, hard: 0.32, soft: 1, guided: 0.4 };

/** A row whose numbers agree with each other: a strategy that takes `ratio` of dense's time. */
export function rowOf(strategy: string, length: number, ratio: number, changes: Partial<AttentionRow> = {}) {
  const density = USEFUL_SHARE[strategy] ?? 0.32;
  const densePairs = length ** 2;
  const row: AttentionRow = {
    strategy,
    rules: 'paper',
    order: 'tags',
    precision: 'f32',
    text: 'document',
    length,
    lengths: [length],
    heads: 2,
    headDim: 64,
    batch: 1,
    pass: 'forward',
    repeats: 9,
    runsPerRepeat: 1,
    medianMs: (ratio * length ** 2) / 1e4,
    gpuMedianMs: null,
    timesMs: [],
    ratioToDense: ratio,
    leastGBs: 1,
    ratioLow: strategy === 'none' ? 1 : 0.96 * ratio,
    ratioHigh: strategy === 'none' ? 1 : 1.04 * ratio,
    tagCounts: [{ NOUN: length }],
    usefulPairs: Math.round(density * densePairs),
    executedPairs: Math.round(1.2 * density * densePairs),
    executedPairsTransposed: Math.round(1.2 * density * densePairs),
    countedPairs: {
      forward: Math.round(1.2 * density * densePairs),
      queryGradient: null,
      keyValueGradient: null,
    },
    densePairs,
    density,
    closure: density ** 0.5,
    waste: 1.2,
    idealSpeedup: 1 / density,
    realisedSpeedup: 1 / ratio,
    realisedFraction: density / ratio,
    boundSpeedup: 1 / density,
    boundMs: (density * length ** 2) / 1e4,
    boundFraction: density / ratio,
    executedCostRatio: ratio / density / 1.2,
    nsPerUsefulPair: (50 * ratio) / density,
    usPerToken: 0.1 * ratio * length,
    usefulGflops: 4,
    executedGflops: 4.8,
    planMs: 0.5,
    bufferBytes: 2 ** 20,
    ...changes,
  };
  return row;
}

/** The same row after a red gate. */
export function withoutSpeedup(row: AttentionRow): AttentionRow {
  return {
    ...row,
    ratioToDense: null,
    ratioLow: null,
    ratioHigh: null,
    realisedSpeedup: null,
    realisedFraction: null,
    boundFraction: null,
    executedCostRatio: null,
    nsPerUsefulPair: null,
    usPerToken: null,
    usefulGflops: null,
    executedGflops: null,
  };
}

/** Two lengths of dense, hard and guided, in one pass. */
export function someRows(): AttentionRow[] {
  return [512, 1024].flatMap((length) => [
    rowOf('none', length, 1),
    rowOf('hard', length, 0.431),
    rowOf('guided', length, 0.52),
  ]);
}

/** A small report of a green run on a software adapter. */
export function reportOf(rows: AttentionRow[], changes: Partial<AttentionReport> = {}): AttentionReport {
  return {
    kind: 'attention',
    environment: {
      adapter: {
        kind: 'system software',
        reason: 'it was asked for',
        vendor: 'mesa',
        architecture: '',
        device: '',
        description: 'llvmpipe (test)',
      },
      software: true,
      features: ['timestamp-query'],
      subgroupLanes: null,
      kernels: [],
      dawn: { package: 'webgpu 0.0.0', toggles: [] },
      packages: { 'parsimony-attention': '0.0.0' },
      system: { platform: 'linux x64', node: 'v20.0.0', cpu: 'a CPU', cores: 2, memoryGiB: 8 },
      clocks: { cpuMHz: 2000 },
      load: [0.5, 0.5, 0.5],
      kernelHash: '0123456789abcdef',
      ruleHashes: { paper: 'fedcba9876543210' },
      seed: 1,
      command: 'parsimony bench attention --lengths 512,1024 --html page.html',
      date: '2026-01-02T03:04:05.000Z',
    },
    settings: { ...ATTENTION_DEFAULTS, data: 'embedded' },
    gate: { passed: true, maxError: 2.5e-7, shareOfBound: 0.1, complaints: [] },
    interrupted: false,
    rows,
    preparation: [{ stage: 'planning', length: 512, batch: 1, medianMs: 0.4 }],
    breakEven: breakEvens(rows),
    machines: [],
    ...changes,
  };
}
