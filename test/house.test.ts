import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type KernelName, readKernel } from '../src/gpu/kernel.js';
import { kernelSources } from '../src/gpu/kernel-sources.generated.js';

const ROOT = join(import.meta.dirname, '..');

/** From top to bottom: a room imports only from rooms above it. Those of `OUTSIDE` stand beside `src`. */
const ROOMS = [
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

/** Bytes of each type that a kernel's arrays may hold: numbers, vectors, and structs of these, aligned as their largest field. */
function typeSizes(source: string): Record<string, number> {
  const sizes: Record<string, number> = { f32: 4, u32: 4, vec2f: 8, vec4f: 16, vec4u: 16 };
  for (const [, name, body] of source.matchAll(/struct (\w+) \{([^}]*)\}/g)) {
    const types = [...body.replace(/\/\/.*/g, '').matchAll(/\w+: (\w+)/g)].map(([, type]) => sizes[type]);
    // The offset of a field is a multiple of its own size, but for those of fewer bytes that come last.
    const bytes = types.reduce((sum, size) => size * Math.ceil(sum / size) + size, 0);
    const alignment = Math.max(...types);
    sizes[name] = alignment * Math.ceil(bytes / alignment);
  }
  return sizes;
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

  it('has no file over 400 lines', () => {
    const files = ['src', ...OUTSIDE, 'test'].flatMap((folder) => filesUnder(folder, '.ts'));
    const long = [...files, ...filesUnder('kernels', '.wgsl')].filter((file) => {
      return readFileSync(join(ROOT, file), 'utf8').trimEnd().split('\n').length > 400;
    });
    expect(long).toEqual([]);
  });
});

describe('the kernels', () => {
  const kernels = Object.entries(kernelSources) as [KernelName, string][];

  it.each(kernels)('%s keeps within what every adapter has', (_name, source) => {
    const bindings = [
      ...source.matchAll(/@group\(0\) @binding\(\d+\)\s+var(<storage, read(?:_write)?>)? (\w+: \w+)/g),
    ];
    const buffers = bindings.filter(([, storage]) => storage);
    const textures = bindings.filter(([, storage, type]) => !storage && /: texture_storage_2d$/.test(type));
    expect(buffers.length + textures.length, 'every binding is a buffer or a storage texture').toBe(
      [...source.matchAll(/@group\(0\)/g)].length,
    );
    expect(buffers.length).toBeLessThanOrEqual(8);
    expect(textures.length).toBeLessThanOrEqual(4);
    const sizes = typeSizes(source);
    let bytes = 0;
    for (const [, type, count] of source.matchAll(/var<workgroup> \w+: array<(\w+), (\d+)>/g)) {
      expect(sizes, 'the size of every type in workgroup memory').toHaveProperty(type);
      bytes += sizes[type] * Number(count);
    }
    expect([...source.matchAll(/var<workgroup>/g)].length).toBe(
      [...source.matchAll(/var<workgroup> \w+: array</g)].length,
    );
    expect(bytes).toBeLessThanOrEqual(16384);
  });

  it.each(kernels)('%s has parameters that the loader reads', (name, source) => {
    const body = /struct Parameters \{([^}]*)\}/.exec(source)?.[1].replace(/\/\/.*/g, '') ?? '';
    const fields = body.split(',').filter((field) => field.trim() !== '');
    expect(readKernel(name).parameters.map(({ name: field, type }) => `${field}: ${type}`)).toEqual(
      fields.map((field) => field.trim()),
    );
  });

  it.each(kernels)('%s says what it computes, on what, and who owns what', (_name, source) => {
    const header = source.split(/^(?!\/\/|enable |diagnostic\(|$)/m)[0];
    for (const heading of [/^\/\/ (Buffers|Bindings) \(group 0\)$/m, /^\/\/ Grid /m])
      expect(header).toMatch(heading);
  });

  it.each(kernels)('%s uses no atomics, and subgroups only where its name says so', (name, source) => {
    const code = source.replace(/\/\/.*$/gm, '');
    expect(code).not.toMatch(/atomic/);
    expect(/subgroup/.test(code)).toBe(name.endsWith('_subgroup'));
  });

  it('that use subgroups have a sibling that does not', () => {
    const names = new Set<string>(kernels.map(([name]) => name));
    const alone = [...names].filter((name) => {
      const siblings = ['', '_wide'].map((suffix) => name.replace(/_subgroup$/, suffix));
      return !siblings.some((sibling) => names.has(sibling));
    });
    expect(alone).toEqual([]);
  });
});
