import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CallerError } from '../base/errors.js';
import { type HubName, hubCheckpoint, parseHubName } from '../data/hub-download.js';
import { caseNote } from '../grammar/vocabulary.js';
import { parseIndex, WEIGHTS_FILES } from '../train/hugging-face/weights.js';
import { type StartingPoint, type StartOptions, startFrom } from '../train/starting-point.js';
import { note } from './terminal.js';

/** What a run writes down of the checkpoint that it started from. */
export interface CheckpointRecord extends Partial<HubName> {
  /** What `--init` said. */
  name: string;
  folder: string;
  /** Of a checkpoint of Hugging Face's: what the revision was. */
  commit?: string;
}

/** Fine-tuning wants smaller steps than training from scratch: Hugging Face's own default. */
export const FINE_TUNING_RATE = 5e-5;

/** Flags that say what a checkpoint says itself. */
const SHAPE_FLAGS = ['layers', 'hidden', 'heads', 'feedForward', 'vocab', 'case'];

/** @throws CallerError where a run would write over the checkpoint that it starts from. */
export function refuseOverwriting(init: string, out: string): void {
  if (resolve(init) !== resolve(out)) return;
  throw new CallerError({
    what: '--out is the folder of --init',
    expected: 'another: the checkpoint stays as it is',
  });
}

/** @throws CallerError where a flag of the model's shape stands beside --init. */
export function refuseShapeFlags(command: Command): void {
  const given = SHAPE_FLAGS.find((name) => command.getOptionValueSource(name) === 'cli');
  if (!given) return;
  const flag = command.options.find((option) => option.attributeName() === given)!.long;
  throw new CallerError({
    what: `${flag} beside --init`,
    expected: 'one of them: a checkpoint has a shape and a vocabulary of its own',
  });
}

/**
 * The folder of the checkpoint that `--init` names, a folder or `hub:id@revision`: from the user's cache, or downloaded into it.
 * @throws EngineError where it cannot be downloaded.
 */
export async function checkpointOf(name: string): Promise<CheckpointRecord> {
  const hub = parseHubName(name);
  if (!hub) return { name, folder: resolve(name) };
  const layout = {
    names: WEIGHTS_FILES,
    filesOf: (text: string, file: string) => parseIndex(text, file).values(),
  };
  return { name, ...(await hubCheckpoint(hub, layout, note)) };
}

/** Reads a checkpoint, and tells what was left out or drawn. @throws CallerError where it is none that the engine runs. */
export async function startingPoint(record: CheckpointRecord, options: StartOptions): Promise<StartingPoint> {
  const { name, folder, commit } = record;
  const start = await startFrom(folder, options);
  const { family, layers, hidden } = start.description.config;
  note(`Starting from ${name}${commit ? ` (commit ${commit})` : ''}: ${family}, ${layers} x ${hidden}`);
  const guessed = caseNote(start.description.tokenizer.vocabulary);
  for (const line of [...start.notes, ...(guessed ? [guessed] : [])]) note(`${name}: ${line}`);
  return start;
}
