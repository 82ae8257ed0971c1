import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** From top to bottom: a room imports only from rooms above it. Those of `OUTSIDE` stand beside `src`. */
const ROOMS = [
  'base',
  'gpu',
  'grammar',
  'plan',
  'attention',
  'nn',
  'data',
  'train',
  'report',
  'bench',
  'cli',
  'playground',
];

const OUTSIDE = ['bench', 'playground'];

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('.generated.'))
    .map((file) => join(folder, file));
}

function roomOf(path: string): string {
  const parts = path.split('/');
  return OUTSIDE.includes(parts[0]) ? parts[0] : parts[1];
}

function run(script: string, ...args: string[]) {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [join(ROOT, 'node_modules', script), ...args],
    {
      cwd: ROOT,
      encoding: 'utf8',
    },
  );
  return { status, output: stdout + stderr };
}

describe('the house', () => {
  it('is linted and formatted, and has no imports in a circle, types included', () => {
    const { status, output } = run('@biomejs/biome/bin/biome', 'ci', '--colors=off', '.');
    expect(status, output).toBe(0);
  });

  it('is typed', () => {
    const { status, output } = run('typescript/bin/tsc', '--noEmit');
    expect(status, output).toBe(0);
  });

  it('has no import that runs against the order of its rooms', () => {
    const upward: string[] = [];
    for (const file of [...filesUnder('src', '.ts'), ...OUTSIDE.flatMap((room) => filesUnder(room, '.ts'))]) {
      const room = ROOMS.indexOf(roomOf(file));
      if (room < 0) continue;
      for (const [, target] of readFileSync(join(ROOT, file), 'utf8').matchAll(/from '(\.[^']*)'/g)) {
        const imported = ROOMS.indexOf(roomOf(join(file, '..', target)));
        if (imported > room) upward.push(`${file} -> ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it('has no file, export or dependency that nothing uses', () => {
    const { status, output } = run('knip/bin/knip.js', '--no-progress');
    expect(status, output).toBe(0);
  });

  it('has no file over 400 lines', () => {
    const files = ['src', ...OUTSIDE, 'test'].flatMap((folder) => filesUnder(folder, '.ts'));
    const long = [...files, ...filesUnder('kernels', '.wesl')].filter((file) => {
      return readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length > 400;
    });
    expect(long).toEqual([]);
  });
});
