import type { Precision } from '../src/base/precision.js';
import { verifySubmits } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';

/** The devices of a run: one for each precision, opened when it is first asked for. */
export class OpenDevices {
  private readonly devices = new Map<Precision, Promise<Device>>();

  constructor(private readonly openOne: (precision: Precision) => Promise<Device>) {}

  /** @throws CallerError where the adapter does not compute in the precision. */
  open(precision: Precision): Promise<Device> {
    const device = this.devices.get(precision) ?? this.openOne(precision);
    this.devices.set(precision, device);
    return device;
  }

  /** Runs an action on a device. What was only timed was never read back, so that its submits are verified. */
  async with<T>(precision: Precision, action: (device: Device) => Promise<T>): Promise<T> {
    const device = await this.open(precision);
    const result = await action(device);
    await verifySubmits(device);
    return result;
  }

  /** Closes all. A driver's error stays with its device: after one, devices are opened again. */
  async close(): Promise<void> {
    const devices = [...this.devices.values()];
    this.devices.clear();
    for (const device of devices) await device.then((open) => open.close()).catch(() => {});
  }
}
