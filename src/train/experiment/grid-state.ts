import { CellClaims } from './cell-claims.js';
import { CellFailures } from './cell-failures.js';
import type { Cell, Experiment } from './experiment.js';
import { claimsFolder, LOCK_SECONDS, orderedCells } from './grid-cells.js';
import { type CellResult, readResult, resultFile } from './results.js';

type CellProgress = 'finished' | 'running' | 'failed' | 'waiting';

/** How far a cell is, with the process that runs it, or its error. */
export interface CellState {
  id: string;
  progress: CellProgress;
  about?: string;
}

/** The id of a cell whose claim or failure has this name. */
function idOf(name: string): string {
  return name.replace(/\.[0-9a-f]{16}$/, '');
}

/** How far the cells of an experiment are, as far as their folder of results says. The data need not be there. */
export async function gridState(
  results: string,
  experiment: Experiment,
  { only, lock = LOCK_SECONDS }: { only?: readonly string[]; lock?: number } = {},
): Promise<CellState[]> {
  const folder = claimsFolder(results, experiment.name);
  const holders = await new CellClaims(folder, lock).holders();
  const running = new Map([...holders].map(([name, holder]) => [idOf(name), holder]));
  const failures = new CellFailures(folder);
  const failed = new Map((await failures.names()).map((name) => [idOf(name), name]));
  const stateOf = async (cell: Cell): Promise<CellState> => {
    const { id } = cell;
    if (await readResult(resultFile(results, experiment.name, cell), cell))
      return { id, progress: 'finished' };
    const holder = running.get(id);
    if (holder && !holder.isDead) return { id, progress: 'running', about: holder.name };
    const failure = failed.has(id) ? await failures.of(failed.get(id)!) : undefined;
    if (failure?.isFinal) return { id, progress: 'failed', about: failure.error };
    return { id, progress: 'waiting', ...(holder && { about: `${holder.name} has died` }) };
  };
  return Promise.all(orderedCells(experiment, only).map(stateOf));
}

/** The cells that one kind of machine ran: results on other kinds may differ in their last bits, and their timings in more. */
export interface MachineRow {
  adapter: string;
  /** Versions of the package, kernels, driver and system. */
  versions: Readonly<Record<string, string>>;
  cells: number;
  /** The time of training alone. */
  seconds: number;
  tokensPerSecond: number;
}

/** The machines that results are from. */
export function machinesOf(results: readonly CellResult[]): MachineRow[] {
  const rows = new Map<string, MachineRow>();
  for (const { adapter, versions = {}, seconds, tokensPerSecond } of results) {
    const key = JSON.stringify([adapter, versions]);
    const row = rows.get(key) ?? { adapter, versions, cells: 0, seconds: 0, tokensPerSecond: 0 };
    const tokens = row.seconds * row.tokensPerSecond + (seconds > 0 ? seconds * tokensPerSecond : 0);
    const total = row.seconds + seconds;
    const rate = total > 0 ? tokens / total : 0;
    rows.set(key, { ...row, cells: row.cells + 1, seconds: total, tokensPerSecond: rate });
  }
  return [...rows.values()].sort((one, other) => other.cells - one.cells);
}

/** What some machines differ in, in words; empty where they are of one kind. */
function differencesOf(machines: readonly MachineRow[]): string[] {
  const names = ['package', 'kernels', 'webgpu', 'driver'];
  const differ = names.filter((name) => new Set(machines.map(({ versions }) => versions[name])).size > 1);
  return [...(new Set(machines.map(({ adapter }) => adapter)).size > 1 ? ['adapter'] : []), ...differ];
}

/** What results of different machines may not be used for; empty where they are of one kind. */
export function mixtureNote(machines: readonly MachineRow[]): string {
  const differences = differencesOf(machines);
  if (differences.length === 0) return '';
  return `These cells differ in: ${differences.join(', ')}. Their timings must not be compared, and their results are not claimed to be equal bit for bit to those of one machine.`;
}

/** How many cells are finished, run, failed or wait, in words. */
export function countsOf(states: readonly CellState[]): string {
  const counts = (['finished', 'running', 'failed', 'waiting'] as const).map(
    (progress) => `${states.filter((state) => state.progress === progress).length} ${progress}`,
  );
  return `${states.length} cells: ${counts.join(', ')}`;
}
