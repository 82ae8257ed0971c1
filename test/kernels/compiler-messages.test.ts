import { afterEach, describe, expect, it } from 'vitest';
import { kernelModules } from '../../scripts/embed-kernels.mjs';
import { attend } from '../../src/attention/attend.js';
import { type KernelName, originOf, withOrigins } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { testAdapter } from '../support/device.js';

const sources = kernelSources as Record<KernelName, string>;
const original = { ...sources };

afterEach(() => {
  Object.assign(sources, original);
});

describe('messages of compilers', () => {
  it.each(Object.entries(original))('have the module and line of every line of %s', (name, code) => {
    const modules = kernelModules();
    code.split('\n').forEach((text, index) => {
      // Lines that the linker adds, and lines that a condition shortens, have no original.
      if (text.trim() === '' || text.startsWith('// ---- ')) return;
      const [, module, line] = /^kernels\/(.+)\.wesl:(\d+)$/.exec(originOf(name as KernelName, index + 1))!;
      const there = modules.get(module)!.split('\n')[Number(line) - 1];
      if (!there.includes('@')) expect(text).toBe(there);
    });
  });

  it('name the module and its line', async () => {
    const module = kernelModules().get('attention/dropout')!.split('\n');
    const line = module.findIndex((text) => text.startsWith('  return select')) + 1;
    const name = Object.keys(original).find((each) =>
      original[each as KernelName].includes(module[line - 1]),
    )!;
    expect(name).toMatch(/^attention\//);
    const broken = original[name as KernelName].replace(
      module[line - 1],
      module[line - 1].replace('select', 'selected'),
    );
    const lines = broken.split('\n');
    const at = lines.findIndex((text) => text.includes('selected(')) + 1;
    expect(withOrigins(`:${at}:10 error: … ShaderModuleDescriptor "${name} {}"`)).toContain(
      `kernels/attention/dropout.wesl:${line}:10 error`,
    );
  });

  it('reach the caller in one line', async () => {
    // A separate device: an error that no scope captures would fail another test.
    const device = await openDevice({ adapter: testAdapter() });
    try {
      for (const name of Object.keys(sources) as KernelName[]) {
        if (/^attention\/\w+\/dense_forward$/.test(name))
          sources[name] = `${sources[name]}\nfn broken() { missing(); }\n`;
      }
      const numbers = new Float32Array(16);
      const failing = attend(device, {
        q: numbers,
        k: numbers,
        v: numbers,
        mask: AttentionMask.all(),
        heads: 1,
        headDim: 16,
      });
      await expect(failing).rejects.toThrow(
        /kernels\/[\w/]+\.wesl:\d+:\d+ error: unresolved call target 'missing'/,
      );
    } finally {
      device.close();
    }
  });
});
