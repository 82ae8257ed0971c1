import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { benchAttention } from '../../bench/attention-bench.js';
import { ATTENTION_DEFAULTS, type AttentionSweep } from '../../bench/attention-settings.js';
import type { Contender } from '../../bench/contender.js';
import type { ContenderImplementation } from '../../bench/contender-implementation.js';
import { contenderRow } from '../../bench/contender-row.js';
import { checkNumbers, GREEN } from '../../bench/gate.js';
import { machineOf } from '../../bench/machine-probe.js';
import { referenceAttention } from '../../bench/reference-attention.js';
import blockMask from '../../examples/block-mask-contender.mjs';
import { embeddedCorpus } from '../../src/data/embedded-corpus.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { Layout } from '../../src/plan/layout.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { QUAD } from '../../src/plan/ranges.js';
import type { Tile } from '../../src/plan/tiles.js';
import { type Family, testDevice } from '../support/device.js';
import { quickTurns } from '../support/quick-turns.js';

/** A change of every sparse plan before the kernels see it. */
let breakage: (layout: Layout) => void = () => {};

beforeAll(async () => {
  // Measured by the clock, and once for a device.
  for (const family of ['subgroup', 'wide'] as const) await machineOf(await testDevice(family), 16);
  const { layout } = AttentionMask.prototype;
  vi.spyOn(AttentionMask.prototype, 'layout').mockImplementation(function (this: AttentionMask, ...args) {
    const planned = layout.apply(this, args);
    if (!this.isDense) breakage(planned);
    return planned;
  });
  quickTurns();
});

afterAll(() => {
  vi.restoreAllMocks();
});

const SWEEP: AttentionSweep = {
  ...ATTENTION_DEFAULTS,
  lengths: [96],
  heads: [2],
  headDims: [16],
  strategies: ['none', 'hard'],
  rules: [PAPER_RULES],
  repeats: 2,
  seconds: 0,
  controls: false,
};

async function bench(
  sweep: Partial<AttentionSweep> = {},
  family: Family = 'subgroup',
  contenders: readonly Contender[] = [],
) {
  const texts = embeddedCorpus().dev.map(({ text }) => text);
  const options = { data: 'embedded', texts, vocabulary: bertVocabulary(), contenders };
  return benchAttention(await testDevice(family), { ...SWEEP, ...sweep }, options);
}

/** Removes the last range of columns from the tile that has most, as a kernel that skips one would. */
function skipOneRange(tiles: Tile[]): void {
  const tile = tiles.reduce((most, other) => (other.ranges.length > most.ranges.length ? other : most));
  const skipped = tile.ranges.pop()!;
  tile.paddedColumns -= QUAD * Math.ceil(skipped.length / QUAD);
}

afterEach(() => {
  breakage = () => {};
});

