import { describe, expect, it, vi } from 'vitest';
import { tilesOn } from '../../src/attention/kernel-choices.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { hasMatrices, testAdapter, testDevice } from '../support/device.js';

describe("a caller's device", () => {
  it('is not destroyed when it is closed, and its listeners are removed', async () => {
    const { gpu } = await testDevice();
    const destroy = vi.spyOn(gpu, 'destroy');
    const add = vi.spyOn(gpu, 'addEventListener');
    const remove = vi.spyOn(gpu, 'removeEventListener');
    const device = await openDevice({ device: gpu });
    expect(add).toHaveBeenCalledTimes(1);
    expect(remove).not.toHaveBeenCalled();
    device.close();
    expect(remove.mock.calls).toEqual(add.mock.calls);
    expect(destroy).not.toHaveBeenCalled();
    for (const spy of [destroy, add, remove]) spy.mockRestore();
  });
});

describe('precision f16', () => {
  it('is refused on a device that was not opened for it, and on an adapter without subgroup matrices', async () => {
    const device = await testDevice();
    expect(() => tilesOn(device, undefined, 'f16')).toThrow(
      "precision f16 on a device that was not opened for it; expected a device from openDevice({ precision: 'f16' })",
    );
    const opened = openDevice({ device: device.gpu, precision: 'f16' });
    await expect(opened).rejects.toThrow('precision f16 on a device that was not opened for it');
    if (await hasMatrices()) return;
    const refused = openDevice({ adapter: testAdapter(), precision: 'f16' });
    await expect(refused).rejects.toThrow(
      /^precision f16 on the adapter ".+", which offers no subgroup matrices/,
    );
  });
});
