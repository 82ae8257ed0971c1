import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  attentionTable,
  gpuStepSentence,
  gpuTable,
  headlineSpeedups,
  limitsSentence,
  stepTable,
} from './readme-tables.js';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const MEASURED = readFileSync(join(ROOT, 'docs/measured.md'), 'utf8');
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, 'bench/results', name), 'utf8'));

describe('the figures of README and docs/measured.md', () => {
  it.each([
    ['lavapipe', attentionTable],
    ['h200', gpuTable],
  ] as const)(
    'on attention are those of the run in bench/results, whose gate was green: %s',
    (adapter, table) => {
      const report = read(`attention-${adapter}.json`);
      expect(report.gate.passed).toBe(true);
      expect(MEASURED).toContain(table(report));
    },
  );

  it("on a GPU's training step are those of the run in bench/results, whose gate was green", () => {
    const report = read('step-h200.json');
    expect(report.gate.passed).toBe(true);
    for (const name of ['attention', 'step', 'limits']) {
      expect(MEASURED).toContain(read(`${name}-h200.json`).environment.kernelHash);
    }
    expect(MEASURED.replace(/\s+/g, ' ')).toContain(gpuStepSentence(report));
  });

  it('on the training step are those of the run in bench/results, whose gate was green', () => {
    const report = read('step-lavapipe.json');
    expect(report.gate.passed).toBe(true);
    expect(MEASURED).toContain(stepTable(report));
  });

  it.each(['lavapipe', 'h200'])(
    'on the peak are those of the run in bench/results, whose gate was green: %s',
    (adapter) => {
      const report = read(`limits-${adapter}.json`);
      expect(report.gate.passed).toBe(true);
      expect(MEASURED.replace(/\s+/g, ' ')).toContain(limitsSentence(report));
    },
  );

  it('in the text of the README are those of the same runs', () => {
    const speedups = (adapter: string, length: number) =>
      headlineSpeedups(read(`attention-${adapter}.json`), length, adapter === 'h200');
    const text = README.replace(/\s+/g, ' ');
    const [forward, both, ideal] = speedups('lavapipe', 1024);
    expect(text).toContain(
      `${forward} as fast as dense attention forward at 1,024 tokens, and ${both} with backward, of an ideal ${ideal}`,
    );
    const [[short, shortBoth], [long, longBoth]] = [speedups('h200', 1024), speedups('h200', 4096)];
    expect(text).toContain(
      `reached ${short} and ${shortBoth} at 1,024 tokens, ${long} and ${longBoth} at 4,096`,
    );
  });

  it('of the demo are what it printed', () => {
    const printed = readFileSync(join(ROOT, 'bench/results/demo-swiftshader.txt'), 'utf8');
    const [shown] = /```\n(strategy .*?)```/s.exec(README)!.slice(1);
    for (const line of shown.trim().split('\n')) expect(printed).toContain(line);
  });

  it('come from files without paths of the machine that made them', () => {
    const folder = join(ROOT, 'bench/results');
    for (const file of readdirSync(folder)) {
      expect(readFileSync(join(folder, file), 'utf8'), file).not.toMatch(/\/(work|tmp|home|root|Users)\//);
    }
  });
});
