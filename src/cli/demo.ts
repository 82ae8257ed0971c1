import { join } from 'node:path';
import type { Command } from 'commander';
import { type AttentionReport, benchAttention } from '../../bench/attention-bench.js';
import type { AttentionRow } from '../../bench/attention-row.js';
import { ATTENTION_DEFAULTS } from '../../bench/attention-settings.js';
import { aboveIdeal, plausibilityWarnings } from '../../bench/plausibility.js';
import type { Example } from '../data/dataset.js';
import { createFolder } from '../data/files.js';
import { adapterName } from '../gpu/adapter.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { orNothing, percent, times } from '../report/page/numbers.js';
import { dataOf } from '../train/run-data.js';
import { warnOfLoad } from './bench-output.js';
import { COMPARED, compareTraining } from './demo-training.js';
import { withDevice } from './options.js';
import { outliveReaders } from './output-streams.js';
import { writePage } from './report-command.js';
import { type DataFlags, settingOption } from './setting-options.js';
import { bad, note, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony demo
  $ parsimony demo --data path/to/SST-2`;

const TRAINING_ROWS = 6_000;
const DEV_ROWS = 500;

/** bert-tiny's heads, over one document. */
const DOCUMENT_LENGTH = 1_024;
const HEADS = 2;
const HEAD_DIM = 64;
const REPEATS = 9;

/** `parsimony demo`, which is `npm start`. */
export function demoCommand(command: Command): void {
  command
    .addOption(settingOption('data').default('embedded'))
    .addOption(settingOption('dev'))
    .addOption(settingOption('textColumn'))
    .addOption(settingOption('labelColumn'))
    .addOption(settingOption('adapter'))
    .addHelpText('after', EXAMPLE)
    .action(demo);
}

const REPORT_FOLDER = join('runs', 'demo');

async function demo(flags: DataFlags & { adapter?: string }): Promise<void> {
  outliveReaders();
  const source = dataOf(flags);
  const train = (await source.examples('train')).slice(0, TRAINING_ROWS);
  const dev = (await source.examples('dev')).slice(0, DEV_ROWS);
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    print(`Parsimony on ${adapterName(device.adapter)} (${device.adapter.kind})`);
    print();
    const runs = await compareTraining(device, source, train, dev);
    print();
    const report = await compareKernels(device, train);
    print();
    await createFolder(REPORT_FOLDER);
    // The plot library takes a while to load, so only a page loads it.
    const { folderGroups } = await import('../report/runs/run-groups.js');
    await writePage(
      [
        { kind: 'benchmark', report },
        ...folderGroups(runs).map((group) => ({ kind: 'runs' as const, group })),
      ],
      join(REPORT_FOLDER, 'report.html'),
    );
  });
}

async function compareKernels(device: Device, examples: Example[]): Promise<AttentionReport> {
  print(
    `2. Attention alone on one document of ${DOCUMENT_LENGTH} tokens (${HEADS} heads of ${HEAD_DIM}), ` +
      `median of ${REPEATS} runs in turns${device.isSoftware ? ', software adapter' : ''}:`,
  );
  print();
  const settings = {
    ...ATTENTION_DEFAULTS,
    lengths: [DOCUMENT_LENGTH],
    heads: [HEADS],
    headDims: [HEAD_DIM],
    strategies: [...COMPARED],
    rules: [PAPER_RULES],
    repeats: REPEATS,
    controls: false,
  };
  const report = await benchAttention(device, settings, {
    data: 'the sentences above',
    texts: examples.map(({ text }) => text),
    vocabulary: bertVocabulary(),
    onNote: note,
  });
  const { rows, gate } = report;
  if (!gate.passed) {
    print(bad(`The correctness check is red, so no times are shown: ${gate.complaints.join('; ')}.`));
    process.exitCode = 1;
    return report;
  }
  const timesOf = (row: AttentionRow) => {
    const speedup = orNothing(row.realisedSpeedup, times);
    return [`${row.medianMs.toFixed(1)} ms`, aboveIdeal(row) ? bad(`${speedup}${aboveIdeal(row)}`) : speedup];
  };
  printTable(
    ['strategy', 'density', 'executed', 'ideal', 'forward', 'speed-up', 'forward+backward', 'speed-up'],
    COMPARED.map((strategy) => {
      const [forward, both] = rows.filter((row) => row.strategy === strategy);
      return [
        strategy,
        percent(forward.density),
        percent(forward.executedPairs / forward.densePairs),
        times(forward.idealSpeedup),
        ...timesOf(forward),
        ...timesOf(both),
      ];
    }),
  );
  print();
  for (const warning of plausibilityWarnings(report)) print(bad(`Not to be trusted: ${warning}`));
  print(
    'density: pairs the rules allow; executed: pairs the kernel multiplies, padding included; ideal: 1 / density;',
  );
  print(
    'times: medians; speed-up: the median of the ratios within each turn, which slow turns leave as they are.',
  );
  print(
    'Outputs and gradients of this run were within the error bound of a float64 reference ' +
      `(largest error ${gate.maxError.toExponential(1)}).`,
  );
  return report;
}
