import { join } from 'node:path';
import { CallerError } from '../../base/errors.js';
import { hashOf } from '../../base/hash.js';
import { type Cell, cellsOf, type Experiment } from './experiment.js';

/** A part of an experiment's cells: every `count`th, starting with that of `index`. */
export interface Shard {
  /** From 0 to `count` - 1. */
  index: number;
  /** Shards that the cells are divided into. */
  count: number;
}

/** Seconds without a sign after which a process counts as dead. */
export const LOCK_SECONDS = 60;

/** The name of a cell: its id for people, and a hash of its settings and data. */
export function cellName({ id, hash }: Cell, data: string): string {
  return `${id}.${hashOf([hash, data])}`;
}

/** The error of a grid that another process cancelled. @param flags The flags of the command that allows it again. */
export function cancelled({ file, name }: Experiment, flags = ''): CallerError {
  return new CallerError({
    what: 'the experiment was cancelled',
    where: file ?? name,
    remedy: `\`parsimony experiment retry FILE${flags}\` allows it again`,
  });
}

/** The folder of the claims on an experiment's cells, and of their failures. */
export function claimsFolder(results: string, experiment: string): string {
  return join(results, experiment, 'claims');
}

/** The cells of these conditions in the order in which a shard runs them: its own first. */
export function orderedCells(experiment: Experiment, only?: readonly string[], shard?: Shard): Cell[] {
  const cells = cellsOf(experiment).filter(({ condition }) => only?.includes(condition) ?? true);
  if (!shard) return cells;
  const isOwn = (_: Cell, at: number) => at % shard.count === shard.index;
  return [...cells.filter(isOwn), ...cells.filter((cell, at) => !isOwn(cell, at))];
}
