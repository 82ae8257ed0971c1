import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readText, writeWhole } from '../../data/files.js';
import { CallerError } from '../../gpu/errors.js';
import type { Cell } from './cells.js';
import type { Settings } from './file.js';

/** What a model did on dev at one step. */
export interface Reading {
  epoch: number;
  step: number;
  accuracy: number;
  loss: number;
  f1: number;
  matthews: number;
}

/** A reading with the rows that it got right: a digit a row, 1 or 0. The data itself is nowhere in a result. */
export interface MarkedReading extends Reading {
  marks: string;
}

/** What one finished run of an experiment came to: kept, so that later seeds need not run the old ones again. */
export interface CellResult {
  experiment: string;
  contender: string;
  point: Settings;
  /** Where the data lay and which adapter ran are no part of them. */
  settings: Settings;
  hash: string;
  /** Of the training and dev examples. */
  data: string;
  adapter: string;
  /** Share of dev's pairs that existed. */
  density: number;
  evaluations: Reading[];
  best: MarkedReading;
  last: MarkedReading;
  tokensPerSecond: number;
  seconds: number;
}

/** Where a cell's result is kept. */
export function resultFile(folder: string, experiment: string, { id }: Cell): string {
  return join(folder, experiment, `${id}.json`);
}

/**
 * A cell's result, or undefined where it has none yet, or one of other settings.
 * @throws CallerError where the file is no result.
 */
export async function readResult(file: string, { hash }: Cell): Promise<CellResult | undefined> {
  if (!existsSync(file)) return undefined;
  const result = parseResult(await readText(file), file);
  return result.hash === hash ? result : undefined;
}

/** Parses what `writeResult` wrote. @throws CallerError where the text is no result. */
export function parseResult(text: string, file: string): CellResult {
  try {
    const result = JSON.parse(text) as CellResult;
    if (typeof result.hash === 'string' && typeof result.best.marks === 'string' && result.last.marks) {
      return result;
    }
  } catch {
    // Told below, as every other content that is no result.
  }
  throw new CallerError({
    what: 'no result of an experiment',
    where: file,
    expected: 'a file that `parsimony experiment` wrote',
    remedy: 'delete it: the run is made again',
  });
}

/** Keeps a result. @throws EngineError where the disk refuses. */
export async function writeResult(file: string, result: CellResult): Promise<void> {
  await writeWhole(file, `${JSON.stringify(result)}\n`);
}
