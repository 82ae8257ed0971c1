import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createFolder } from '../../data/files.js';
import { RunInterrupted } from '../interruption.js';
import { CellClaims } from './cell-claims.js';
import { CellFailures } from './cell-failures.js';
import { DataHashes } from './data-hashes.js';
import { type Cell, type Experiment, learnedCell } from './experiment.js';
import { cancelled, cellName, claimsFolder, LOCK_SECONDS, orderedCells, type Shard } from './grid-cells.js';
import { type CellResult, readResult, resultFile, writeResult } from './results.js';

/** Runs a cell to its result. It throws `RunInterrupted` once the signal is aborted. */
export type RunCell = (cell: Cell, signal: AbortSignal) => Promise<CellResult>;

/** Which cells of a grid run here, and the callbacks for their results. */
export interface GridOptions {
  /** Holds a file for each finished run, which is not run again, and the claims of the processes that run cells. */
  results: string;
  /** The data, instead of those of the settings. */
  data?: string;
  /** The conditions that are run; all by default. */
  only?: readonly string[];
  /** The cells that come first. Those of others follow, and those that a live process holds at the end are left to it. */
  shard?: Shard;
  /** Seconds without a sign of life after which the cell of another process is taken over; 60 by default. */
  lockSeconds?: number;
  /** Whether a cell that fails is tried again, and left out after some attempts. By default its error is thrown. */
  continues?: boolean;
  /** Once it is aborted, running cells end with a checkpoint, and `RunInterrupted` is thrown. */
  signal?: AbortSignal;
  /** Called when a cell is finished, or its result is there already. */
  onResult?(cell: Cell, result: CellResult): void;
  /** Called when a cell is left out. */
  onFailure?(cell: Cell, error: string): void;
}

/** Runs the cells of an experiment together with the other processes that share its folder of results. */
class Grid {
  /** Cells without a result, by their ids, in order. */
  private readonly open: Map<string, Cell>;
  private readonly results = new Map<string, CellResult>();
  private readonly running = new Set<string>();
  /** When to look again at the cells of others, by id. */
  private readonly lookAgain = new Map<string, number>();
  /** The first sign that was seen of the holders of cells, by id. */
  private readonly firstBeats = new Map<string, number>();
  private readonly dataHashes: DataHashes;
  private readonly claims: CellClaims;
  private readonly failures: CellFailures;
  private readonly stopping = new AbortController();
  private readonly signal: AbortSignal;
  private readonly poll: number;

  constructor(
    private readonly experiment: Experiment,
    private readonly options: GridOptions,
  ) {
    const { results, data, only, shard, signal, lockSeconds = LOCK_SECONDS } = options;
    this.open = new Map(orderedCells(experiment, only, shard).map((cell) => [cell.id, cell]));
    this.dataHashes = new DataHashes(data);
    const folder = claimsFolder(results, experiment.name);
    this.claims = new CellClaims(folder, lockSeconds);
    this.failures = new CellFailures(folder);
    this.signal = AbortSignal.any([this.stopping.signal, ...(signal ? [signal] : [])]);
    this.poll = Math.min(1000, 250 * lockSeconds);
  }

  async run(runners: readonly RunCell[]): Promise<CellResult[]> {
    const cells = [...this.open.values()];
    await this.takeStored();
    if (this.open.size > 0) await this.runOpen(runners);
    return cells.flatMap(({ id }) => this.results.get(id) ?? []);
  }

  /** Takes the results that are there. */
  private async takeStored(): Promise<void> {
    for (const cell of [...this.open.values()]) await this.takeResult(cell);
  }

  private async runOpen(runners: readonly RunCell[]): Promise<void> {
    const check = () => {
      if (this.failures.isCancelled) this.stopping.abort();
    };
    check();
    if (this.stopping.signal.aborted) throw cancelled(this.experiment);
    await this.claims.start(check);
    try {
      const stopOthers = (error: unknown) => {
        this.stopping.abort();
        throw error;
      };
      const ends = await Promise.allSettled(runners.map((runner) => this.work(runner).catch(stopOthers)));
      const errors = ends.flatMap((end) => (end.status === 'rejected' ? [end.reason] : []));
      const error = errors.find((one) => !(one instanceof RunInterrupted)) ?? errors[0];
      if (error instanceof RunInterrupted && this.failures.isCancelled) throw cancelled(this.experiment);
      if (error) throw error;
    } finally {
      await this.claims.stop();
    }
  }

