import { EngineError } from '../base/errors.js';
import { type CellState, type MachineRow, mixtureNote } from '../train/experiment/grid-state.js';
import { print, printTable } from './terminal.js';

/** The most cells that are listed by name. */
const MOST_LISTED = 20;

/** What is missing in a grid, in lines; none where every cell is finished. */
function missingLines(states: readonly CellState[]): string[] {
  const missing = states.filter(({ progress }) => progress !== 'finished');
  if (missing.length === 0) return [];
  const listed = missing
    .slice(0, MOST_LISTED)
    .map(({ id, progress, about }) => `  ${id}: ${progress}${about ? ` (${about})` : ''}`);
  const rest = missing.length - listed.length;
  return [
    `Missing: ${missing.length} of ${states.length} cells`,
    ...listed,
    ...(rest > 0 ? [`  and ${rest} more`] : []),
  ];
}

/** Prints the machines of the results with their timings, and what is missing. */
export function printGrid(machines: readonly MachineRow[], states: readonly CellState[]): void {
  print();
  printTable(
    ['machine', 'driver', 'package', 'kernels', 'cells', 'seconds', 'tokens/s'],
    machines.map(({ adapter, versions, cells, seconds, tokensPerSecond }) => [
      adapter,
      versions.driver ?? '–',
      versions.package ?? '–',
      (versions.kernels ?? '–').slice(0, 8),
      cells,
      seconds.toFixed(1),
      Math.round(tokensPerSecond).toLocaleString('en'),
    ]),
  );
  const mixture = mixtureNote(machines);
  if (mixture) print(mixture);
  for (const line of missingLines(states)) print(line);
}

/** @throws EngineError where cells have failed. @param retry The command that tries them again. */
export function refuseFailures(states: readonly CellState[], retry: string): void {
  const failed = states.filter(({ progress }) => progress === 'failed');
  if (failed.length === 0) return;
  throw new EngineError({
    what: `${failed.length} of ${states.length} cells failed, the first: ${failed[0].about}`,
    where: failed[0].id,
    remedy: `remove the cause, then: ${retry}`,
  });
}