describe('the gate of bench attention', () => {
  it('is green where nothing is broken, and speed-ups are shown', async () => {
    const { gate, rows } = await bench();
    expect(gate.complaints).toEqual([]);
    expect(gate.passed).toBe(true);
    expect(gate.maxError).toBeGreaterThan(0);
    expect(rows.map(({ strategy, pass }) => `${strategy} ${pass}`)).toEqual([
      'none forward',
      'hard forward',
      'none forward+backward',
      'hard forward+backward',
    ]);
    for (const row of rows) expect(row.realisedSpeedup, row.strategy).toBeGreaterThan(0);
  });

  it.each<[string, Partial<AttentionSweep>]>([
    ['learned biases', { strategies: ['learned'], passes: ['forward+backward'] }],
    ['causal order', { strategies: ['hard'], causal: true }],
    ['rules within sentences', { strategies: ['hard', 'guided'], rules: [presetRules('paper@sentence')] }],
    ['rules within a window, soft', { strategies: ['soft'], rules: [presetRules('paper@16')] }],
    ['all pairs under the sparse kernels', { strategies: ['hard'], rules: [presetRules('all-pairs')] }],
    ['sentences, packed', { strategies: ['hard'], lengths: ['sentences'], batch: 5 }],
  ])('is green under %s, and what the device counted is what was planned', async (_, sweep) => {
    // The wide kernels depend least on these, and forward alone has fewer: this driver compiles each for a second.
    const { gate, rows } = await bench({ passes: ['forward'], ...sweep }, 'wide');
    expect(gate).toMatchObject({ passed: true, complaints: [] });
    expect(rows.map(({ strategy }) => strategy)).toEqual(sweep.strategies);
    for (const { pass, countedPairs, executedPairs, executedPairsTransposed } of rows) {
      expect(countedPairs).toEqual({
        forward: executedPairs,
        queryGradient: pass === 'forward' ? null : executedPairs,
        keyValueGradient: pass === 'forward' ? null : executedPairsTransposed,
      });
    }
  });

  it('is red where learned biases have a wrong gradient', () => {
    const { heads, headDim } = { heads: 1, headDim: 16 };
    const ones = (count: number) => new Float32Array(count).fill(0.5);
    const tensors = {
      q: ones(32),
      k: ones(32),
      v: ones(32),
      outputGradient: Float32Array.from(ones(32), (x, i) => x * i),
    };
    const v = Float32Array.from({ length: 32 }, (_, i) => (i < 16 ? 1 : -1));
    const input = { ...tensors, v, heads, headDim, lengths: [2], scale: 0.25, bias: () => 0 };
    const exact = referenceAttention(input);
    const computed = {
      output: Float32Array.from(exact.output),
      queryGradient: Float32Array.from(exact.dq),
      keyGradient: Float32Array.from(exact.dk),
      valueGradient: Float32Array.from(exact.dv),
    };
    const sampled = new Uint8Array(2).fill(1);
    const tags = { count: 2, indexes: Uint8Array.of(0, 1) };
    const sums = new Float32Array(4);
    referenceAttention({ ...input, onScoreGradient: (q, k, _h, value) => (sums[2 * q + k] += value) });
    const right = checkNumbers(input, sampled, { ...computed, biasGradient: sums }, tags);
    expect(right).toMatchObject({ passed: true, complaints: [] });
    const wrong = checkNumbers(
      input,
      sampled,
      { ...computed, biasGradient: sums.map((x) => 1.001 * x) },
      tags,
    );
    expect(wrong.complaints).toEqual([expect.stringContaining('bias gradient is off')]);
  });

  it.each<[string, (layout: Layout) => void]>([
    ['a key range is skipped going forward', (layout) => skipOneRange(layout.heads[0].queryTiles)],
    ['a query range is skipped going backward', (layout) => skipOneRange(layout.heads[0].keyTiles)],
    [
      'useful pairs are miscounted',
      (layout) => {
        layout.pairCounts.useful--;
      },
    ],
    [
      'executed pairs are miscounted',
      (layout) => {
        layout.pairCounts.executed -= 32;
      },
    ],
    [
      'executed pairs of the key pass are miscounted',
      (layout) => {
        layout.pairCounts.executedTransposed += 32;
      },
    ],
    [
      'dense pairs are miscounted',
      (layout) => {
        layout.pairCounts.dense += 1;
      },
    ],
  ])('is red where %s, and no speed-up is shown', async (_, breaking) => {
    breakage = breaking;
    const { gate, rows } = await bench({ passes: ['forward+backward'] });
    expect(gate.passed).toBe(false);
    expect(gate.complaints.length).toBeGreaterThan(0);
    const hard = rows.filter(({ strategy }) => strategy === 'hard');
    expect(hard).toHaveLength(1);
    for (const row of hard) {
      const shown = [
        row.ratioToDense,
        row.ratioLow,
        row.ratioHigh,
        row.realisedSpeedup,
        row.realisedFraction,
      ];
      expect(shown).toEqual([null, null, null, null, null]);
    }
  });
});

/** Counts the pairs whose query depends on the key after three layers. A token also depends on itself, whatever its tag sees. */
function joinedTags(sees: (pair: string) => boolean) {
  return (counts: Readonly<Record<string, number>>) => {
    const next = (tag: string) => Object.keys(counts).filter((key) => sees(`${tag} ${key}`));
    return Object.entries(counts).reduce((pairs, [query, rowsOfTag]) => {
      const [one, two] = [next(query), next(query).flatMap(next)];
      const keys = new Set([...one, ...two, ...two.flatMap(next)]);
      const columns = Object.entries(counts).reduce(
        (sum, [key, count]) => sum + (keys.has(key) ? count : 0),
        0,
      );
      return pairs + rowsOfTag * (columns + (keys.has(query) ? 0 : 1));
    }, 0);
  };
}

