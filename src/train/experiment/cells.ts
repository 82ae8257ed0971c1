import { hashOf, sortedEntries } from '../../base/hash.js';
import type { Experiment, Setting, Settings } from './experiment-types.js';

/** One run of an experiment. */
export interface Cell {
  /** Contender and point of the grid, as a file's name. */
  id: string;
  contender: string;
  /** Its place on each axis of the grid. */
  point: Settings;
  /** All that it is told, the contender's own settings over the experiment's. */
  settings: Settings;
  /** Of the settings: a finished cell whose settings have changed since is another cell. */
  hash: string;
}

/** Runs of one experiment, at most. */
export const MOST_CELLS = 100_000;

/** Characters of a cell's id: as a file's name it gets endings of its own, and may have 255 bytes. */
export const LONGEST_ID = 200;

function points(grid: Experiment['grid']): Record<string, Setting>[] {
  return Object.entries(grid).reduce<Record<string, Setting>[]>(
    (done, [axis, values]) => values.flatMap((value) => done.map((point) => ({ ...point, [axis]: value }))),
    [{}],
  );
}

function fileName(text: string): string {
  return text.replace(/[^\w.@=-]+/g, '-');
}

/** Settings that say where a run is made, and not what it computes: the data are known by their content. */
const PLACES = ['data', 'adapter'];

/** The settings without those that say where a run is made. */
export function settingsProper(settings: Settings): Settings {
  return Object.fromEntries(Object.entries(settings).filter(([name]) => !PLACES.includes(name)));
}

/** The runs of an experiment: seed by seed, so that the first seeds are whole when a long grid is cut off. */
export function cellsOf({ settings, contenders, grid }: Experiment): Cell[] {
  const { seed: seeds, ...axes } = grid;
  return points({ ...axes, seed: seeds }).flatMap((point) =>
    Object.entries(contenders).map(([contender, own]): Cell => {
      const all = { ...settings, ...own, ...point };
      const place = Object.entries(point).map(([axis, value]) => `${axis}=${value}`);
      return {
        id: fileName([contender, ...place].join('_')),
        contender,
        point,
        settings: all,
        hash: hashOf(sortedEntries(settingsProper(all))),
      };
    }),
  );
}
