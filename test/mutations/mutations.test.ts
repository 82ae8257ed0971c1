import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { MUTATIONS } from './mutations.mjs';

const ROOT = join(import.meta.dirname, '../..');

it.each(MUTATIONS.map((mutation) => [mutation.name, mutation] as const))(
  'the mutation can still be made: %s',
  (_name, { file, find, tests }) => {
    expect(readFileSync(join(ROOT, file), 'utf8').split(find)).toHaveLength(2);
    expect(existsSync(join(ROOT, tests))).toBe(true);
  },
);
