import { type Command, Option } from 'commander';
import { benchAttention } from '../../bench/attention-bench.js';
import {
  ATTENTION_DEFAULTS,
  type AttentionSettings,
  completeAttentionSettings,
  PASSES,
  parseAttentionConfig,
  SENTENCES,
} from '../../bench/attention-settings.js';
import { benchGrowth } from '../../bench/growth-bench.js';
import { DATA_LABELS, LABEL_LAYOUTS } from '../../bench/label-layouts.js';
import { measurePeaks } from '../../bench/limits.js';
import { PEERS, peersNamed } from '../../bench/peers/peer-list.js';
import { benchPeers } from '../../bench/peers/peers-bench.js';
import { WIDEST_INTERVAL } from '../../bench/statistics.js';
import { namesOfRules } from '../../bench/swept-rules.js';
import { CallerError } from '../base/errors.js';
import { readText } from '../data/files.js';
import { readRules } from '../data/named-rules.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { STRATEGIES } from '../grammar/rules.js';
import { percent } from '../report/page/numbers.js';
import { dataOf } from '../train/run-data.js';
import {
  benchmark,
  boundedOption,
  type OutputFlags,
  option,
  outputOptions,
  runBenchmark,
} from './bench-output.js';
import { readContenders } from './contender-file.js';
import { storedChoicesOf } from './kernel-cache.js';
import { list } from './options.js';
import { OutputOption, PAGE_ENDINGS } from './output-files.js';
import { benchTexts } from './rule-texts.js';
import {
  type DataFlags,
  realNumber,
  secondsNumber,
  seedNumber,
  settingOption,
  textOptions,
} from './setting-options.js';
import { note } from './terminal.js';

type SweepFlags = OutputFlags & DataFlags & { adapter?: string } & Partial<AttentionSettings>;

/** The flags of every sweep; those without a default here have the one of `ATTENTION_DEFAULTS`. */
function sweepOptions(
  lengths: readonly (number | string)[] = ATTENTION_DEFAULTS.lengths,
  takesSentences = false,
): Option[] {
  const { heads, headDims, repeats, seed } = ATTENTION_DEFAULTS;
  return [
    boundedOption(
      'lengths',
      '--lengths <list>',
      `tokens of a document${takesSentences ? ', or "sentences"' : ''} (default: ${lengths})`,
    ),
    boundedOption('heads', '--heads <list>', `attention heads (default: ${heads})`),
    boundedOption('headDims', '--head-dims <list>', `head dimensions (default: ${headDims})`),
    boundedOption(
      'passes',
      '--passes <list>',
      `among ${PASSES.join(', ')} (default: ${ATTENTION_DEFAULTS.passes})`,
      list,
    ),
    boundedOption('repeats', '--repeats <count>', `timed turns of each (default: ${repeats})`, realNumber),
    option('--seed <number>', `of inputs and order (default: ${seed})`, seedNumber),
    settingOption('data').default('embedded'),
    settingOption('adapter'),
    ...outputOptions(),
  ];
}

/** The flags of sweeps over strategies and rules. */
function ruleOptions(strategies: string): Option[] {
  return [
    boundedOption(
      'strategies',
      '--strategies <list>',
      `among ${STRATEGIES.join(', ')} (default: ${strategies})`,
      list,
    ),
    option(
      '--rules <list>',
      'presets or files, within a scope where one is added, paper@sentence or paper@128 (default: paper)',
      list,
    ),
    new Option('--causal', 'queries see only keys that do not come after them'),
    settingOption('tune'),
    ...textOptions(),
  ];
}

/** Settings from flags and, where a flag is left out, from others. @throws CallerError where one is out of bounds. */
function settingsOf(flags: Partial<AttentionSettings>, others: Partial<Record<string, unknown>>) {
  const names = Object.keys(ATTENTION_DEFAULTS) as (keyof AttentionSettings)[];
  // `--no-controls` is true where it is left out.
  const stated = names.filter(
    (name) => flags[name] !== undefined && !(name === 'controls' && flags.controls),
  );
  return completeAttentionSettings({
    ...others,
    ...Object.fromEntries(stated.map((name) => [name, flags[name]])),
  });
}

/** The same for sweeps over documents alone. @throws CallerError where lengths are not numbers. */
function documentSettings(flags: Partial<AttentionSettings>, others: Partial<AttentionSettings> = {}) {
  const settings = settingsOf(flags, others);
  if (!settings.lengths.includes(SENTENCES)) return { ...settings, lengths: settings.lengths.map(Number) };
  throw new CallerError({
    what: `lengths has "${SENTENCES}"`,
    where: '--lengths',
    expected: 'numbers of tokens',
  });
}

/** The inputs of `bench attention` and `bench growth`, besides settings. */
async function prepared(flags: SweepFlags & { tune: boolean }, settings: Omit<AttentionSettings, 'lengths'>) {
  const rules = await Promise.all(settings.rules.map(readRules));
  const isText = `${settings.labels}` === DATA_LABELS;
  const texts = isText ? await benchTexts(flags, rules) : [];
  const inputs = { data: isText ? flags.data : `${settings.labels}`, texts, vocabulary: bertVocabulary() };
  const options = async (device: Device, signal: AbortSignal) => {
    const kernels = await storedChoicesOf(device, flags.tune, settings.headDims);
    return { ...inputs, kernels, signal, onNote: note };
  };
  return { rules, options };
}

