import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { compareReports, parseReport } from '../../bench/compare.js';
import { type GateResult, GREEN } from '../../bench/gate.js';
import { type GpuReport, type PartReport, shownReports } from '../../bench/gpu-report.js';
import { type PlannedSection, runSections } from '../../bench/gpu-sections.js';
import { benchSection } from '../../bench/page/bench-section.js';
import { CallerError } from '../../src/base/errors.js';
import { readInputs } from '../../src/cli/report-inputs.js';
import { sectionsPage } from '../../src/report/page/html-page.js';
import { openedPage } from '../support/opened-page.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const RESULTS = join(import.meta.dirname, '../../bench/results');
const stored = (name: string): PartReport => JSON.parse(readFileSync(join(RESULTS, name), 'utf8'));
const LIMITS = stored('limits-lavapipe.json');
const STEP = stored('step-lavapipe.json');
const RED: GateResult = {
  passed: false,
  maxError: 0.3,
  shareOfBound: 9,
  complaints: ['output is off by 3.0e-1'],
};

/** A section that ends at once, with a result. */
function section(name: string, result: PartReport | GateResult): PlannedSection {
  return { name, least: 0, measure: async () => result };
}

/** A section that measures until it is stopped. */
const ENDLESS: PlannedSection = {
  name: 'endless',
  least: 0,
  measure: async ({ signal }) => {
    if (!signal.aborted) await once(signal, 'abort');
    return STEP;
  },
};

async function run(
  planned: readonly PlannedSection[],
  {
    minutes = 1,
    signal = new AbortController().signal,
    onFailure,
  }: { minutes?: number; signal?: AbortSignal; onFailure?(): Promise<void> } = {},
) {
  const report: GpuReport = {
    kind: 'gpu',
    environment: LIMITS.environment,
    settings: { minutes, quick: false, data: 'embedded' },
    gate: GREEN,
    interrupted: true,
    sections: [],
    reports: [],
  };
  /** The files, as they were written. */
  const files: string[] = [];
  await runSections(report, planned, {
    signal,
    save: async (written) => void files.push(JSON.stringify(written)),
    onNote: () => {},
    onFailure,
  });
  return { report, files };
}

const statesOf = ({ sections }: GpuReport) =>
  sections.map(({ state, why }) => (why ? `${state}: ${why}` : state));

