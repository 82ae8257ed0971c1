import { describe, expect, it, vi } from 'vitest';
import { openDevice } from '../../src/gpu/open-device.js';
import { testDevice } from '../support/device.js';

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
