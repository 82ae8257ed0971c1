import {
  options as anyOptions,
  checkArgument,
  device as deviceArgument,
} from '../../base/argument-schemas.js';
import type { Device } from '../../gpu/device.js';
import type { Experiment } from './experiment.js';
import { orderedCells } from './grid-cells.js';
import type { CellResult } from './results.js';
import { type CellOptions, CellRunner, checkCell } from './run-cell.js';
import { type GridOptions, runGrid } from './run-grid.js';

/** How `runExperiment` runs the cells of an experiment. */
export interface ExperimentOptions extends CellOptions, Omit<GridOptions, 'shard' | 'continues'> {}

/**
 * Runs the unfinished cells of an experiment, one by one.
 * @returns The results of all its cells, or of those of `only`.
 * @throws CallerError where a setting makes no sense; RunInterrupted where the signal is aborted; else as `runTraining`.
 */
export async function runExperiment(
  device: Device,
  experiment: Experiment,
  options: ExperimentOptions,
): Promise<CellResult[]> {
  checkArgument(deviceArgument, device, 'device');
  checkArgument(anyOptions({ conditions: anyOptions({}), grid: anyOptions({}) }), experiment, 'experiment');
  checkArgument(anyOptions({}), options, 'options');
  for (const cell of orderedCells(experiment, options.only)) checkCell(cell, experiment, options.data);
  const runner = new CellRunner(device, experiment, options);
  return runGrid(experiment, [(cell, signal) => runner.resultOf(cell, signal)], options);
}
