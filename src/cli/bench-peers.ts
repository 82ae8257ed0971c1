import { Command, Option } from 'commander';
import { ATTENTION_DEFAULTS, type AttentionSettings } from '../../bench/attention-settings.js';
import { PEERS, peersNamed } from '../../bench/peers/peer-list.js';
import type { PeerRow } from '../../bench/peers/peer-row.js';
import { benchPeers, type PeersReport, type PeersSettings } from '../../bench/peers/peers-bench.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../grammar/presets.js';
import {
  documentSettings,
  interruptSignal,
  type OutputFlags,
  outputOptions,
  printGate,
  printHeading,
  sweepOptions,
  warnOfLoad,
  writeReport,
} from './bench-output.js';
import { bad, good } from './colour.js';
import { type DataFlags, dataOf, textColumnOption } from './data-options.js';
import { adapterOption, countNumber, dataOption, list, numbers, withDevice } from './options.js';
import { multiple, note, print, printTable } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony bench peers --lengths 128,512 --passes forward --repeats 5 --json peers.json
  $ parsimony bench peers --peers jax-js-webgpu,tfjs-webgpu

The peers are installed from npm into the user's cache when they are first needed.`;

const SWEPT = ['lengths', 'heads', 'headDims', 'passes', 'repeats', 'seed'] as const;

type PeersFlags = OutputFlags &
  DataFlags & {
    adapter?: string;
    peers?: string[];
    timeout: number;
  } & Partial<Pick<AttentionSettings, (typeof SWEPT)[number]>>;

/** `parsimony bench peers` */
export function benchPeersCommand(): Command {
  const { lengths } = ATTENTION_DEFAULTS;
  const command = new Command('peers')
    .description(
      "the same attention through others' libraries, dense and with a mask, checked against float64",
    )
    .addOption(
      new Option(
        '--peers <list>',
        `among ${PEERS.map(({ name }) => name).join(', ')} (default: all)`,
      ).argParser(list),
    )
    .addOption(
      new Option('--lengths <list>', `pieces of a document (default: ${lengths})`).argParser(numbers),
    )
    .addOption(
      new Option('--timeout <seconds>', 'how long a peer may take for one answer, compilation included')
        .argParser(countNumber)
        .default(300),
    )
    .addOption(dataOption().default('embedded'))
    .addOption(textColumnOption())
    .addOption(adapterOption());
  for (const option of [...sweepOptions(), ...outputOptions()]) command.addOption(option);
  return command.addHelpText('after', EXAMPLE).action(run);
}

function settingsOf(flags: PeersFlags): PeersSettings {
  const { lengths, heads, headDims, passes, repeats, seed } = documentSettings(flags, SWEPT);
  return { lengths, heads, headDims, passes, repeats, seed };
}

async function run(flags: PeersFlags): Promise<void> {
  const settings = settingsOf(flags);
  const peers = flags.peers ? peersNamed(flags.peers) : PEERS;
  const texts = await dataOf(flags, { split: 'dev' }).sentences('dev');
  const signal = interruptSignal();
  warnOfLoad();
  await withDevice(flags.adapter, async (device) => {
    const report = await benchPeers(device, settings, {
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
    // Files first: a reader of the terminal's output may close it early.
    await writeReport(flags, report);
    if (flags.json !== '-') printReport(report);
  });
}

/** How it compares with ours; why not, where it does not. */
function verdict({ peer, error, ratioToParsimonyLow: low, ratioToParsimonyHigh: high }: PeerRow): string {
  if (error) return bad(error);
  if (peer === 'parsimony-webgpu' || low === null || high === null) return '';
  if (low > 1) return good(`parsimony is ${low.toFixed(2)} to ${high.toFixed(2)}x faster`);
  return high < 1
    ? bad(`parsimony is ${(1 / high).toFixed(2)} to ${(1 / low).toFixed(2)}x slower`)
    : 'no difference';
}

function printReport(report: PeersReport): void {
  const software = report.environment.software ? ' (software)' : '';
  printHeading(report.environment);
  print();
  printTable(
    [
      'pieces',
      'heads',
      'pass',
      'mask',
      'peer',
      `time${software}`,
      "over parsimony's",
      'GFLOP/s useful',
      'max error',
      'with 99 % confidence',
    ],
    report.rows.map((row) => [
      row.length,
      `${row.heads} of ${row.headDim}`,
      row.pass,
      row.mask ? 'hard rules' : 'none',
      row.peer,
      row.medianMs === null ? '–' : `${row.medianMs.toFixed(2)} ms`,
      multiple(row.ratioToParsimony),
      row.usefulGflops === null ? '–' : row.usefulGflops.toFixed(1),
      row.maxError === null ? '–' : row.maxError.toExponential(1),
      verdict(row),
    ]),
  );
  print();
  print(
    "The mask is one tensor of all pairs for the others, a plan of the pairs that exist for us; ort-mha-cpu ran on the CPU's own code.",
  );
  print(
    "onnxruntime's times include reading the output back. A peer that is wrong has a time, but no ratio.",
  );
  printGate(report);
  if (report.interrupted) print('Interrupted: these are the rows that were measured by then.');
}
