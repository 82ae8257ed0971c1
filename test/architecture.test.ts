import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '..');

/** In order: a folder imports only from itself and from folders above it. Those of `OUTSIDE` are beside `src`. */
const FOLDERS = [
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

function folderOf(path: string): string {
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

describe('the architecture', () => {
  it('is linted and formatted, and has no import cycles, not even of types', () => {
    const { status, output } = run('@biomejs/biome/bin/biome', 'ci', '--colors=off', '.');
    expect(status, output).toBe(0);
  });

  it('passes the type checker', () => {
    // More checkers take more CPU time.
    const { status, output } = run('typescript/bin/tsc', '--noEmit', '--checkers', '1');
    expect(status, output).toBe(0);
  });

  it('imports only from folders above', () => {
    const upward: string[] = [];
    for (const file of [
      ...filesUnder('src', '.ts'),
      ...OUTSIDE.flatMap((folder) => filesUnder(folder, '.ts')),
    ]) {
      const position = FOLDERS.indexOf(folderOf(file));
      if (position < 0) continue;
      for (const [, target] of readFileSync(join(ROOT, file), 'utf8').matchAll(/from '(\.[^']*)'/g)) {
        const imported = FOLDERS.indexOf(folderOf(join(file, '..', target)));
        if (imported > position) upward.push(`${file} -> ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it('starts the command line without the files of any command, which take half a second to load', () => {
    const reached = new Set(['src/cli/main.ts']);
    for (const file of reached) {
      const imports = /^(?:import|export) (?!type )[^;]*?from '(\.[^']*)\.js'/gm;
      for (const [, target] of readFileSync(join(ROOT, file), 'utf8').matchAll(imports))
        reached.add(join(file, '..', `${target}.ts`));
    }
    expect(new Set([...reached].map(folderOf))).toEqual(new Set(['cli', 'base', 'data']));
  });

  it('has no two files of one name', () => {
    const files = ['src', ...OUTSIDE].flatMap((folder) => filesUnder(folder, '.ts'));
    const names = files.map((file) => basename(file));
    expect(
      files.filter((_, index) => names.indexOf(names[index]) !== names.lastIndexOf(names[index])),
    ).toEqual([]);
  });

  it('has no file over 400 lines', () => {
    const files = ['src', ...OUTSIDE, 'test'].flatMap((folder) => filesUnder(folder, '.ts'));
    const long = [...files, ...filesUnder('kernels', '.wesl')].filter((file) => {
      return readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length > 400;
    });
    expect(long).toEqual([]);
  });
});
