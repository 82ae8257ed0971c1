import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { PARSIMONY, type PeerSpec } from '../../bench/peers/peer-list.js';
import { PeerProcess, type PeerProcessOptions } from '../../bench/peers/peer-process.js';
import type { PeerRow } from '../../bench/peers/peer-row.js';
import { benchPeers, type PeersReport, type PeersSettings } from '../../bench/peers/peers-bench.js';
import { embeddedCorpus } from '../../src/data/embedded-corpus.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { testDevice } from '../support/device.js';

const FAKE = join(import.meta.dirname, 'fake-peer.mjs');

/** The fake peer has one rule: every tag attends to itself. */
const SAME_TAG_RULES = {
  name: 'same tag',
  tags: [] as string[],
  hard: [] as [string, string][],
  soft: [],
  beta: 0,
};

const SETTINGS: PeersSettings = {
  lengths: [20],
  heads: [2],
  headDims: [16],
  passes: ['forward'],
  repeats: 3,
  seed: 1,
};

/** The time limit for an answer that never comes. */
const HANGING_MS = 1_000;

/** A peer with a short timeout only for the answer that never comes, since a busy machine starts processes slowly. */
class TestedPeer extends PeerProcess {
  constructor(
    private readonly name: string,
    options: PeerProcessOptions,
  ) {
    super(name, options);
  }

  override ask: PeerProcess['ask'] = (request, { timeoutMs, signal }) => {
    const hangs = this.name === 'hangs' && request.kind === 'check';
    return super.ask(request, { timeoutMs: hangs ? HANGING_MS : timeoutMs, signal });
  };
}

interface Run {
  env?: Record<string, string>;
  specs?: Partial<PeerSpec>;
  settings?: Partial<PeersSettings>;
  signal?: AbortSignal;
  onNote?(line: string): void;
}

async function bench(names: string[], run: Run = {}): Promise<PeersReport> {
  const { TOKEN_TAGS } = await import('../../src/grammar/tags.js');
  const hard = TOKEN_TAGS.map((tag): [string, string] => [String(tag), String(tag)]);
  const peers = [PARSIMONY, ...names].map(
    (name): PeerSpec => ({
      name,
      packages: {},
      passes: ['forward'],
      precision: 'f32',
      opensAdapter: false,
      ...run.specs,
    }),
  );
  return benchPeers(
    await testDevice(),
    { ...SETTINGS, ...run.settings },
    {
      peers,
      rules: { ...SAME_TAG_RULES, tags: TOKEN_TAGS.map(String), hard },
      data: 'embedded',
      texts: embeddedCorpus().dev.map(({ text }) => text),
      vocabulary: bertVocabulary(),
      adapter: undefined,
      timeoutMs: 120_000,
      signal: run.signal,
      onNote: run.onNote,
      start: (name, env) => new TestedPeer(name, { script: FAKE, env: { ...env, ...run.env } }),
    },
  );
}

function rowOf({ rows }: PeersReport, peer: string, mask: boolean): PeerRow {
  const [row, ...others] = rows.filter((each) => each.peer === peer && each.mask === mask);
  expect(others).toEqual([]);
  return row;
}

const RATIOS = ['ratioToParsimony', 'ratioToParsimonyLow', 'ratioToParsimonyHigh', 'ratioToDense'] as const;
const DERIVED = [...RATIOS, 'ratioLow', 'ratioHigh', 'realisedSpeedup', 'usefulGflops'] as const;

