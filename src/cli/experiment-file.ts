import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { readText } from '../data/files.js';
import type { Experiment } from '../train/experiment/experiment.js';
import { parseExperiment } from '../train/experiment/parse-experiment.js';
import { note } from './terminal.js';

/** The folder of the experiments that come with the package. */
function packagedExperiments(): string {
  const manifest = createRequire(import.meta.url).resolve('parsimony-attention/package.json');
  return join(dirname(manifest), 'experiments');
}

/**
 * Where an experiment's file is: as it was named, or, where nothing is there, the file of that name that comes with the package.
 * @param name "experiments/embedded.json", or "embedded".
 */
export function experimentFile(name: string): string {
  if (existsSync(name) || !/^(?:experiments[/\\])?[\w-]+(?:\.json)?$/.test(name)) return name;
  const packaged = join(packagedExperiments(), `${basename(name, '.json')}.json`);
  if (!existsSync(packaged)) return name;
  note(`${name} is not here: reading the experiment of that name that comes with the package.`);
  return packaged;
}

/**
 * The folder of the results for a table: `results`, or that of the package, for an experiment that comes with it and has no results in
 * the former.
 * @param name The name or file of an experiment, as `readExperiment` takes it.
 */
export function tableFolder(name: string, { name: experiment }: Experiment, results: string): string {
  const isPackaged = !existsSync(name) && !existsSync(join(results, experiment));
  return isPackaged ? join(packagedExperiments(), 'results') : results;
}

/** The experiment of a file, or of the name of one that comes with the package. @throws CallerError where it is none. */
export async function readExperiment(name: string): Promise<Experiment> {
  const file = experimentFile(name);
  return parseExperiment(await readText(file, 'an experiment, such as experiments/embedded.json'), file);
}
