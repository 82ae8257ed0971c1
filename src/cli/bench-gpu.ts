import { type Command, Option } from 'commander';
import { benchGpu } from '../../bench/gpu-bench.js';
import type { GpuReport } from '../../bench/gpu-report.js';
import { OpenDevices } from '../../bench/open-devices.js';
import { jsonText } from '../base/json-text.js';
import { writeAtomically } from '../data/files.js';
import type { Device } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { LONGEST_SEQUENCE } from '../plan/layout.js';
import { dataOf } from '../train/run-data.js';
import { benchmark, interruptSignal, option, printReport, warnOfLoad, withWarnings } from './bench-output.js';
import { storedChoicesOf, tuneAndStore } from './kernel-cache.js';
import { jsonOption, STANDARD_OUTPUT, wroteJson } from './output-files.js';
import { type DataFlags, settingOption, wholeNumber } from './setting-options.js';
import { note } from './terminal.js';

type GpuFlags = DataFlags & {
  json: string;
  minutes: number;
  quick?: boolean;
  adapter?: string;
  tune: boolean;
};

/** The head dimension of all measured models. */
const HEAD_DIM = 64;

export function benchGpuCommand(): Command {
  return benchmark(
    'gpu',
    'all that is worth measuring on a GPU, the most important first, in one file that report opens and bench compare compares',
    [
      option('--minutes <count>', 'leave out what does not fit in this time', wholeNumber(1, 10_080)).default(
        8,
      ),
      new Option('--quick', 'every section at its smallest: shows that all runs, not how fast'),
      jsonOption().default('bench-gpu.json'),
      settingOption('data').default('embedded'),
      settingOption('textColumn'),
      settingOption('labelColumn'),
      settingOption('adapter'),
      settingOption('tune'),
    ],
    `  $ parsimony bench gpu
  $ parsimony bench gpu --minutes 3 --json before.json`,
  ).action(run);
}

async function run(flags: GpuFlags): Promise<void> {
  const { json, minutes, quick = false, adapter, tune } = flags;
  const signal = interruptSignal();
  warnOfLoad();
  const source = dataOf(flags, { split: 'dev' });
  const data = { data: flags.data, examples: await source.examples('dev'), classes: source.classes.length };
  const save = async (report: GpuReport) => {
    if (json !== STANDARD_OUTPUT) await writeAtomically(json, jsonText(withWarnings(report)));
  };
  const devices = new OpenDevices((precision) => openDevice({ adapter, precision }));
  const storedFor = (device: Device) => storedChoicesOf(device, tune, [HEAD_DIM]);
  try {
    const device = await devices.open('f32');
    const kernels = await storedFor(device);
    const tuneOnce = async (opened: Device) => {
      const kinds = ['dense', 'sparse'] as const;
      await tuneAndStore(opened, { headDim: HEAD_DIM, longest: LONGEST_SEQUENCE, kinds, onNote: note });
      return storedFor(opened);
    };
    const needsTuning = tune && !quick && !device.isSoftware && kernels.length === 0;
    const options = { ...data, vocabulary: bertVocabulary(), kernels, adapter, signal, save, onNote: note };
    const report = await benchGpu(
      devices,
      { minutes, quick },
      { ...options, tune: needsTuning ? tuneOnce : undefined },
    );
    const isWrong = !report.gate.passed || report.f16Gate?.passed === false;
    if (isWrong || report.sections.some(({ state }) => state === 'failed')) process.exitCode = 1;
    if (!(await wroteJson(json, withWarnings(report)))) printReport(report);
  } finally {
    await devices.close();
  }
}