describe('a report of bench attention', () => {
  it('counts pairs that can be recounted from its tag counts', async () => {
    const sweep = { lengths: [50], batch: 3, controls: true };
    const { rows } = await bench({ ...sweep, strategies: ['none', 'hard', 'guided'], passes: ['forward'] });
    const allowed = new Set(PAPER_RULES.hard.map((pair) => pair.join(' ')));
    const guided = new Set([...PAPER_RULES.hard, ...PAPER_RULES.soft].map((pair) => pair.join(' ')));
    const sets: Record<string, Set<string> | undefined> = { hard: allowed, guided, 'hard-unsorted': allowed };
    for (const row of rows) {
      let [useful, dense] = [0, 0];
      expect(row.tagCounts).toHaveLength(3);
      for (const counts of row.tagCounts) {
        for (const [query, rowsOfTag] of Object.entries(counts)) {
          for (const [key, columns] of Object.entries(counts)) {
            dense += rowsOfTag * columns;
            if (sets[row.strategy]?.has(`${query} ${key}`) ?? true) useful += rowsOfTag * columns;
          }
        }
      }
      expect(row.densePairs).toBe(dense);
      if (row.strategy === 'none' || sets[row.strategy]) expect(row.usefulPairs, row.strategy).toBe(useful);
      const joined = joinedTags((pair) => sets[row.strategy]?.has(pair) ?? true);
      const counted = row.tagCounts.reduce((sum, counts) => sum + joined(counts), 0);
      if (row.strategy === 'none' || sets[row.strategy]) expect(row.closure).toBeCloseTo(counted / dense, 12);
      expect(row.executedPairs).toBeGreaterThanOrEqual(row.usefulPairs);
    }
  });

  it('holds what was measured by the time it is interrupted', async () => {
    const controller = new AbortController();
    const texts = embeddedCorpus().dev.map(({ text }) => text);
    const { interrupted, rows } = await benchAttention(
      await testDevice(),
      { ...SWEEP, lengths: [40, 96, 120], passes: ['forward'] },
      {
        data: 'embedded',
        texts,
        vocabulary: bertVocabulary(),
        signal: controller.signal,
        onNote: (line) => line.startsWith('checking 96') && controller.abort(),
      },
    );
    expect(interrupted).toBe(true);
    expect(rows.map(({ length }) => length)).toEqual([40, 40]);
  });
});

/** Right where each token attends to itself alone: its output is its value. @param broken What it leaves out. */
function copier(name: string, broken?: 'output' | 'keyGradient'): Contender {
  return {
    name,
    prepare(_device, { strategy, labelNames, labels, buffers }) {
      if (strategy === 'none' || labelNames.length < labels.length) return undefined;
      return {
        encodeForward(encoder) {
          const { value, output } = buffers;
          if (broken !== 'output') encoder.copyBufferToBuffer(value, 0, output, 0, value.size);
        },
        encodeBackward(encoder) {
          const { outputGradient, valueGradient, queryGradient, keyGradient } = buffers;
          encoder.copyBufferToBuffer(outputGradient, 0, valueGradient, 0, valueGradient.size);
          encoder.clearBuffer(queryGradient);
          if (broken !== 'keyGradient') encoder.clearBuffer(keyGradient);
        },
      };
    },
  };
}

