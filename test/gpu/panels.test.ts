import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readBytes } from '../../src/gpu/buffers.js';
import type { Device } from '../../src/gpu/device.js';
import {
  fitsPanels,
  type PanelShape,
  type Panels,
  PanelWorkspace,
  recordPanels,
} from '../../src/gpu/panels.js';
import { anySeed, runs } from '../support/arbitraries.js';
import { testDevice } from '../support/device.js';
import { type GuardedBuffers, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats } from '../support/random.js';

const COPY_SRC = 0x1;

/** Widths with and without spare texels, and rows whose bytes are and are not aligned as a copy to a texture requires. */
const anyShape: fc.Arbitrary<PanelShape> = fc.record({
  rows: fc.oneof(fc.constantFrom(1, 2, 31, 65), fc.integer({ min: 1, max: 90 })),
  panels: fc.integer({ min: 1, max: 6 }),
  width: fc.oneof(
    fc.constantFrom(16, 20, 32, 64, 68, 128),
    fc.integer({ min: 4, max: 32 }).map((vectors) => 4 * vectors),
  ),
  // Short sequences keep the rows of the matrix, long ones have a block for each panel.
  span: fc.constantFrom(1, 1023, 1024, 5000),
  folds: fc.boolean(),
});

/** A device with textures of this length. */
function withTexturesOf(device: Device, longestTexture: number): Device {
  return Object.create(device, { longestTexture: { value: longestTexture } });
}

/** The numbers of a texture, row by row. */
async function texels({ device }: GuardedBuffers, texture: GPUTexture): Promise<Float32Array[]> {
  const bytesPerRow = Math.ceil((16 * texture.width) / 256) * 256;
  const buffer = device.gpu.createBuffer({ size: bytesPerRow * texture.height, usage: 0x4 | 0x8 });
  const encoder = device.gpu.createCommandEncoder();
  encoder.copyTextureToBuffer({ texture }, { buffer, bytesPerRow }, texture);
  device.submit(encoder);
  const all = new Float32Array(await readBytes(device, buffer, bytesPerRow * texture.height));
  buffer.destroy();
  return Array.from({ length: texture.height }, (_, row) => {
    return all.subarray((row * bytesPerRow) / 4, (row * bytesPerRow) / 4 + 4 * texture.width);
  });
}

/** What the kernels read of a panel: its rows, each followed by texels of zeros. */
function panelOf(rows: Float32Array[], panels: Panels, panel: number): number[] {
  const { perColumn, vectors, abreast, panelRows } = panels;
  return Array.from({ length: panels.rows }, (_, row) => {
    const column = 4 * vectors * (Math.floor(panel / perColumn) + (row % abreast));
    const texels = rows[(panel % perColumn) * panelRows + Math.floor(row / abreast)];
    return [...texels.subarray(column, column + 4 * vectors)];
  }).flat();
}

describe('panels', () => {
  it('hold the matrix that was copied to them, and zeros after each row', async () => {
    let folded = 0;
    const property = fc.asyncProperty(anyShape, anySeed, fc.boolean(), (shape, seed, isShort) =>
      withBuffers(async (buffers, recorder) => {
        const device = isShort ? withTexturesOf(buffers.device, 64) : buffers.device;
        if (!fitsPanels(device, shape)) return;
        const workspace = new PanelWorkspace(device, 'test');
        const made = workspace.panels('matrix', shape);
        const { width, height, usage } = made.texture;
        expect(Math.max(width, height)).toBeLessThanOrEqual(device.longestTexture);
        if (made.abreast > 1) folded++;
        const texture = device.gpu.createTexture({
          size: [width, height],
          format: 'rgba32float',
          usage: usage | COPY_SRC,
        });
        const panels = { ...made, texture };
        const { rows, panels: count, width: numbers } = shape;
        const matrix = randomFloats(generator(seed), rows * count * numbers);
        recordPanels(recorder, { buffer: buffers.input(matrix) }, panels);
        recorder.submit();
        const written = await texels(buffers, texture);
        for (let panel = 0; panel < count; panel++) {
          const expected = Array.from({ length: rows }, (_, row) => {
            const at = (row * count + panel) * numbers;
            return [...matrix.subarray(at, at + numbers), ...new Array(4 * panels.vectors - numbers).fill(0)];
          });
          expect(panelOf(written, panels, panel), `panel ${panel}`).toEqual(expected.flat());
        }
        texture.destroy();
        workspace.release();
      }),
    );
    await fc.assert(property, runs(90, 90));
    expect(folded).toBeGreaterThan(3);
  });

  it('fit where a texture is long enough, and get a new texture only where one must grow', async () => {
    const device = await testDevice();
    const shape = { rows: 40, panels: 2, width: 64, span: 40 };
    expect(fitsPanels(device, { ...shape, rows: device.longestTexture })).toBe(true);
    expect(fitsPanels(device, { ...shape, rows: device.longestTexture + 1 })).toBe(false);
    expect(fitsPanels(device, { ...shape, rows: device.longestTexture + 1, folds: true })).toBe(true);
    expect(fitsPanels(device, { ...shape, panels: device.longestTexture })).toBe(false);
    const before = device.allocatedBytes;
    const workspace = new PanelWorkspace(device, 'test');
    const { texture } = workspace.panels('a', shape);
    expect(workspace.panels('a', { ...shape, rows: 39 }).texture).toBe(texture);
    expect(workspace.panels('a', { ...shape, rows: 41 }).texture).not.toBe(texture);
    expect(workspace.panels('b', shape).texture).not.toBe(texture);
    workspace.release();
    device.submit(device.gpu.createCommandEncoder());
    expect(device.allocatedBytes).toBe(before);
  });
});
