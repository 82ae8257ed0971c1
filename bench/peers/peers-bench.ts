/**
 * The same attention in other libraries and in ours.
 *
 * Each peer has its own process: some peers crash or hang theirs, and libraries for browsers expect that `navigator.gpu` belongs
 * to them. Timed runs still take turns, as in `bench attention`: this process sends a message for each run, while all other peers
 * are idle. The peer's process takes the time of a run, without the messages.
 */
import { CallerError } from '../../src/base/errors.js';
import type { Device } from '../../src/gpu/device.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import type { AttentionSettings } from '../attention-settings.js';
import { type BenchmarkReport, type BenchOptions, newReport } from '../bench-report.js';
import { both } from '../gate.js';
import { CacheFlush } from '../timing.js';
import { tagText, workloadOf } from '../workload.js';
import { isInstalled } from './install.js';
import { CaseBench } from './peer-case.js';
import { isOurs, type PeerSpec } from './peer-list.js';
import type { PeerRow } from './peer-row.js';
import { PeerSeat, type SeatOptions } from './peer-seat.js';

export type PeersSettings = Pick<AttentionSettings, 'heads' | 'headDims' | 'passes' | 'repeats' | 'seed'> & {
  lengths: number[];
};

/** The gate is that of our kernels. The error of each other peer is in its rows. */
export type PeersReport = BenchmarkReport<'peers', PeersSettings & { peers: string[] }, PeerRow>;

interface PeersBenchOptions extends BenchOptions {
  /** With ours among them. */
  peers: readonly PeerSpec[];
  rules: RuleSet;
  texts: readonly string[];
  /** The value of `--adapter`. */
  adapter: string | undefined;
  /** The time limit of one answer. */
  timeoutMs: number;
  start?: SeatOptions['start'];
  /**
   * Whether the run has few minutes: all prepare at the same time, FlexAttention only with its mask, and nothing is timed without
   * another library.
   */
  isBrief?: boolean;
  /** Called after each shape and pass, with the rows so far. */
  onProgress?(report: PeersReport): Promise<void>;
}

/**
 * The Vulkan loader's switch for a library that takes the first adapter that it finds: where ours is Mesa's software adapter, the
 * library must not find a GPU.
 */
function driverSelection({ adapter }: Device): Record<string, string> {
  return /llvmpipe|lavapipe/i.test(adapter.description) ? { VK_LOADER_DRIVERS_SELECT: '*lvp*' } : {};
}

/** @throws CallerError with the reason of the last, where none of the other libraries can be opened. */
async function requireAnother(seats: readonly PeerSeat[]): Promise<void> {
  let what = 'no other library is here';
  for (const seat of seats.filter(({ spec }) => !isOurs(spec))) {
    try {
      await seat.open();
      return;
    } catch (error) {
      what = (error as Error).message;
    }
  }
  throw new CallerError({ what });
}

/** Runs all shapes. A peer that fails has a row with its error, and the others continue. */
export async function benchPeers(
  device: Device,
  settings: PeersSettings,
  options: PeersBenchOptions,
): Promise<PeersReport> {
  const { peers, rules, kernels, signal, onNote, timeoutMs, start, isBrief = false } = options;
  const named = { ...settings, peers: peers.map(({ name }) => name) };
  const report: PeersReport = newReport(device, 'peers', named, [rules], options);
  // A peer's process must open the embedded driver as this one did.
  const adapter = device.adapter.kind === 'embedded software' ? 'embedded' : (options.adapter ?? 'auto');
  const { device: card } = device.adapter;
  const seatOptions = { adapter, card, env: driverSelection(device), timeoutMs, signal, onNote, start };
  const seats = peers.map((spec) => new PeerSeat(spec, seatOptions));
  const flush = new CacheFlush(device);
  try {
    if (isBrief) await requireAnother(seats);
    for (const length of settings.lengths) {
      const text = tagText(options.texts, options.vocabulary, length);
      for (const heads of settings.heads) {
        for (const headDim of settings.headDims) {
          const workload = workloadOf(text.sentences, length, 1, heads, headDim);
          for (const pass of settings.passes) {
            if (signal?.aborted) break;
            const { repeats, seed } = settings;
            const peerCase = { workload, rules, pass, seed, repeats, kernels };
            const bench = new CaseBench(peerCase, seats, device.adapter.description, flush, {
              signal,
              onNote,
              isBrief,
            });
            report.rows.push(...(await bench.run()));
            report.gate = both(report.gate, bench.gate);
            await options.onProgress?.(report);
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
