import type { Command } from 'commander';
import { intervalText } from '../../bench/report-table.js';
import type { TunedRow } from '../../bench/tuner.js';
import { LONGEST_SEQUENCE } from '../plan/layout.js';
import { times } from '../report/page/numbers.js';
import { boundedOption } from './bench-output.js';
import { tuneAndStore, tuningProblem } from './kernel-cache.js';
import { withDevice } from './options.js';
import { type JsonTarget, jsonOption, STANDARD_OUTPUT, wroteJson } from './output-files.js';
import { settingOption } from './setting-options.js';
import { good, note, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony tune
  $ parsimony tune --head-dims 32,64 --json`;

interface TuneFlags {
  headDims: number[];
  adapter?: string;
  json?: JsonTarget;
}

export function tuneCommand(command: Command): void {
  command
    .addOption(
      boundedOption('headDims', '--head-dims <list>', 'head dimensions, separated by commas').default([64]),
    )
    .addOption(settingOption('adapter'))
    .addOption(jsonOption())
    .addHelpText('after', EXAMPLE)
    .action(tuneHeads);
}

async function tuneHeads({ headDims, adapter, json }: TuneFlags): Promise<void> {
  await withDevice(adapter, async (device) => {
    const tunings = [];
    for (const headDim of headDims) {
      const wanted = { headDim, longest: LONGEST_SEQUENCE, kinds: ['dense', 'sparse'] as const };
      const tuning = await tuneAndStore(device, { ...wanted, onNote: note });
      tunings.push(tuning);
      if (json !== STANDARD_OUTPUT) show(tuning);
    }
    await wroteJson(json, tunings);
    const complaints = tunings.map(({ rows }) => tuningProblem(rows)).filter((each) => each !== undefined);
    const worst = complaints.find(({ isUsable }) => !isUsable) ?? complaints[0];
    if (worst) throw worst.error;
  });
}

function show({ rows, choices, file }: Awaited<ReturnType<typeof tuneAndStore>>): void {
  print(`Heads of ${choices.headDim}, forward and backward, milliseconds`);
  printTable(
    ['plan, tokens of a sequence', 'variant', 'median', 'of the expected', '99 % interval', 'check', 'why'],
    rows.map((row: TunedRow) => [
      row.choice,
      row.variant,
      row.medianMs.toFixed(2),
      times(row.ratio),
      intervalText(row.ratioLow, row.ratioHigh),
      row.gate ? (row.gate.passed ? 'right' : 'WRONG') : '',
      row.isChosen ? good(row.why) : row.why,
    ]),
  );
  print(`Kept in ${file}`);
}
