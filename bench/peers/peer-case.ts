import { setTimeout as sleep } from 'node:timers/promises';
import type { Precision } from '../../src/base/precision.js';
import type { RuleSet } from '../../src/grammar/rules.js';
import { denseLayout } from '../../src/plan/layout.js';
import {
  both,
  type Computed,
  checkTensors,
  type Expected,
  expectedNumbers,
  type GateResult,
  GREEN,
  onlySampled,
  referenceInput,
  sampledRows,
  type TensorCheck,
} from '../gate.js';
import { type Inputs, randomInputs, type Workload } from '../inputs.js';
import { referenceTokenBias } from '../reference-pairs.js';
import { type CacheFlush, TURNS_OF_A_CLOCK, takeTurns } from '../timing.js';
import { oneLine } from './peer.js';
import { isOurs, PARSIMONY } from './peer-list.js';
import { type MeasuredPeer, type PeerCase, type PeerRow, peerRow } from './peer-row.js';
import type { PeerSeat } from './peer-seat.js';

interface Entry extends MeasuredPeer {
  seat: PeerSeat;
  process: number;
  handle: number;
  /** Whether it cannot be timed. */
  failed: boolean;
  hasClock?: boolean;
}

/** The threads of the previous peer may spin before they sleep, which would slow the next one. */
const PAUSE_MS = 20;

/** All peers at one shape and pass, with and without the mask: prepared, checked, then timed in turns. */
export class CaseBench {
  /** Whether our own results were right so far. */
  gate: GateResult = GREEN;
  private readonly allInputs: Inputs;
  /** The same with output gradients of 0 outside the sampled rows. */
  private readonly inputs: Inputs;
  private readonly sampled: Uint8Array;
  /** With and without the mask. */
  private readonly expectations = new Map<boolean, Expected>();
  private readonly entries: Entry[] = [];

  /**
   * @param adapter The description of the adapter on which all must run.
   * @param flush Overwrites that adapter's caches before each timed run.
   */
  constructor(
    private readonly peerCase: PeerCase & { repeats: number },
    private readonly seats: readonly PeerSeat[],
    private readonly adapter: string,
    private readonly flush: Pick<CacheFlush, 'flush' | 'warmUp'>,
    private readonly options: { signal?: AbortSignal; isBrief: boolean; onNote?(line: string): void },
  ) {
    const { workload, seed } = peerCase;
    this.sampled = sampledRows(denseLayout(workload.lengths), workload.heads, seed);
    this.allInputs = randomInputs(workload, seed);
    const outputGradient = onlySampled(this.allInputs.outputGradient, this.sampled, workload.headDim);
    this.inputs = { ...this.allInputs, outputGradient };
  }

  /** @returns A row for every peer that has this pass; none where the run was interrupted before the first turn ended. */
  async run(): Promise<PeerRow[]> {
    const { pass, repeats, seed } = this.peerCase;
    const { signal, isBrief } = this.options;
    const seats = this.seats.filter(({ spec }) => spec.passes.includes(pass));
    if (isBrief) await Promise.all(seats.map((seat) => this.prepareSeat(seat)));
    else for (const seat of seats) await this.prepareSeat(seat);
    this.entries.sort((a, b) => seats.indexOf(a.seat) - seats.indexOf(b.seat));
    const ready = this.entries.filter(({ failed }) => !failed);
    this.options.onNote?.(`timing ${this.title()}`);
    const beforeEach = async () => {
      await sleep(PAUSE_MS);
      await this.flush.flush();
    };
    await this.flush.warmUp();
    const afterTurn = async (turn: number, order: readonly number[]) => {
      if (turn % TURNS_OF_A_CLOCK !== 0) return;
      for (const entry of order.map((index) => ready[index])) {
        if (!entry.hasClock || entry.failed || signal?.aborted) continue;
        await beforeEach();
        const time = entry.seat.time(entry.process, entry.handle, 'gpu');
        await time.then(
          (ms) => entry.gpuTimes.push(ms),
          (error) => signal?.aborted || this.fail(entry, error),
        );
      }
    };
    const onFailure = (index: number, error: Error) => this.fail(ready[index], error);
    const times = await takeTurns(
      ready.map((entry) => () => entry.seat.time(entry.process, entry.handle)),
      { repeats, seed, signal, beforeEach, afterTurn, onFailure },
    );
    ready.forEach((entry, index) => {
      entry.times = times[index];
    });
    for (const seat of this.seats) await seat.release();
    if (signal?.aborted && ready.every((entry) => entry.times.length === 0)) return [];
    return this.entries.map((entry) => {
      const find = (peer: string, mask: boolean) =>
        this.entries.find((other) => other.peer === peer && other.mask === mask);
      const ours = this.entries.find(({ seat, precision, mask }) => {
        return isOurs(seat.spec) && precision === entry.precision && mask === entry.mask;
      });
      return peerRow(entry, ours, find(entry.peer, false), this.peerCase);
    });
  }

