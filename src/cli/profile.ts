import type { Command } from 'commander';
import { describeEnvironment, environmentLine } from '../../bench/environment.js';
import { COSTLIEST, costsTable } from '../../bench/tables.js';
import { costliest, type ProfiledStep, traceEvents } from '../../bench/trace.js';
import { TrainingSetup, taggedStage } from '../../bench/training-setup.js';
import type { Precision } from '../base/precision.js';
import { writeAtomically } from '../data/files.js';
import { readRules } from '../data/named-rules.js';
import { adapterName } from '../gpu/adapter.js';
import type { Device } from '../gpu/device.js';
import { KernelClock } from '../gpu/timestamps.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import type { Strategy } from '../grammar/rules.js';
import { dataOf } from '../train/run-data.js';
import { SETTING_DEFAULTS } from '../train/settings.js';
import { option, printBenchTable, warnOfLoad } from './bench-output.js';
import { storedChoicesOf } from './kernel-cache.js';
import { withDevice } from './options.js';
import { type JsonTarget, jsonOption, OutputOption, wroteJson } from './output-files.js';
import { requireTaggersTags } from './rule-texts.js';
import {
  type DataFlags,
  type ShapeFlags,
  seedNumber,
  settingOption,
  shapeOf,
  shapeOptions,
  wholeNumber,
  withOptions,
} from './setting-options.js';
import { note, print } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony profile --strategy hard --steps 3 --out trace.json

Open the file in https://ui.perfetto.dev or in chrome://tracing. Each kernel has a pass of its own while it is profiled.`;

interface ProfileFlags extends ShapeFlags, DataFlags {
  strategy: Strategy;
  rules: string;
  steps: number;
  batch: number;
  seed: number;
  precision: Precision;
  out: string;
  adapter?: string;
  tune: boolean;
  json?: JsonTarget;
}

export function profileCommand(command: Command): void {
  command.addOption(new OutputOption('--out <file>', 'where the trace goes').default('trace.json'));
  withOptions(
    command,
    settingOption('data').default('embedded'),
    settingOption('textColumn'),
    settingOption('labelColumn'),
    settingOption('strategy').default('hard'),
    settingOption('rules').default('paper'),
    settingOption('precision').default('f32'),
    option('--steps <count>', 'profiled steps, after one that warms up', wholeNumber(1, 1000)).default(3),
    option('--batch <count>', 'sentences a step', wholeNumber(1, 65_536)).default(32),
    option('--seed <number>', 'of weights and dropout', seedNumber).default(1),
    ...[settingOption('adapter'), settingOption('tune'), jsonOption(), ...shapeOptions()],
  )
    .addHelpText('after', EXAMPLE)
    .action(profile);
}

async function profile(flags: ProfileFlags): Promise<void> {
  const shape = shapeOf(flags);
  const rules = await readRules(flags.rules);
  requireTaggersTags(rules, 'profile');
  warnOfLoad();
  const source = dataOf(flags);
  const examples = await source.examples('train');
  const vocabulary = bertVocabulary();
  const record = async (device: Device) => {
    KernelClock.require(device.gpu);
    const kernels = await storedChoicesOf(device, flags.tune, [shape.hidden / shape.heads]);
    const environment = describeEnvironment(device, [rules], flags.seed, kernels);
    const { strategy, seed, precision } = flags;
    const classes = source.classes.length;
    const options = {
      shape,
      vocabulary,
      positions: 512,
      classes,
      strategy,
      rules,
      seed,
      precision,
      kernels: kernels[0],
    };
    const setup = new TrainingSetup(device, options);
    const clock = new KernelClock(device);
    const steps: ProfiledStep[] = [];
    for (let step = 0; step <= flags.steps; step++) {
      const from = (step * flags.batch) % Math.max(1, examples.length - flags.batch);
      const batch = examples.slice(from, from + flags.batch);
      const { sentences, stage } = taggedStage(batch, vocabulary, SETTING_DEFAULTS.maxLength);
      device.clock = step > 0 ? clock : undefined;
      const stages = await setup.run(
        sentences,
        batch.map(({ label }) => label),
      );
      if (step === 0) continue;
      const kernels = await clock.read();
      const { heads, hidden } = shape;
      steps.push({
        step,
        stages: [stage, ...stages],
        kernels,
        pairCounts: setup.pairCounts,
        heads,
        headDim: hidden / heads,
      });
    }
    device.clock = undefined;
    clock.release();
    setup.release();
    const events = traceEvents(`parsimony on ${adapterName(device.adapter)}`, steps);
    await writeAtomically(
      flags.out,
      JSON.stringify({ traceEvents: events, displayTimeUnit: 'ms', otherData: environment }),
    );
    const costs = costliest(events).slice(0, COSTLIEST);
    if (await wroteJson(flags.json, { trace: flags.out, environment, costliest: costs })) return;
    print(`${flags.steps} training steps with strategy ${strategy} on ${environmentLine(environment)}.`);
    printBenchTable(costsTable({ environment }, 'Kernels, costliest first', costs));
    print();
    note(`The trace is in ${flags.out}: open it in https://ui.perfetto.dev or chrome://tracing.`);
  };
  await withDevice(flags.adapter, record, flags.precision);
}
