import { relocatedData } from '../../data/data-location.js';
import { dataOf, examplesOf } from '../run-data.js';
import { dataHash } from '../run-record.js';
import type { RunSettings } from '../settings.js';
import type { Cell } from './experiment.js';

/** The settings of a cell's run. @param data The location of the data, as `relocatedData` takes it; the settings' own by default. */
export function runSettingsOf({ settings }: Cell, data?: string): RunSettings {
  return data === undefined ? { ...settings } : { ...settings, data: relocatedData(settings.data, data) };
}

/** The hashes of the data of cells, which mostly have the same data: each is read once. */
export class DataHashes {
  private readonly hashes = new Map<string, Promise<string>>();

  /** @param data The location of the data, instead of the settings' own. */
  constructor(private readonly data?: string) {}

  /** The hash of a cell's examples. @throws CallerError where they cannot be read. */
  of(cell: Cell): Promise<string> {
    const settings = runSettingsOf(cell, this.data);
    const { data, dev, textColumn, labelColumn, tagsColumn, labels, task } = settings;
    const { trainExamples, devShare, seed } = settings;
    const isDrawn = trainExamples !== undefined || devShare !== undefined;
    const drawn = isDrawn ? [trainExamples, devShare, seed] : [];
    const key = JSON.stringify([data, dev, textColumn, labelColumn, tagsColumn, labels, task, ...drawn]);
    const hash = this.hashes.get(key) ?? examplesOf(dataOf(settings), settings).then(dataHash);
    this.hashes.set(key, hash);
    return hash;
  }
}