  /** Prepares a peer without and with the mask, where it has both. */
  private async prepareSeat(seat: PeerSeat): Promise<void> {
    const { name, precision, torch } = seat.spec;
    const isMaskedOnly = torch?.sorted || (torch?.flex && this.options.isBrief);
    for (const mask of isMaskedOnly ? [true] : [false, true]) {
      if (this.options.signal?.aborted || this.isAbsent(seat)) break;
      const entry: Entry = {
        seat,
        peer: name,
        precision,
        mask,
        process: 0,
        handle: -1,
        failed: false,
        times: [],
        gpuTimes: [],
      };
      this.entries.push(entry);
      await this.prepare(entry).catch((error) => this.fail(entry, error));
    }
  }

  /** Whether it, or another peer of the same PyTorch, could not be opened: one row says so. */
  private isAbsent(seat: PeerSeat): boolean {
    const { torch } = seat.spec;
    return this.seats.some(
      (other) => other.isAbsent && (other === seat || (torch && other.spec.torch?.device === torch.device)),
    );
  }

  private title(): string {
    const { workload, pass } = this.peerCase;
    return `${workload.tags.length} tokens, ${workload.heads} heads of ${workload.headDim}, ${pass}`;
  }

  private fail(entry: Entry, error: Error): void {
    entry.failed = true;
    entry.error = oneLine(error.message);
    if (this.options.signal?.aborted) return;
    this.options.onNote?.(`${entry.peer}: ${entry.error}`);
    if (entry.peer !== PARSIMONY) return;
    this.gate = both(this.gate, { ...GREEN, passed: false, complaints: [`${PARSIMONY}: ${entry.error}`] });
  }

  /** Prepares a peer, checks its results, and warms it up. */
  private async prepare(entry: Entry): Promise<void> {
    const { seat, peer, mask } = entry;
    const { workload, rules, pass, seed, kernels } = this.peerCase;
    this.options.onNote?.(`checking ${this.title()}, ${peer}${mask ? ' with mask' : ''}`);
    entry.process = await seat.open();
    const backward = pass === 'forward+backward';
    // Ours samples other rows.
    const inputs = isOurs(seat.spec) ? this.allInputs : this.inputs;
    const task = { workload, inputs, mask, rules, backward, seed, kernels };
    const { handle, ...prepared } = await seat.ask<'prepare'>({ kind: 'prepare', task });
    const { results, coldMs, adapter } = await seat.ask<'check'>({ kind: 'check', handle });
    Object.assign(entry, { handle, ...prepared, coldMs, adapter });
    this.judge(entry, results);
    if (seat.spec.opensAdapter && adapter !== this.adapter) {
      throw new Error(`ran on "${adapter}", the others on "${this.adapter}"`);
    }
    await seat.time(entry.process, handle);
  }

  private judge(entry: Entry, results: Computed | GateResult): void {
    if ('passed' in results) {
      this.gate = both(this.gate, results);
      entry.maxError = results.maxError;
      if (!results.passed) entry.error = `wrong: ${oneLine(results.complaints.join('; '))}`;
      return;
    }
    const { maxError, allowed, complaint } = checkPeer(this.expected(entry.mask), results, entry.precision);
    Object.assign(entry, { maxError, allowedError: allowed });
    if (complaint) entry.error = `wrong: ${complaint}`;
  }

  private expected(mask: boolean): Expected {
    const { workload, rules, pass } = this.peerCase;
    const task = { rules, mask, backward: pass === 'forward+backward' };
    const expected = this.expectations.get(mask) ?? expectedOfPeer(workload, this.inputs, this.sampled, task);
    this.expectations.set(mask, expected);
    return expected;
  }
}

/**
 * The error that a peer may have where our own bound is stricter. Libraries sum in different orders, and so small an error does
 * not matter to a model.
 */
const LAX_ERROR = 1e-5;

/** The expected results of a peer in the sampled rows. */
export function expectedOfPeer(
  workload: Workload,
  inputs: Inputs,
  sampled: Uint8Array,
  { rules, mask, backward }: { rules: RuleSet; mask: boolean; backward: boolean },
): Expected {
  const bias = referenceTokenBias(rules, mask ? 'hard' : 'none', workload.tags);
  return expectedNumbers(referenceInput(workload, inputs, backward, bias), sampled);
}

/** A unit of f16 in units of f32: the factor by which the same operations lose more in f16. */
const F16_UNITS = 2 ** 13;

/** The tensor of a peer's results with the largest share of its bound. */
export function checkPeer(expected: Expected, computed: Computed, precision: Precision = 'f32'): TensorCheck {
  const share = ({ maxError, allowed }: TensorCheck) => maxError / allowed;
  const tensors = expected.tensors.map((tensor) => ({ ...tensor, bound: F16_UNITS * tensor.bound }));
  const bounds = precision === 'f16' ? { ...expected, tensors } : expected;
  return checkTensors(bounds, computed, LAX_ERROR).reduce((worst, other) =>
    share(other) > share(worst) ? other : worst,
  );
}
