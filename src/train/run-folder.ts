import { existsSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CallerError } from '../base/errors.js';
import { isPartialFile } from '../data/atomic-file.js';
import { codeOf } from '../data/file-errors.js';
import { removeFile } from '../data/files.js';
import { LOCK_FILE } from './run-lock.js';
import { RECORD_FILE } from './run-record.js';

export const METRICS_FILE = 'metrics.jsonl';
export const CHECKPOINT_FILE = 'checkpoint.safetensors';
/** The weights of the last step; a folder with them holds a finished run. */
export const LAST_FILE = 'last.safetensors';

/** The content of a run's record until the files that it describes are written. */
export const UNWRITTEN_RECORD = '{ "fingerprints": "not written yet" }\n';

/** The files of a run in the order of their removal. Without the record no run can be resumed; without the weights no model is read. */
const RUN_FILES = [RECORD_FILE, 'model.safetensors', LAST_FILE, CHECKPOINT_FILE, METRICS_FILE];

/** The files of a model's description, as a run writes it. */
const DESCRIPTION_FILES = ['config.json', 'rules.json', 'vocab.txt', 'tokenizer_config.json'];

/** Other files of a model's folder, which a reader would mix with those of a run. */
const OTHER_MODEL_FILES =
  /^((model\.safetensors|pytorch_model\.bin)(\.index\.json)?|(model|pytorch_model)-\d+-of-\d+\.(safetensors|bin)|tokenizer\.json|added_tokens\.json|special_tokens_map\.json)$/;

/** Whether a file is a leftover: ours, or that of a file manager or a network file system. */
function isNothing(name: string): boolean {
  return name === LOCK_FILE || isPartialFile(name) || name === '.DS_Store' || /^\.nfs[0-9a-f]+$/.test(name);
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).filter((name) => !isNothing(name)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    const isFile = codeOf(error) === 'ENOTDIR';
    const noFolder = existsSync(folder) ? 'is not a folder' : 'a part of the path is not a folder';
    throw new CallerError({
      what: isFile ? noFolder : `cannot be read (${codeOf(error)})`,
      where: folder,
      expected: 'a folder, or a path where one can be made',
      remedy: 'choose another path',
    });
  }
}

/** Whether a folder is empty or missing. @throws CallerError where it is not a folder, or cannot be read. */
export async function isEmpty(folder: string): Promise<boolean> {
  return (await namesIn(folder)).length === 0;
}

/** Whether a folder holds the record of a run, of any version. */
function hasRecord(folder: string): boolean {
  try {
    return JSON.parse(readFileSync(join(folder, RECORD_FILE), 'utf8')).fingerprints !== undefined;
  } catch {
    return false;
  }
}

/** Whether a folder's record is that of a run without a step, which has not written all its files. */
export function isUnwritten(folder: string): boolean {
  try {
    return readFileSync(join(folder, RECORD_FILE), 'utf8') === UNWRITTEN_RECORD;
  } catch {
    return false;
  }
}

/** Whether a folder holds an interrupted run with a checkpoint. */
export function isUnfinished(folder: string): boolean {
  return hasRecord(folder) && existsSync(join(folder, CHECKPOINT_FILE));
}

function contentOf(folder: string, names: readonly string[]): string {
  if (hasRecord(folder) && names.includes(LAST_FILE)) return 'holds a finished run';
  const models = names.filter((name) => name === 'config.json' || OTHER_MODEL_FILES.test(name));
  const shown = models.length > 0 ? models : names;
  const more = shown.length > 3 ? ` and ${shown.length - 3} more` : '';
  const listed = `${shown.slice(0, 3).join(', ')}${more}`;
  return models.length > 0 ? `holds a model (${listed})` : `holds other files (${listed})`;
}

/**
 * Checks that a new run in a folder replaces nothing but an unfinished run.
 * @param remedy The remedy of the error.
 * @throws CallerError where the folder holds anything but a run that is not finished.
 */
export async function refuseOccupied(folder: string, remedy: string): Promise<void> {
  const names = await namesIn(folder);
  if (names.length === 0) return;
  const runFiles = new Set([...RUN_FILES, ...DESCRIPTION_FILES]);
  const foreign = names.filter((name) => !runFiles.has(name));
  const isRun = hasRecord(folder) && !names.includes(LAST_FILE);
  if (isRun && foreign.length === 0) return;
  throw new CallerError({
    what: isRun
      ? `holds other files beside a run (${foreign.slice(0, 3).join(', ')})`
      : contentOf(folder, names),
    where: folder,
    expected: 'a folder that is empty or missing, or holds a run that is not finished',
    remedy,
  });
}

/** Removes the run or the model in a folder, and no other files. @throws ParsimonyError where the disk refuses. */
export async function removeModel(folder: string): Promise<void> {
  for (const file of RUN_FILES) await removeFile(join(folder, file));
  for (const name of await namesIn(folder)) {
    if (DESCRIPTION_FILES.includes(name) || OTHER_MODEL_FILES.test(name))
      await removeFile(join(folder, name));
  }
}
