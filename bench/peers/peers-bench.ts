/**
 * The same attention through others' libraries, beside ours.
 *
 * Each peer has a process of its own, though timed runs are interleaved as in `bench attention`: some peers crash or hang the
 * process that they run in, and all of those that are written for browsers want to be the only one that `navigator.gpu`
 * belongs to. So this process lets the others take turns, a message for each timed run, while all but one are idle: what
 * else the machine does still hits all of them alike. A run's time is taken in the peer's process, messages excluded.
 */
import type { Device } from '../../src/gpu/device.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import type { AttentionSettings } from '../attention-settings.js';
import { type BenchmarkReport, type BenchOptions, newReport } from '../bench-report.js';
import { both } from '../gate.js';
import { CacheFlush } from '../timing.js';
import { tagText, workloadOf } from '../workload.js';
import { isInstalled } from './install.js';
import { CaseBench } from './peer-case.js';
import type { PeerSpec } from './peer-list.js';
import type { PeerRow } from './peer-row.js';
import { PeerSeat, type SeatOptions } from './peer-seat.js';

export type PeersSettings = Pick<AttentionSettings, 'heads' | 'headDims' | 'passes' | 'repeats' | 'seed'> & {
  lengths: number[];
};

/** The gate is of our own kernels; each peer's own error is in its rows. */
export type PeersReport = BenchmarkReport<'peers', PeersSettings & { peers: string[] }, PeerRow>;

interface PeersBenchOptions extends Omit<BenchOptions, 'kernels'> {
  /** With our own among them. */
  peers: readonly PeerSpec[];
  rules: RuleSet;
  texts: readonly string[];
  /** The adapter as it was asked for. */
  adapter: string | undefined;
  /** How long a peer may take for one answer. */
  timeoutMs: number;
  start?: SeatOptions['start'];
}

/**
 * The Vulkan loader's own switch for a library that takes the first adapter it finds: where ours is Mesa's software adapter,
 * it must not find a GPU beside it.
 */
function driverSelection({ adapter }: Device): Record<string, string> {
  return /llvmpipe|lavapipe/i.test(adapter.description) ? { VK_LOADER_DRIVERS_SELECT: '*lvp*' } : {};
}

/** Runs all shapes. A peer that fails is a row with its error, and the run goes on. */
export async function benchPeers(
  device: Device,
  settings: PeersSettings,
  options: PeersBenchOptions,
): Promise<PeersReport> {
  const { peers, rules, signal, onNote, timeoutMs, start } = options;
  const named = { ...settings, peers: peers.map(({ name }) => name) };
  const report: PeersReport = newReport(device, 'peers', named, [rules], options);
  // A process that takes any other way to the embedded driver than we did would find it by its environment, or not at all.
  const adapter = device.adapter.kind === 'embedded software' ? 'embedded' : (options.adapter ?? 'auto');
  const seatOptions = { adapter, env: driverSelection(device), timeoutMs, signal, onNote, start };
  const seats = peers.map((spec) => new PeerSeat(spec, seatOptions));
  const flush = new CacheFlush(device);
  try {
    for (const length of settings.lengths) {
      const text = tagText(options.texts, options.vocabulary, length);
      for (const heads of settings.heads) {
        for (const headDim of settings.headDims) {
          const workload = workloadOf(text.sentences, length, 1, heads, headDim);
          for (const pass of settings.passes) {
            if (signal?.aborted) break;
            const { repeats, seed } = settings;
            const about = { workload, rules, pass, seed, repeats };
            const bench = new CaseBench(about, seats, device.adapter.description, flush, { signal, onNote });
            report.rows.push(...(await bench.run()));
            report.gate = both(report.gate, bench.gate);
          }
        }
      }
    }
  } finally {
    for (const seat of seats) seat.end();
    flush.release();
  }
  for (const { packages } of peers) {
    if (isInstalled(packages)) Object.assign(report.environment.packages, packages);
  }
  report.interrupted = signal?.aborted ?? false;
  return report;
}
