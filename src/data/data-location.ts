import { resolve } from 'node:path';
import { BLIMP_PREFIX, isBlimp } from './blimp-source.js';
import { corruptionName } from './corruption-source.js';
import { isNamedSource } from './sources.js';
import { isFolder, namesIn } from './split-files.js';

/** Absolute paths of files: a list, since a name may contain a comma. */
function pathsOf(files: string): string | string[] {
  return isFolder(files) ? resolve(files) : namesIn(files).map((file) => resolve(file));
}

/** The same data, or files, by absolute paths, as they are found from another folder. */
export function absoluteData(data: string | readonly string[] | undefined): string | string[] | undefined {
  if (typeof data !== 'string') return data?.map((file) => resolve(file));
  const corruption = corruptionName(data);
  if (corruption) return `${corruption.prefix}${[absoluteData(corruption.source)].flat().join(',')}`;
  if (isBlimp(data)) return `${BLIMP_PREFIX}${[pathsOf(data.slice(BLIMP_PREFIX.length))].flat().join(',')}`;
  return isNamedSource(data) ? data : pathsOf(data);
}

/**
 * The data of an experiment at another location.
 * @param data What the experiment names. Of corrupted data, the texts that are changed are at the location; of BLiMP, the files.
 * @param location What `--data` takes; for BLiMP, also its path alone.
 */
export function relocatedData(data: unknown, location: string): string {
  if (typeof data !== 'string') return location;
  const corruption = corruptionName(data);
  if (corruption) return `${corruption.prefix}${relocatedData(corruption.source, location)}`;
  return isBlimp(data) && !isNamedSource(location) ? `${BLIMP_PREFIX}${location}` : location;
}