describe('the sections of bench gpu', () => {
  const folder = temporaryFolder();
  const planned = [section('conformance', GREEN), section('limits', LIMITS), section('step', STEP)];

  it('are done in order, and the file is complete after each', async () => {
    const { report, files } = await run(planned);
    expect(statesOf(report)).toEqual(['done', 'done', 'done']);
    expect(report).toMatchObject({ interrupted: false, gate: { passed: true } });
    expect(report.reports).toEqual([LIMITS, STEP]);
    const seen = files.map((file) => statesOf(JSON.parse(file)).join());
    for (const states of [
      'running,waiting,waiting',
      'done,running,waiting',
      'done,done,running',
      'done,done,done',
    ])
      expect(seen).toContain(states);
  });

  it('left in the file of a killed run are opened and compared, with what is missing', async () => {
    const { report, files } = await run(planned);
    const killed = files.find((file) => statesOf(JSON.parse(file)).join() === 'done,done,running')!;
    const file = join(folder, 'killed.json');
    writeFileSync(file, killed);
    const inputs = await readInputs([file]);
    const sections = inputs.flatMap((input, at) =>
      input.kind === 'benchmark' ? [benchSection(input.report, `bench-${at}`)] : [],
    );
    const { text } = openedPage(sectionsPage('a report', sections));
    expect(sections).toHaveLength(2);
    expect(text('h1')).toBe('2 of 3 sections were measured, the others are missing');
    expect(text('body')).toContain('Missing: step (running)');
    expect(parseReport(killed, file)).toMatchObject({ rows: [], missing: ['step (running)'] });
    const whole = parseReport(JSON.stringify(report), file);
    expect(whole.missing).toEqual([]);
    expect(compareReports(whole, whole).length).toBeGreaterThan(5);
  });

  it('end when the caller interrupts', async () => {
    const controller = new AbortController();
    const running = run([ENDLESS, section('limits', LIMITS)], { signal: controller.signal });
    controller.abort();
    const { report } = await running;
    expect(statesOf(report)).toEqual(['cut short: interrupted', 'skipped: interrupted']);
    expect(report).toMatchObject({ interrupted: true, reports: [STEP] });
  });

  it('end when time is over, and are skipped where they need more than is left', async () => {
    const { report } = await run([ENDLESS, section('limits', LIMITS)], { minutes: 0.001 });
    const over = 'no time left of 0.001 minutes';
    expect(statesOf(report)).toEqual([`cut short: ${over}`, `skipped: ${over}`]);
    expect(report.interrupted).toBe(false);
    const { report: short } = await run([{ ...planned[1], least: 61 }, planned[2]]);
    expect(statesOf(short)).toEqual(['skipped: no time left of 1 minutes', 'done']);
  });

  it('continue after one that fails, or that the adapter cannot run', async () => {
    const fails = async () => {
      throw new Error('no\ntimestamps');
    };
    const lacks = async () => {
      throw new CallerError({ what: 'the adapter has no f16' });
    };
    const onFailure = vi.fn(async () => {});
    const sections = [{ name: 'step', measure: fails }, { name: 'f16', measure: lacks }, planned[1]];
    const { report } = await run(sections, { onFailure });
    expect(statesOf(report)).toEqual(['failed: no timestamps', 'skipped: the adapter has no f16', 'done']);
    expect(onFailure).toHaveBeenCalledOnce();
  });

  it('of one precision end where its results are wrong; those of the other continue', async () => {
    const inHalves = { ...STEP, settings: { precision: 'f16', repeats: 3, data: 'embedded' } } as PartReport;
    const halves = (name: string, result: PartReport | GateResult) => ({
      ...section(name, result),
      precision: 'f16' as const,
    });
    const { report, files } = await run([
      halves('step, f16', inHalves),
      halves('conformance, f16', RED),
      halves('more, f16', inHalves),
      section('step, f32', STEP),
    ]);
    expect(statesOf(report)).toEqual(['done', 'done', 'skipped: the correctness check is red', 'done']);
    expect(report).toMatchObject({ gate: { passed: true }, f16Gate: { passed: false } });
    expect(shownReports(report).map(({ gate }) => gate.passed)).toEqual([false, true]);
    const before = parseReport(files.at(-1)!, 'halves.json');
    const verdicts = compareReports(before, before).map(({ verdict }) => verdict);
    expect([...new Set(verdicts)]).toEqual(['noise']);
  });

  it('end where results are wrong, and no speed-up is shown, not even of those before', async () => {
    const wrong = section('limits', { ...LIMITS, gate: RED });
    const { report, files } = await run([planned[0], planned[2], wrong, section('more', LIMITS)]);
    expect(statesOf(report)).toEqual(['done', 'done', 'done', 'skipped: the correctness check is red']);
    expect(report.gate).toMatchObject({ passed: false, complaints: RED.complaints });
    const file = join(folder, 'red.json');
    writeFileSync(file, files.at(-1)!);
    const shown = (await readInputs([file])).map(
      (input) => input.kind === 'benchmark' && benchSection(input.report, 'x'),
    );
    const redSection = expect.objectContaining({ finding: expect.stringContaining('check is red') });
    expect(shown).toEqual([redSection, redSection, redSection]);
    const red = parseReport(files.at(-1)!, file);
    const verdicts = compareReports(red, red).map(({ verdict }) => verdict);
    expect([...new Set(verdicts)]).toEqual(['not comparable']);
  });
});
