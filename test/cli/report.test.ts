import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { readInputs } from '../../src/cli/report-inputs.js';
import { openedPage } from '../support/opened-page.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal } from './refusal.js';
import { trainedModel, writeTinyData } from './tiny-model.js';

const ROOT = resolve(import.meta.dirname, '../..');
const folder = temporaryFolder();

async function page(...args: string[]) {
  const result = await runHere(['report', ...args], { cwd: folder });
  expect(result.status, result.stderr).toBe(0);
  const out = args.includes('--out') ? args[args.indexOf('--out') + 1] : 'report.html';
  expect(result.stdout).toContain(join(folder, out));
  return openedPage(readFileSync(join(folder, out), 'utf8'));
}

describe('parsimony report', () => {
  it('makes one page, under a megabyte, of the experiment and the benchmarks of the repository', async () => {
    const results = ['attention', 'limits', 'step'].map((name) =>
      join(ROOT, `bench/results/${name}-lavapipe.json`),
    );
    const { source, document, text } = await page(join(ROOT, 'experiments/embedded.json'), ...results);
    expect(source.length).toBeLessThan(1_000_000);
    expect(document.querySelectorAll('section').length).toBe(4);
    expect(document.querySelectorAll('script[src], link, img, iframe, [src]').length).toBe(0);
    expect(text('h1')).toMatch(/none|No difference|dev accuracy/);
    expect(text('main')).toContain('parsimony experiment');
    expect(text('main')).toContain('parsimony bench step');
    expect(source).not.toMatch(/NaN|undefined/);
    const names = Object.keys(
      JSON.parse(readFileSync(join(ROOT, 'experiments/embedded.json'), 'utf8')).conditions,
    );
    for (const name of names) expect(text('section')).toContain(name);
  });

  it('reads a folder of results without the experiment’s file', async () => {
    const { text } = await page(join(ROOT, 'experiments/results/sst2-scratch'), '--out', 'scratch.html');
    expect(text('h2')).toBe('Experiment sst2-scratch');
    expect(text('main')).toContain('hard − none');
  });

  it('reads training runs, also one that was cut off in the middle of a line', async () => {
    writeTinyData(folder);
    for (const seed of ['1', '2'])
      await trainedModel(folder, `runs/hard-${seed}`, '--strategy', 'hard', '--seed', seed);
    const whole = await page('runs', '--out', 'runs.html');
    expect(whole.text('h2')).toBe('2 training runs on data');
    expect(whole.text('h1')).toMatch(/dev accuracy/);
    expect(whole.text('pre')).toContain('parsimony train --data data');
    expect(whole.text('pre')).toContain('--seed 2');
    // Each run records it at its start: the hard rules leave out pairs of these sentences.
    const { density } = JSON.parse(readFileSync(join(folder, 'runs/hard-1/training.json'), 'utf8'));
    expect(density).toBeGreaterThan(0.1);
    expect(density).toBeLessThan(0.9);
    expect(whole.text('main')).toContain(`${(100 * density).toFixed(1)} %`);

    const metrics = readFileSync(join(folder, 'runs/hard-1/metrics.jsonl'), 'utf8');
    const evaluation = metrics.indexOf('\n', metrics.indexOf('"evaluation"'));
    writeFileSync(join(folder, 'runs/hard-1/metrics.jsonl'), metrics.slice(0, evaluation + 12));
    const cut = await page('runs/hard-1', '--out', 'cut.html');
    expect(cut.text('h1')).toMatch(/^Hard reaches a dev accuracy of/);
  });

  it('refuses an unknown input in one line, and says what it expected', async () => {
    mkdirSync(join(folder, 'empty'));
    writeFileSync(join(folder, 'other.json'), '{"kind":"peculiar"}');
    writeFileSync(join(folder, 'text.json'), 'no JSON');
    const refused = await runHere(['report', 'missing', '--out', 'refused.html'], { cwd: folder });
    expectRefusal(
      refused,
      CALLER,
      /^missing: cannot be read \(ENOENT\); expected a folder that `parsimony train --out`/,
    );
    expect(existsSync(join(folder, 'refused.html'))).toBe(false);
    for (const [name, says] of [
      ['empty', 'neither a run nor results of an experiment; expected a folder that'],
      ['other.json', 'a JSON file of kind "peculiar"; expected a folder that'],
      ['text.json', 'not a JSON object; expected a folder that'],
    ]) {
      const path = join(folder, name);
      await expect(readInputs([path])).rejects.toThrow(`${path}: ${says}`);
      await expect(readInputs([path])).rejects.toBeInstanceOf(CallerError);
    }
    const paper = join(ROOT, 'experiments/paper.json');
    await expect(readInputs([paper])).rejects.toThrow(`${paper}: no finished run of this experiment`);
  });

  it('counts a folder that is named twice once', async () => {
    const path = join(folder, 'runs/hard-2');
    const inputs = await readInputs([path, `${path}/`]);
    expect(
      inputs.flatMap((input) => (input.kind === 'runs' ? input.group.conditions[0].runs : [])),
    ).toHaveLength(1);
  });
});
