import { expect } from 'vitest';
import { CallerError } from '../../src/base/errors.js';

/** Characters that end a line in a terminal, or overwrite it. */
export const LINE_BREAK = /[\n\r]/;

/** The CallerError that `action` throws: one line, exit code 2. */
export function callerErrorOf(action: () => unknown): CallerError {
  let thrown: unknown;
  try {
    action();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(CallerError);
  const error = thrown as CallerError;
  expect(error.exitCode).toBe(2);
  expect(error.message).not.toMatch(LINE_BREAK);
  return error;
}
