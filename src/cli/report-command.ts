import { resolve } from 'node:path';
import type { Command } from 'commander';
import { writeAtomically } from '../data/files.js';
import { OutputOption, PAGE_ENDINGS } from './output-files.js';
import type { ReportInput } from './report-inputs.js';
import { print } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony report runs/none runs/hard
  $ parsimony report experiments/embedded.json bench/results/attention-lavapipe.json --out page.html
  $ parsimony report experiments/results/sst2-scratch step.json trace.json

The page is one file, which opens without a network.`;

export function reportCommand(command: Command): void {
  command
    .argument('<run...>', 'folders of runs, experiments (file or results), JSON of benchmarks and profiles')
    .addOption(new OutputOption('--out <file>', 'where the page goes', PAGE_ENDINGS).default('report.html'))
    .addHelpText('after', EXAMPLE)
    .action(report);
}

async function report(paths: string[], { out }: { out: string }): Promise<void> {
  // The plot library takes a while to load, so only a page loads it.
  const { readInputs } = await import('./report-inputs.js');
  await writePage(await readInputs(paths), out);
}

/** Writes a page of what was read or measured, and prints where it is. @throws EngineError where the disk refuses. */
export async function writePage(inputs: readonly ReportInput[], out: string): Promise<void> {
  const { runSection } = await import('../report/runs/run-section.js');
  const { benchSection } = await import('../../bench/page/bench-section.js');
  const { sectionsPage } = await import('../report/page/html-page.js');
  const sections = inputs.map((input, at) =>
    input.kind === 'runs' ? runSection(input.group, `runs-${at}`) : benchSection(input.report, `bench-${at}`),
  );
  await writeAtomically(out, sectionsPage('Parsimony: report', sections));
  print(`The report is in ${resolve(out)}`);
}
