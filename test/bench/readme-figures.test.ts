import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { attentionTable, gpuStepSentence, gpuTable, limitsSentence, stepTable } from './readme-tables.js';

const ROOT = join(import.meta.dirname, '../..');
const README = readFileSync(join(ROOT, 'README.md'), 'utf8');
const read = (name: string) => JSON.parse(readFileSync(join(ROOT, 'bench/results', name), 'utf8'));

describe('the figures of the README', () => {
  it.each([
    ['lavapipe', attentionTable],
    ['h200', gpuTable],
  ] as const)(
    'on attention are those of the run in bench/results, whose gate was green: %s',
    (adapter, table) => {
      const report = read(`attention-${adapter}.json`);
      expect(report.gate.passed).toBe(true);
      expect(README).toContain(table(report));
    },
  );

  it("on a GPU's training step are those of the run in bench/results, whose gate was green", () => {
    const report = read('step-h200.json');
    expect(report.gate.passed).toBe(true);
    for (const name of ['attention', 'step', 'limits']) {
      expect(README).toContain(read(`${name}-h200.json`).environment.kernelHash);
    }
    expect(README.replace(/\s+/g, ' ')).toContain(gpuStepSentence(report));
  });

  it('on the training step are those of the run in bench/results, whose gate was green', () => {
    const report = read('step-lavapipe.json');
    expect(report.gate.passed).toBe(true);
    expect(README).toContain(stepTable(report));
  });

  it.each(['lavapipe', 'h200'])(
    'on the peak are those of the run in bench/results, whose gate was green: %s',
    (adapter) => {
      const report = read(`limits-${adapter}.json`);
      expect(report.gate.passed).toBe(true);
      expect(README.replace(/\s+/g, ' ')).toContain(limitsSentence(report));
    },
  );

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
