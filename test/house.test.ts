import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { kernelSources } from '../src/gpu/kernel-sources.generated.js';

const ROOT = join(import.meta.dirname, '..');

/** From top to bottom: a room imports only from rooms above it. `bench` stands between `report` and `cli`. */
const ROOMS = ['gpu', 'grammar', 'plan', 'attention', 'nn', 'data', 'train', 'report', 'bench', 'cli'];

function filesUnder(folder: string, ending: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith(ending) && !file.includes('.generated.'))
    .map((file) => join(folder, file));
}

function roomOf(path: string): string {
  const parts = path.split('/');
  return parts[0] === 'bench' ? 'bench' : parts[1];
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
  it('is linted and formatted', () => {
    const { status, output } = run('@biomejs/biome/bin/biome', 'ci', '--colors=off', '.');
    expect(status, output).toBe(0);
  });

  it('is typed', () => {
    const { status, output } = run('typescript/bin/tsc', '--noEmit');
    expect(status, output).toBe(0);
  });

  it('has no import that runs against the order of its rooms', () => {
    const upward: string[] = [];
    for (const file of [...filesUnder('src', '.ts'), ...filesUnder('bench', '.ts')]) {
      const room = ROOMS.indexOf(roomOf(file));
      if (room < 0) continue;
      for (const [, target] of readFileSync(join(ROOT, file), 'utf8').matchAll(/from '(\.[^']*)'/g)) {
        const imported = ROOMS.indexOf(roomOf(join(file, '..', target)));
        if (imported > room) upward.push(`${file} -> ${target}`);
      }
    }
    expect(upward).toEqual([]);
  });

  it('has no file over 400 lines', () => {
    const files = [...filesUnder('src', '.ts'), ...filesUnder('bench', '.ts'), ...filesUnder('test', '.ts')];
    const long = [...files, ...filesUnder('kernels', '.wgsl')].filter((file) => {
      return readFileSync(join(ROOT, file), 'utf8').split('\n').length > 400;
    });
    expect(long).toEqual([]);
  });
});

describe('the kernels', () => {
  const kernels = Object.entries(kernelSources);

  it.each(kernels)('%s keeps within what every adapter has', (_name, source) => {
    expect([...source.matchAll(/@group\(0\) @binding/g)].length).toBeLessThanOrEqual(8);
    const bytesOf: Record<string, number> = { f32: 4, u32: 4, vec2f: 8, vec4f: 16, vec4u: 16, Rows: 32 };
    let bytes = 0;
    for (const [, type, count] of source.matchAll(/var<workgroup> \w+: array<(\w+), (\d+)>/g)) {
      expect(bytesOf, 'the size of every type in workgroup memory').toHaveProperty(type);
      bytes += bytesOf[type] * Number(count);
    }
    expect([...source.matchAll(/var<workgroup>/g)].length).toBe(
      [...source.matchAll(/var<workgroup> \w+: array</g)].length,
    );
    expect(bytes).toBeLessThanOrEqual(16384);
  });

  it.each(kernels)('%s says what it computes, on what, and who owns what', (_name, source) => {
    const header = source.replace(/^enable .*\n+/, '').split(/\n[^/\n]/)[0];
    for (const heading of ['Buffers (group 0)', 'Grid']) expect(header).toContain(heading);
  });

  it.each(kernels)('%s uses no atomics, and subgroups only where its name says so', (name, source) => {
    const code = source.replace(/\/\/.*$/gm, '');
    expect(code).not.toMatch(/atomic/);
    expect(/subgroup/.test(code)).toBe(name.endsWith('_subgroup'));
  });

  it('that use subgroups have a sibling that does not', () => {
    const names = new Set(kernels.map(([name]) => name));
    const alone = [...names].filter((name) => !names.has(name.replace(/_subgroup$/, '')));
    expect(alone).toEqual([]);
  });
});
