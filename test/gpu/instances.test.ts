import { readdirSync } from 'node:fs';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createStorage, readFloats } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import { adapterNames } from '../../src/gpu/driver.js';
import { embeddedDriverExists } from '../../src/gpu/embedded-driver.js';
import { openDevice } from '../../src/gpu/open-device.js';

const { created } = vi.hoisted(() => ({ created: [] as string[][] }));

vi.mock('webgpu', async (importOriginal) => {
  const webgpu = await importOriginal<typeof import('webgpu')>();
  const create: typeof webgpu.create = (toggles) => {
    created.push(toggles);
    return webgpu.create(toggles);
  };
  return { ...webgpu, create };
});

function resourcesInUse(): { threads: number; files: number } {
  const count = (of: string) => readdirSync(`/proc/self/${of}`).length;
  return { threads: count('task'), files: count('fd') };
}

async function isUsable(device: Device): Promise<boolean> {
  const buffer = createStorage(device, 16, 'test');
  const values = await readFloats(device, buffer, 4);
  device.release(buffer);
  return values.length === 4;
}

describe.runIf(embeddedDriverExists())('devices that are opened one after another', () => {
  const adapter = 'embedded';

  it('share one object of Dawn, and leave neither threads nor files', async () => {
    (await openDevice({ adapter })).close();
    expect(created, 'objects of Dawn that this test counts').toHaveLength(1);
    created.length = 0;
    const before = resourcesInUse();
    for (let time = 0; time < 200; time++) (await openDevice({ adapter })).close();
    expect(created).toEqual([]);
    const { threads, files } = resourcesInUse();
    expect(threads).toBeLessThanOrEqual(before.threads + 3);
    expect(files).toBeLessThanOrEqual(before.files + 3);
  });

  it('open also where the environment was restored after the first', async () => {
    const named = ['VK_DRIVER_FILES', 'VK_ICD_FILENAMES'] as const;
    for (const name of named) delete process.env[name];
    const device = await openDevice({ adapter });
    expect(await isUsable(device)).toBe(true);
    device.close();
    for (const name of named) expect(process.env[name]).toMatch(/vk_swiftshader_icd\.json$/);
  });

  it('may be open at the same time, and are not affected when one is destroyed or lost', async () => {
    const devices = await Promise.all([1, 2, 3, 4].map(() => openDevice({ adapter })));
    devices[0].close();
    devices[1].gpu.destroy();
    expect(await isUsable(devices[2])).toBe(true);
    const next = await openDevice({ adapter });
    expect(await isUsable(next)).toBe(true);
    expect(await isUsable(devices[3])).toBe(true);
    for (const device of [...devices.slice(1), next]) device.close();
  });

  it('have the adapter that was asked for, with one object for each name', async () => {
    const [name] = await adapterNames();
    const part = name.split(' ')[0];
    for (const choice of [part, adapter, part, 'auto', part]) {
      const device = await openDevice({ adapter: choice });
      expect(device.adapter.kind).toBe('embedded software');
      if (choice === part) expect(device.adapter.reason).toBe(`asked for by name ("${part}")`);
      device.close();
    }
    await expect(openDevice({ adapter: 'Voodoo' })).rejects.toThrow(/no adapter has "Voodoo" in its name/);
    await expect(openDevice({ adapter: 'Voodoo' })).rejects.toThrow(/no adapter has "Voodoo" in its name/);
    const toggles = created.map((each) => each.at(-1));
    expect(toggles.length, 'each once').toBe(new Set(toggles).size);
  });

  afterAll(() => {
    vi.doUnmock('webgpu');
  });
});
