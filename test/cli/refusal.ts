import { expect } from 'vitest';
import type { CommandResult } from '../support/run-command.js';

/** The caller's mistake, and ours or the machine's. */
export const CALLER = 2;
export const OURS = 1;

/** Lines on standard error although nothing is wrong: what a command is about to do, and on which adapter. */
const NOTES = /^(Training \w+ on |Classes, with |No GPU or system driver found: )/;

/** Lines of standard error other than notes. */
export function complaints({ stderr }: CommandResult, notes = NOTES): string[] {
  return stderr.split('\n').filter((line) => line !== '' && !notes.test(line));
}

/**
 * Expects that a command refused its input with one line and no result.
 * @param says The line after `parsimony: `.
 */
export function expectRefusal(result: CommandResult, exitCode: number, says: RegExp): void {
  const lines = complaints(result);
  expect(lines, result.stderr).toHaveLength(1);
  expect(lines[0].startsWith('parsimony: '), lines[0]).toBe(true);
  expect(lines[0].slice('parsimony: '.length)).toMatch(says);
  expect(result.stderr.endsWith('\n'), 'the line is ended').toBe(true);
  expect(result.stdout).toBe('');
  expect(result.status).toBe(exitCode);
}