describe('bench peers', () => {
  it('compares correct peers with ours, and counts the pairs of the rules', async () => {
    const report = await bench(['slow']);
    expect(report.gate.passed).toBe(true);
    expect(report.rows).toHaveLength(4);
    for (const mask of [false, true]) {
      const row = rowOf(report, 'slow', mask);
      expect(row.error).toBeUndefined();
      expect(row.maxError).toBeLessThan(1e-6);
      expect(row).toMatchObject({ medianMs: 6, repeats: 3, coldMs: 2, planMs: 0.5, allowedError: 1e-5 });
      for (const ratio of [row.ratioToParsimony, row.ratioToParsimonyLow, row.ratioToParsimonyHigh])
        expect(ratio).toBeCloseTo(3, 9);
      expect(row.ratioToDense).toBe(1);
      const [counts] = row.tagCounts;
      const sameTag = Object.values(counts).reduce((sum, count) => sum + count ** 2, 0);
      expect(row).toMatchObject({ densePairs: 400, executedPairs: 400, usefulPairs: mask ? sameTag : 400 });
      expect(row.idealSpeedup).toBeCloseTo(400 / row.usefulPairs);
    }
  });

  it('reports the error of a wrong peer, keeps its time, and derives nothing from it', async () => {
    const report = await bench(['wrong', 'not-a-number']);
    const wrong = rowOf(report, 'wrong', true);
    expect(wrong.error).toMatch(/^wrong: output is off by 2\.5e-1, allowed are 1\.0e-5$/);
    expect(wrong.maxError).toBeCloseTo(0.25, 5);
    expect(wrong.medianMs).toBe(2);
    expect(rowOf(report, 'not-a-number', false).error).toMatch(/^wrong: /);
    expect(JSON.parse(JSON.stringify(rowOf(report, 'not-a-number', false))).maxError).toBeGreaterThan(1e300);
    for (const name of DERIVED) expect(wrong[name], name).toBeNull();
    expect(report.gate.passed).toBe(true);
    expect(rowOf(report, PARSIMONY, true).ratioToDense).toBe(1);
  });

  it('shows no ratio where our own results are wrong', async () => {
    const report = await bench(['slow'], { env: { FAKE_GATE: 'red' } });
    expect(report.gate).toMatchObject({ passed: false, complaints: ['output is off', 'output is off'] });
    expect(rowOf(report, PARSIMONY, false).error).toBe('wrong: output is off');
    for (const mask of [false, true]) {
      expect(rowOf(report, 'slow', mask)).toMatchObject({ medianMs: 6, ratioToParsimony: null });
    }
  });

  it('continues where a peer refuses, crashes, hangs or fails in its turn', async () => {
    const names = ['refuses', 'crashes', 'hangs', 'fails-later', 'slow'];
    const report = await bench(names, { settings: { lengths: [20, 24] } });
    const errors = (peer: string) => report.rows.filter((row) => row.peer === peer).map(({ error }) => error);
    expect(errors('refuses')).toEqual(['no device for anyone']);
    for (const error of errors('crashes')) {
      expect(error).toMatch(/^its process ended with SIGABRT: .*went wrong in native code/);
    }
    const [first, ...later] = errors('hangs');
    expect(first).toBe('no answer to "check" within 1 s');
    expect(later).toEqual(Array(3).fill(`${first}, and was given up`));
    expect(errors('fails-later')).toEqual([undefined, 'out of memory', undefined, 'out of memory']);
    expect(errors('slow')).toEqual(Array(4).fill(undefined));
    for (const row of report.rows.filter(({ error }) => error)) {
      expect(row).toMatchObject({ medianMs: null, repeats: 0, timesMs: [] });
      for (const name of DERIVED) expect(row[name], name).toBeNull();
    }
  });

  it('reports a peer that ran on another adapter as failed, ours too', async () => {
    const report = await bench([], { specs: { opensAdapter: true } });
    expect(rowOf(report, PARSIMONY, false).error).toMatch(/^ran on "fake", the others on "/);
    expect(report.gate.passed).toBe(false);
  });

  it('keeps what was measured by the time it is interrupted', async () => {
    const controller = new AbortController();
    const report = await bench(['slow'], {
      settings: { lengths: [20, 24, 28] },
      signal: controller.signal,
      onNote: (line) => line.startsWith('checking 24') && controller.abort(),
    });
    expect(report.interrupted).toBe(true);
    expect(report.rows.map(({ length }) => length)).toEqual([20, 20, 20, 20]);
  });
});