describe('contenders', () => {
  it('are checked as ours are: a wrong one, or one that fails, has no speed-up, and ours keep theirs', async () => {
    const failing: Contender = {
      name: 'failing',
      prepare(device) {
        const module = device.createShaderModule({ code: 'fn main() { no }' });
        device.createComputePipeline({ layout: 'auto', compute: { module } });
        return { encodeForward() {} };
      },
    };
    const odd = { name: 'odd', prepare: () => 5 } as unknown as Contender;
    const texting: Contender = {
      name: 'texting',
      prepare() {
        throw 'a text';
      },
    };
    const report = await bench(
      { labels: ['blocks:20', 'random:18'], lengths: [20], rules: [], passes: ['forward', 'backward'] },
      'subgroup',
      [
        copier('right'),
        copier('empty', 'output'),
        copier('half', 'keyGradient'),
        blockMask,
        failing,
        odd,
        texting,
      ],
    );
    const outcomes = report.contenders!.map(
      ({ contender, strategy, rules, pass, error, realisedSpeedup }) => {
        if (error !== null) expect(realisedSpeedup).toBeNull();
        else expect(realisedSpeedup).toBeGreaterThan(0);
        return `${contender}, ${strategy}, ${rules.split(',')[0]}, ${pass}: ${error ?? 'right'}`;
      },
    );
    const ofBlocks = 'hard, blocks:20';
    for (const pass of ['forward', 'backward']) {
      expect(outcomes).toContain(`right, ${ofBlocks}, ${pass}: right`);
      expect(outcomes.join('\n')).toMatch(
        new RegExp(`empty, ${ofBlocks}, ${pass}: output is off by Infinity`),
      );
      expect(outcomes.join('\n')).toMatch(
        new RegExp(`half, ${ofBlocks}, ${pass}: key gradient is off by Infinity`),
      );
    }
    expect(outcomes.filter((line) => line.startsWith('block bitmask')).sort()).toEqual([
      'block bitmask, hard, blocks:20, forward: right',
      'block bitmask, hard, random:18, forward: right',
      'block bitmask, none, blocks:20, forward: right',
      'block bitmask, none, random:18, forward: right',
    ]);
    expect(outcomes.join('\n')).toMatch(/failing, none, .*: Error while parsing WGSL/);
    for (const pass of ['forward', 'backward'])
      expect(outcomes).toContain(`texting, hard, blocks:20, ${pass}: "a text"`);
    expect(outcomes.join('\n')).toMatch(
      /odd, none, .*: what prepare of contender "odd" returned is 5; expected an/,
    );
    expect(report.gate).toMatchObject({ passed: true, complaints: [] });
    for (const { realisedSpeedup, leastGBs, pass } of report.rows) {
      expect(['forward', 'backward']).toContain(pass);
      expect(realisedSpeedup).toBeGreaterThan(0);
      expect(leastGBs).toBeGreaterThan(0);
    }
  });

  it('have as ideal what our dense attention computes, which is causal where they are', () => {
    const contender = {
      contender: { name: 'one' },
      mask: { strategy: 'hard', rules: PAPER_RULES },
      gate: GREEN,
    };
    const row = (causal: boolean, usefulPairs: number) => {
      const workload = { tags: ['DET', 'NOUN', 'DET'], lengths: [3], heads: 1, headDim: 16, causal };
      const labels = { pass: 'forward', text: 'document' } as const;
      const checked = { ...contender, usefulPairs } as ContenderImplementation;
      return contenderRow(checked, workload, labels, undefined);
    };
    // Six of nine pairs have no later key.
    expect(row(false, 9)).toMatchObject({ idealSpeedup: 1, density: 1 });
    expect(row(true, 6)).toMatchObject({ idealSpeedup: 1, density: 2 / 3 });
  });

  it('that stop to compute after they were checked are wrong, and have no speed-up', async () => {
    const right = copier('lazy');
    const lazy: Contender = {
      name: right.name,
      async prepare(device, problem) {
        const prepared = await right.prepare(device, problem);
        let runs = 0;
        return prepared && { encodeForward: (encoder) => runs++ === 0 && prepared.encodeForward(encoder) };
      },
    };
    const settings = { labels: ['blocks:20'], lengths: [20], rules: [], passes: ['forward' as const] };
    const { contenders, rows } = await bench(settings, 'subgroup', [lazy]);
    const error = 'after it was timed: output is off by Infinity';
    expect(contenders).toMatchObject([{ error: expect.stringContaining(error), realisedSpeedup: null }]);
    for (const { realisedSpeedup } of rows) expect(realisedSpeedup).toBeGreaterThan(0);
  });

  it('that fail after they were checked are named', async () => {
    const late: Contender = {
      name: 'late',
      prepare: () => ({
        encodeForward() {},
        release() {
          throw new Error('no such buffer');
        },
      }),
    };
    const settings = { labels: ['blocks:20'], lengths: [20], rules: [] };
    await expect(
      bench({ ...settings, strategies: ['none'], passes: ['forward'] }, 'subgroup', [late]),
    ).rejects.toThrow(
      /^contender "late": it failed after it was checked \(no such buffer\); expected passes/,
    );
  });

  it('are refused with rules that allow no pair', async () => {
    const rules = [{ name: 'empty', tags: [0, 1], hard: [], soft: [], beta: 0 }];
    await expect(bench({ labels: ['blocks:2'], lengths: [64], rules })).rejects.toThrow(
      /^rules "blocks:2, empty" allow no pair of this text; expected rules about its labels: 0, 1$/,
    );
  });
});
