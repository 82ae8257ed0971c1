import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readBytesOf } from '../../data/files.js';
import { adapterName } from '../../gpu/adapter.js';
import { bestOf } from '../../train/best.js';
import type { Settings } from '../../train/experiment/experiment.js';
import { readMetrics } from '../../train/metrics-reader.js';
import { readFolderConfig } from '../../train/model-folder.js';
import { LAST_FILE, METRICS_FILE } from '../../train/run-folder.js';
import { RECORD_FILE, readWrittenRecord } from '../../train/run-record.js';
import type { DevEvaluation, Run } from './run.js';

const NEWLINE = 10;

/** Length of a file's complete lines in bytes: the last line of a killed or active run may be incomplete. */
async function wholeLines(path: string): Promise<number> {
  return (await readBytesOf(path)).lastIndexOf(NEWLINE) + 1;
}

/** The settings of a run that a page shows: those that are a text, a number, or true or false. */
function shownSettings(record: Record<string, unknown>, shape: object): Settings {
  const { density: _, rows, ...others } = record;
  const all = { ...others, ...prefixed('rows of ', rows), ...shape };
  const shown = Object.entries(all).filter(([, value]) => {
    return ['string', 'number', 'boolean'].includes(typeof value);
  });
  return Object.fromEntries(shown) as Settings;
}

function prefixed(prefix: string, values: unknown): Record<string, unknown> {
  return Object.fromEntries(Object.entries(values ?? {}).map(([name, value]) => [prefix + name, value]));
}

/** The name of a run's condition: its strategy, and its rules and tag noise where these are not the default. */
function conditionName({ strategy, rules, tagNoise }: Settings): string {
  const parts = [strategy];
  if (strategy !== 'none' && rules !== 'paper') parts.push(`${rules} rules`);
  if (tagNoise !== undefined) parts.push(`tags ${tagNoise}`);
  return parts.join(', ');
}

/** Whether `parsimony train --out` wrote a folder. */
export function isRunFolder(folder: string): boolean {
  return existsSync(join(folder, METRICS_FILE)) && existsSync(join(folder, RECORD_FILE));
}

/**
 * Reads a training run, finished or not.
 * @throws CallerError where one of its files is missing or invalid.
 */
export async function readRun(folder: string): Promise<Run> {
  const record = await readWrittenRecord(folder);
  const { metricForBestModel, fingerprints, notes, density } = record;
  const { shape } = await readFolderConfig(folder);
  const metricsFile = join(folder, METRICS_FILE);
  const { evaluations, losses } = await readMetrics(metricsFile, await wholeLines(metricsFile));
  const devEvaluations = evaluations.map(
    ({ step, devAccuracy, devLoss }): DevEvaluation => ({ step, accuracy: devAccuracy, loss: devLoss }),
  );
  const best = bestOf(metricForBestModel, evaluations);
  const settings = shownSettings(record, shape);
  return {
    name: folder,
    condition: conditionName(settings),
    seed: `${settings.seed}`,
    evaluations: devEvaluations,
    trainingLosses: losses,
    best: best && devEvaluations[evaluations.indexOf(best)],
    density,
    isFinished: existsSync(join(folder, LAST_FILE)),
    settings,
    adapter: record.adapter ? adapterName(record.adapter) : fingerprints.adapter,
    data: fingerprints.data,
    command: typeof notes.command === 'string' ? notes.command : undefined,
  };
}
