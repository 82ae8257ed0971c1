import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** An empty folder that is gone after the test file (or the `describe` block) in which this is called. */
export function temporaryFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'parsimony-test-')));
  afterAll(() => rmSync(folder, { recursive: true }));
  return folder;
}
