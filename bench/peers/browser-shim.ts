import { findAdapter } from '../../src/gpu/driver.js';

/** The WebGPU of a browser, for a library that looks for it. */
interface BrowserShim {
  /** The description of the adapter that the library opened. */
  adapter(): string | undefined;
}

/**
 * Makes Node look like a browser with one adapter. Libraries look for `navigator.gpu` when they are imported, so call this first.
 */
export async function shimBrowser(choice: string): Promise<BrowserShim> {
  let description: string | undefined;
  const requestAdapter = async (): Promise<GPUAdapter> => {
    const { adapter } = await findAdapter(choice);
    description = adapter.info.description;
    return adapter;
  };
  // This also defines GPUBufferUsage and the other globals of WebGPU.
  await requestAdapter();
  const gpu = {
    requestAdapter,
    getPreferredCanvasFormat: () => 'bgra8unorm',
    wgslLanguageFeatures: new Set<string>(),
  };
  const navigator = { gpu, userAgent: 'node', hardwareConcurrency: 2 };
  // Newer versions of Node have a navigator of their own that cannot be assigned to.
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true });
  return { adapter: () => description };
}
