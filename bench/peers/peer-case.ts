import { planDense } from '../../src/plan/plan.js';
import { type Inputs, randomInputs } from '../attention-contender.js';
import { both, type Computed, type GateResult, GREEN, onlySampled, sampledRows } from '../gate.js';
import type { CacheFlush } from '../timing.js';
import { PARSIMONY } from './peer-list.js';
import { type MeasuredPeer, type PeerCase, type PeerRow, peerRow } from './peer-row.js';
import type { PeerSeat } from './peer-seat.js';
import { takeTurns } from './peer-turns.js';
import { oneLine } from './protocol.js';
import { checkPeer, type PeerReference, peerReference } from './reference.js';

interface Entry extends MeasuredPeer {
  seat: PeerSeat;
  process: number;
  handle: number;
  /** Whether it cannot be timed. */
  failed: boolean;
}

/** All peers at one shape and pass, with and without the mask: made ready, checked, then timed in turns. */
export class CaseBench {
  /** Of our own results so far. */
  gate: GateResult = GREEN;
  private readonly allInputs: Inputs;
  /** The same with output gradients of the sampled rows alone. */
  private readonly inputs: Inputs;
  private readonly sampled: Uint8Array;
  private readonly references = new Map<boolean, PeerReference>();
  private readonly entries: Entry[] = [];

  /**
   * @param adapter The description of the adapter on which all must run.
   * @param flush Overwrites that adapter's caches before each timed run.
   */
  constructor(
    private readonly about: PeerCase & { repeats: number },
    private readonly seats: readonly PeerSeat[],
    private readonly adapter: string,
    private readonly flush: Pick<CacheFlush, 'flush'>,
    private readonly options: { signal?: AbortSignal; onNote?(line: string): void },
  ) {
    const { workload, seed } = about;
    this.sampled = sampledRows(planDense(workload.lengths), workload.heads, seed);
    this.allInputs = randomInputs(workload, seed);
    const outputGradient = onlySampled(this.allInputs.outputGradient, this.sampled, workload.headDim);
    this.inputs = { ...this.allInputs, outputGradient };
  }

  /** @returns A row for every peer that has this pass; none where the run was interrupted before the first turn ended. */
  async run(): Promise<PeerRow[]> {
    const { pass, repeats, seed } = this.about;
    const { signal } = this.options;
    for (const seat of this.seats.filter(({ spec }) => spec.passes.includes(pass))) {
      for (const mask of [false, true]) {
        if (signal?.aborted) break;
        const entry: Entry = {
          seat,
          peer: seat.spec.name,
          mask,
          process: 0,
          handle: -1,
          failed: false,
          times: [],
        };
        this.entries.push(entry);
        await this.prepare(entry).catch((error) => this.fail(entry, error));
      }
    }
    const ready = this.entries.filter(({ failed }) => !failed);
    this.options.onNote?.(`timing ${this.title()}`);
    const times = await takeTurns(
      ready.map((entry) => ({
        time: () => entry.seat.time(entry.process, entry.handle),
        onFailure: (error) => this.fail(entry, error),
      })),
      { repeats, seed, signal, beforeEach: () => this.flush.flush() },
    );
    ready.forEach((entry, index) => {
      entry.times = times[index];
    });
    for (const seat of this.seats) await seat.release();
    if (signal?.aborted && ready.every((entry) => entry.times.length === 0)) return [];
    return this.entries.map((entry) => {
      const find = (peer: string, mask: boolean) =>
        this.entries.find((other) => other.peer === peer && other.mask === mask);
      return peerRow(entry, find(PARSIMONY, entry.mask), find(entry.peer, false), this.about);
    });
  }

  private title(): string {
    const { workload, pass } = this.about;
    return `${workload.tags.length} pieces, ${workload.heads} heads of ${workload.headDim}, ${pass}`;
  }

  private fail(entry: Entry, error: Error): void {
    entry.failed = true;
    entry.error = oneLine(error.message);
    if (this.options.signal?.aborted) return;
    this.options.onNote?.(`${entry.peer}: ${entry.error}`);
    if (entry.peer !== PARSIMONY) return;
    this.gate = both(this.gate, { ...GREEN, passed: false, complaints: [`${PARSIMONY}: ${entry.error}`] });
  }

  /** Makes a peer ready, checks what it computes, and lets it warm up. */
  private async prepare(entry: Entry): Promise<void> {
    const { seat, peer, mask } = entry;
    const { workload, rules, pass, seed } = this.about;
    this.options.onNote?.(`checking ${this.title()}, ${peer}${mask ? ' with mask' : ''}`);
    entry.process = await seat.open();
    const backward = pass === 'forward+backward';
    // Ours samples rows of its own.
    const inputs = peer === PARSIMONY ? this.allInputs : this.inputs;
    const task = { workload, inputs, mask, rules, backward, seed };
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
    const { maxError, allowedError, complaint } = checkPeer(this.reference(entry.mask), results);
    Object.assign(entry, { maxError, allowedError });
    if (complaint) entry.error = `wrong: ${complaint}`;
  }

  private reference(mask: boolean): PeerReference {
    const { workload, rules, pass } = this.about;
    const known = this.references.get(mask);
    if (known) return known;
    const task = { rules, mask, backward: pass === 'forward+backward' };
    const made = peerReference(workload, this.inputs, this.sampled, task);
    this.references.set(mask, made);
    return made;
  }
}
