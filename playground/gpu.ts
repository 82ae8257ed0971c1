import type { Device } from '../src/gpu/device.js';
import { openDevice } from '../src/gpu/open-device.js';
import { capital } from '../src/report/page/numbers.js';

/** The page's device, or a text that says why it has none and what to do. */
export type Gpu = { device: Device; trouble?: undefined } | { device?: undefined; trouble: string };

const WITHOUT = 'Tags, pairs and density below need no GPU; the prediction and "Measure" do.';

const BROWSERS =
  'Use a current Chrome or Edge, Firefox 141 or newer on Windows, or Safari 26 or newer. Chrome on Linux also wants ' +
  'chrome://flags/#enable-unsafe-webgpu enabled; in Firefox elsewhere, set dom.webgpu.enabled in about:config.';

/** Opens this browser's GPU. */
export async function openGpu(): Promise<Gpu> {
  if (!window.isSecureContext) {
    return {
      trouble: `Browsers keep WebGPU from pages that came over plain http: open this one under https, or on localhost. ${WITHOUT}`,
    };
  }
  if (!navigator.gpu) return { trouble: `This browser has no WebGPU. ${BROWSERS} ${WITHOUT}` };
  try {
    return { device: await openDevice() };
  } catch (error) {
    return {
      trouble: `${capital((error as Error).message)}. If it has WebGPU: switch hardware acceleration on in its settings and update the graphics driver; chrome://gpu says what is wrong. ${WITHOUT}`,
    };
  }
}

/** The page's message when its device was lost. */
export const LOST = `The GPU was lost: its driver restarted, or the computer slept. Reload the page. ${WITHOUT}`;
