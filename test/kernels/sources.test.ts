import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { PassName } from '../../src/attention/families/family.js';
import { matrixFamily } from '../../src/attention/families/matrix.js';
import type { Device } from '../../src/gpu/device.js';
import { type KernelName, readKernel } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';

/** The size and alignment of a type, in bytes. */
interface Layout {
  size: number;
  alignment: number;
}

const TYPE = /(?:array<)*\w+(?:, [^,>]+>)*/;

/** Layouts of the types of a kernel: numbers, vectors, matrices, structs and arrays of them (WGSL, section 14.4). */
function layoutsOf(source: string): (type: string) => Layout {
  const basicTypes: Record<string, Layout> = {
    f32: { size: 4, alignment: 4 },
    u32: { size: 4, alignment: 4 },
    bool: { size: 4, alignment: 4 },
    vec2f: { size: 8, alignment: 8 },
    vec4f: { size: 16, alignment: 16 },
    vec4u: { size: 16, alignment: 16 },
    mat4x4f: { size: 64, alignment: 16 },
    // An alias of vec4<f16>.
    Half4: { size: 8, alignment: 8 },
  };
  const up = (bytes: number, alignment: number) => alignment * Math.ceil(bytes / alignment);
  const bodies = new Map(
    [...source.matchAll(/struct (\w+) \{([^}]*)\}/g)].map(([, name, body]) => [name, body]),
  );
  /** The value of an expression of constants. */
  const valued = (expression: string): number =>
    runInNewContext(numbersOf(expression), { max: Math.max, min: Math.min });
  const numbersOf = (expression: string): string =>
    expression
      .replace(/\b[A-Z]\w*\b/g, (name) => {
        return `(${numbersOf(new RegExp(`^const ${name} = ([^;]+);`, 'm').exec(source)![1])})`;
      })
      .replace(/\b(\d+)u\b/g, '$1');
  const layoutOf = (type: string): Layout => {
    const [, element, count] = /^array<(.+), ([^,]+)>$/.exec(type) ?? [];
    if (element) {
      const { size, alignment } = layoutOf(element);
      return { size: valued(count) * up(size, alignment), alignment };
    }
    const body = bodies.get(type);
    if (!body) {
      expect(basicTypes, 'the layout of every type in workgroup memory').toHaveProperty(type);
      return basicTypes[type];
    }
    const fields = [...body.replace(/\/\/.*/g, '').matchAll(new RegExp(`\\w+: (${TYPE.source})`, 'g'))];
    const types = fields.map(([, field]) => layoutOf(field));
    const alignment = Math.max(...types.map((field) => field.alignment));
    const bytes = types.reduce((sum, field) => up(sum, field.alignment) + field.size, 0);
    return { size: up(bytes, alignment), alignment };
  };
  return layoutOf;
}

/** The bytes of workgroup memory of a kernel. */
function sharedBytes(source: string): number {
  const layoutOf = layoutsOf(source);
  const shared = [...source.matchAll(new RegExp(`var<workgroup> \\w+: (${TYPE.source});`, 'g'))];
  expect(shared.length).toBe([...source.matchAll(/var<workgroup>/g)].length);
  // Each starts at a multiple of its type's alignment, which is at most 16.
  return shared.reduce((sum, [, type]) => sum + 16 * Math.ceil(layoutOf(type).size / 16), 0);
}

/** The texts of a kernel for heads of several widths, or its only text where it does not depend on the width. */
function widthsOf(name: KernelName, source: string): string[] {
  const [, pass] = /^attention\/matrix\/\w+?_(\w+)$/.exec(name) ?? [];
  if (!pass) return [source];
  const device = { matrices: { m: 16, n: 16, k: 16, lanes: 32 }, isSoftware: false } as Device;
  const { kernelOf } = matrixFamily(device, 0)!;
  return [32, 64, 128].map((headDim) => {
    const { constants } = kernelOf({
      name: pass as PassName,
      headDim,
      heads: { table: undefined, bits: undefined, isFull: true },
      positional: false,
      rows: 32,
    });
    return readKernel(name, constants).code;
  });
}

describe('the kernels', () => {
  const kernels = Object.entries(kernelSources) as [KernelName, string][];

  it.each(kernels)('%s needs no more than every adapter has', (name, source) => {
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
    for (const code of widthsOf(name, source)) expect(sharedBytes(code)).toBeLessThanOrEqual(16384);
  });

  it.each(kernels)('%s has parameters that the loader reads', (name, source) => {
    const body = /struct Parameters \{([^}]*)\}/.exec(source)?.[1].replace(/\/\/.*/g, '') ?? '';
    const fields = body.split(',').filter((field) => field.trim() !== '');
    expect(readKernel(name).parameters.map(({ name: field, type }) => `${field}: ${type}`)).toEqual(
      fields.map((field) => field.trim()),
    );
  });

  it.each(kernels)('%s has a header with its buffers and its grid', (_name, source) => {
    const header = source.split(/^(?!\/\/|enable |diagnostic\(|$)/m)[0];
    for (const heading of [/^\/\/ (Buffers|Bindings) \(group 0\)$/m, /^\/\/ Grid /m])
      expect(header).toMatch(heading);
  });

  it.each(kernels)('%s uses no atomics, and subgroups only where its name says so', (name, source) => {
    const code = source.replace(/\/\/.*$/gm, '');
    expect(code).not.toMatch(/atomic/);
    expect(/subgroup/.test(code)).toBe(/\/(subgroup|matrix)\//.test(name));
  });

  it('with subgroups each have a counterpart without', () => {
    const names = new Set<string>(kernels.map(([name]) => name));
    const alone = [...names].filter((name) => {
      return !names.has(name.replace(/\/(subgroup|matrix)\//, '/wide/'));
    });
    expect(alone).toEqual([]);
  });
});