export function benchAttentionCommand(): Command {
  return benchmark(
    'attention',
    'sparse against dense attention: the same run, in turns, checked against float64; speed-ups are medians of the ratios within each turn',
    [
      ...sweepOptions(ATTENTION_DEFAULTS.lengths, true),
      boundedOption(
        'batch',
        '--batch <count>',
        `sequences of a packed batch (default: ${ATTENTION_DEFAULTS.batch})`,
        realNumber,
      ),
      boundedOption(
        'seconds',
        '--seconds <count>',
        `for a shape and a pass: further turns start until then, while an interval is wider than ${percent(WIDEST_INTERVAL)} (default: ${ATTENTION_DEFAULTS.seconds})`,
        realNumber,
      ),
      ...ruleOptions('all'),
      settingOption('precision'),
      boundedOption(
        'labels',
        '--labels <list>',
        `labels instead of the data's tags, among ${LABEL_LAYOUTS}; each attends to itself where --rules is left out`,
        list,
      ).conflicts(['data', 'textColumn', 'tagsColumn']),
      boundedOption(
        'densities',
        '--densities <list>',
        'shares of all pairs: random rules about the labels are drawn for each',
        (text) => list(text).map(realNumber),
      ).conflicts('rules'),
      option(
        '--contender <files>',
        'JavaScript modules of other implementations, separated by commas, checked and timed as ours (docs/benchmark-your-own.md)',
        list,
      ),
      new Option('--no-controls', 'leave out unsorted tokens, blocks in reading order and random rules'),
      new Option('--config <file>', 'a JSON file of settings, named as the flags; flags win'),
      new OutputOption('--html <file>', 'write a page with plots', PAGE_ENDINGS),
    ],
    `  $ parsimony bench attention --lengths 128,512,1024 --strategies none,hard --passes forward --repeats 9
  $ parsimony bench attention --data path/to/SST-2 --lengths sentences,1024 --json attention.json --html attention.html
  $ parsimony bench attention --labels random:64 --densities 0.05,0.1,0.2,0.4 --lengths 2048 --passes forward
  $ parsimony bench attention --contender ./mine.js --lengths 512 --strategies none,hard`,
  ).action(async (flags: SweepFlags & { config?: string; tune: boolean; contender?: string[] }) => {
    const { config, html } = flags;
    const settings = settingsOf(flags, config ? parseAttentionConfig(await readText(config), config) : {});
    const { rules, options } = await prepared(flags, settings);
    const contenders = await readContenders(flags.contender ?? []);
    const sweep = { ...settings, rules };
    namesOfRules(sweep);
    await runBenchmark(flags, async (device, signal) => {
      const report = await benchAttention(device, sweep, { ...(await options(device, signal)), contenders });
      // The page draws rates under the adapter's roof.
      return html ? { ...report, peaks: await measurePeaks(device) } : report;
    });
  });
}

const GROWTH = {
  lengths: [2048, 4096, 8192, 16384],
  strategies: ['hard'],
} satisfies Partial<AttentionSettings>;

export function benchGrowthCommand(): Command {
  return benchmark(
    'growth',
    'documents of several lengths in turns: time by allowed pairs, memory by tokens',
    [...sweepOptions(GROWTH.lengths), ...ruleOptions('hard')],
    `  $ parsimony bench growth --lengths 2048,16384 --passes forward
  $ parsimony bench growth --rules paper,paper@sentence --json growth.json`,
  ).action(async (flags: SweepFlags & { tune: boolean }) => {
    const settings = documentSettings(flags, GROWTH);
    const { rules, options } = await prepared(flags, settings);
    await runBenchmark(flags, async (device, signal) => {
      return benchGrowth(device, { ...settings, rules }, await options(device, signal));
    });
  });
}

export function benchPeersCommand(): Command {
  return benchmark(
    'peers',
    "the same attention through others' libraries, dense and with a mask, checked against float64",
    [
      ...sweepOptions(),
      option('--peers <list>', `among ${PEERS.map(({ name }) => name).join(', ')} (default: all)`, list),
      option(
        '--timeout <seconds>',
        'how long a peer may take for one answer, compilation included',
        secondsNumber,
      ).default(300),
      settingOption('textColumn'),
    ],
    `  $ parsimony bench peers --lengths 128,512 --passes forward --repeats 5 --json peers.json
  $ parsimony bench peers --peers jax-js-webgpu,tfjs-webgpu

The peers are installed from npm into the user's cache when they are first needed.`,
  ).action(async (flags: SweepFlags & { peers?: string[]; timeout: number }) => {
    const { lengths, heads, headDims, passes, repeats, seed } = documentSettings(flags);
    const peers = flags.peers ? peersNamed(flags.peers) : PEERS;
    const texts = (await dataOf(flags, { split: 'dev' }).texts('dev')).map(({ text }) => text);
    await runBenchmark(flags, async (device, signal) => {
      const settings = { lengths, heads, headDims, passes, repeats, seed };
      return benchPeers(device, settings, {
        peers,
        rules: PAPER_RULES,
        data: flags.data,
        texts,
        vocabulary: bertVocabulary(),
        adapter: flags.adapter,
        timeoutMs: 1000 * flags.timeout,
        signal,
        onNote: note,
      });
    });
  });
}