  /** Runs one cell after another until none is left. */
  private async work(runner: RunCell): Promise<void> {
    while (this.open.size > 0) {
      const cell = await this.next();
      if (cell) await this.finish(cell, runner);
      else if (this.signal.aborted) throw new RunInterrupted({ step: 0, totalSteps: 0 });
      else await delay(this.poll, undefined, { signal: this.signal }).catch(() => {});
    }
  }

  /** The next cell, claimed; undefined where all that are left wait for others. */
  private async next(): Promise<Cell | undefined> {
    for (const cell of this.open.values()) {
      if (this.running.has(cell.id) || performance.now() < (this.lookAgain.get(cell.id) ?? 0)) continue;
      // Its rules are pruned from a run that is not finished.
      if (learnedCell(cell, [...this.open.values()])) continue;
      this.running.add(cell.id);
      try {
        if (await this.claim(cell)) return cell;
      } catch (error) {
        this.running.delete(cell.id);
        throw error;
      }
      this.running.delete(cell.id);
    }
    return undefined;
  }

  /** Claims an open cell. It is closed where it has a result meanwhile, or has failed too often. */
  private async claim(cell: Cell): Promise<boolean> {
    const { continues, shard, onFailure } = this.options;
    const name = cellName(cell, await this.dataHashes.of(cell));
    const holder = await this.claims.acquire(name);
    if (holder) {
      if (await this.takeResult(cell)) return false;
      this.lookAgain.set(cell.id, performance.now() + this.poll);
      const first = this.firstBeats.get(cell.id) ?? holder.beat;
      this.firstBeats.set(cell.id, first);
      // It is at work: at the end of a shard, the cell is left to it.
      if (shard && holder.beat > first) this.open.delete(cell.id);
      return false;
    }
    const failure = continues ? await this.failures.of(name) : undefined;
    if (failure?.isFinal) {
      this.open.delete(cell.id);
      onFailure?.(cell, failure.error);
    } else if (!(await this.takeResult(cell))) return true;
    await this.claims.release(name);
    return false;
  }

  /** Closes a cell that has a result. */
  private async takeResult(cell: Cell): Promise<boolean> {
    const stored = await readResult(resultFile(this.options.results, this.experiment.name, cell), cell);
    if (!stored || stored.data !== (await this.dataHashes.of(cell))) return false;
    this.close(cell, stored);
    return true;
  }

  private close(cell: Cell, result: CellResult): void {
    this.results.set(cell.id, result);
    this.open.delete(cell.id);
    this.options.onResult?.(cell, result);
  }

  /** Runs a claimed cell, and keeps its result or its error. */
  private async finish(cell: Cell, runner: RunCell): Promise<void> {
    const { results, continues, onFailure } = this.options;
    const name = cellName(cell, await this.dataHashes.of(cell));
    try {
      const result = await runner(cell, this.signal);
      await createFolder(join(results, this.experiment.name));
      await writeResult(resultFile(results, this.experiment.name, cell), result);
      await this.failures.remove(name);
      this.close(cell, result);
    } catch (error) {
      if (!continues || !(error instanceof Error) || error instanceof RunInterrupted) throw error;
      const failure = await this.failures.add(name, error);
      if (failure.isFinal) {
        this.open.delete(cell.id);
        onFailure?.(cell, failure.error);
      }
    } finally {
      this.running.delete(cell.id);
      await this.claims.release(name);
    }
  }
}

/**
 * Runs the unfinished cells of an experiment, each by one of `runners` at a time. Other processes and hosts may do the same in the
 * same folder of results: a cell is run by one of them, and taken over where that one dies.
 * @returns The results of all its cells, or of those of `only`; without those that failed or are left to others.
 * @throws CallerError where it is cancelled; RunInterrupted where the signal is aborted; EngineError where the disk refuses; what
 * a runner throws, where a failure does not leave a cell out.
 */
export function runGrid(
  experiment: Experiment,
  runners: readonly RunCell[],
  options: GridOptions,
): Promise<CellResult[]> {
  return new Grid(experiment, options).run(runners);
}
