import { findAdapter } from '../../src/gpu/driver.js';

/** What a library for browsers finds where it looks for WebGPU. */
interface BrowserShim {
  /** The description of the adapter that was handed out. */
  adapter(): string | undefined;
}

/**
 * Makes Node look like a browser whose only adapter is the one asked for. Libraries look for `navigator.gpu` when they are
 * imported, so this comes before.
 */
export async function shimBrowser(choice: string): Promise<BrowserShim> {
  let description: string | undefined;
  const requestAdapter = async (): Promise<GPUAdapter> => {
    const { adapter } = await findAdapter(choice);
    description = adapter.info.description;
    return adapter;
  };
  // Also puts GPUBufferUsage and its like in place.
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
