import type { Device } from './device.js';
import type { BufferSlice } from './pipelines.js';
import type { Recorder } from './recorder.js';

/** Bytes to which the rows of a copy from a buffer to a texture are aligned. */
const ROW_ALIGNMENT = 256;

/** Numbers of a texel: one vector. */
const TEXEL = 4;

/** Texels by which a wide texture is made wider: rows that are powers of two apart would fall into the same sets of a cache. */
const SPARE_TEXELS = 4;

/** Texels of a row from which on it is wide. */
const WIDE = 32;

const TEXTURE_BINDING = 0x4;
const STORAGE_BINDING = 0x8;
const COPY_DST = 0x2;

/** A matrix that is read in panels side by side, the heads of an attention say: [rows, panels, width] numbers. */
export interface PanelShape {
  rows: number;
  panels: number;
  /** Numbers of a row of one panel, a multiple of four. */
  width: number;
  /** How many consecutive rows are read together: those of a sequence. */
  span: number;
  /** Whether its kernels know rows abreast. */
  folds?: boolean;
}

/**
 * Rows from which on a panel is a block of its own: these rows of all panels are on more pages of memory than a processor holds
 * the addresses of. Below, the matrix keeps its rows, and is copied at once. Where the blocks would be more rows than a texture
 * has, several rows of a panel are side by side.
 */
const LONG_SPAN = 1024;

/**
 * A matrix in a texture. Software drivers load a vector from a texture at a third of what it costs from a buffer, and read
 * each panel as a block of its own, its rows in order.
 */
export interface Panels extends PanelShape {
  texture: GPUTexture;
  /** Texels of a row of a panel: its vectors, and texels of zeros up to a multiple of four of them. */
  vectors: number;
  /** Panels that are one below the other. Panel p begins at column `floor(p / perColumn) * vectors`, row `p % perColumn * panelRows`. */
  perColumn: number;
  /** Rows of a panel that are side by side, a power of two: row r at column `r % abreast * vectors`, row `floor(r / abreast)`. */
  abreast: number;
  /** Rows of the texture that a panel takes. */
  panelRows: number;
}

/** Rows of a panel that must be side by side for all panels to be blocks one below the other: a power of two. */
function rowsAbreast(side: number, { rows, panels, span, folds }: PanelShape): number {
  let abreast = 1;
  if (!folds || (span < LONG_SPAN && rows <= side)) return abreast;
  while (abreast < rows && Math.ceil(rows / abreast) * panels > side) abreast *= 2;
  return abreast;
}

/** How panels lie in a texture, or undefined where the adapter has none so large. */
function layoutOf(device: Device, shape: PanelShape) {
  const { rows, panels, width, span } = shape;
  const side = device.longestTexture;
  const vectors = Math.ceil(width / TEXEL / 4) * 4;
  const abreast = rowsAbreast(side, shape);
  if (abreast > 1 && abreast * vectors <= side) {
    const panelRows = Math.ceil(rows / abreast);
    const size = { width: abreast * vectors, height: panels * panelRows };
    return { vectors, perColumn: panels, abreast, panelRows, ...size };
  }
  const most = Math.min(panels, Math.floor(side / Math.max(1, rows)));
  if (most === 0) return undefined;
  const perColumn = span < LONG_SPAN ? 1 : most;
  const columns = Math.ceil(panels / perColumn);
  const textureWidth = columns * vectors + (columns * vectors < WIDE ? 0 : SPARE_TEXELS);
  if (textureWidth > side) return undefined;
  const size = { width: textureWidth, height: Math.max(1, perColumn * rows) };
  return { vectors, perColumn, abreast: 1, panelRows: rows, ...size };
}

/** True where panels of this shape find room in a texture of the adapter. */
export function fitsPanels(device: Device, shape: PanelShape): boolean {
  return layoutOf(device, shape) !== undefined;
}

function isShape(a: PanelShape, b: PanelShape): boolean {
  return (
    a.rows === b.rows &&
    a.panels === b.panels &&
    a.width === b.width &&
    a.span === b.span &&
    a.folds === b.folds
  );
}

/** Named textures for panels; they grow when more is asked of them and are used again when not. */
export class PanelWorkspace {
  private readonly current = new Map<string, Panels>();

  constructor(
    private readonly device: Device,
    private readonly label: string,
  ) {}

  /** Panels of a shape that `fitsPanels`. Their content is undefined where they had another shape before. */
  panels(name: string, shape: PanelShape): Panels {
    const last = this.current.get(name);
    if (last && isShape(last, shape)) return last;
    const { width, height, ...layout } = layoutOf(this.device, shape)!;
    let texture = last?.texture;
    if (texture?.width !== width || texture.height < height) {
      // A quarter more than asked for where one grows: batches differ a little in length.
      const room = texture?.width === width ? Math.ceil(1.25 * height) : height;
      if (texture) this.device.retire(texture);
      const size = { width, height: Math.min(this.device.longestTexture, room) };
      const usage = TEXTURE_BINDING | STORAGE_BINDING | COPY_DST;
      texture = this.device.allocateTexture(size, usage, `${this.label}.${name}`);
    }
    const panels = { ...shape, texture, ...layout };
    this.current.set(name, panels);
    return panels;
  }

  release(): void {
    for (const { texture } of this.current.values()) this.device.release(texture);
    this.current.clear();
  }
}

/** Records that panels become a copy of `matrix`, [rows, panels · width] numbers. */
export function recordPanels(recorder: Recorder, matrix: BufferSlice, panels: Panels): void {
  const { rows, width, vectors, perColumn, texture, abreast, panelRows } = panels;
  const bytesPerRow = 4 * panels.panels * width;
  const isWhole = perColumn === 1 && abreast === 1 && TEXEL * vectors === width;
  if (bytesPerRow % ROW_ALIGNMENT === 0 && isWhole) {
    recorder.copyToTexture(
      matrix,
      bytesPerRow,
      texture,
      {},
      { width: panels.panels * vectors, height: rows },
    );
    return;
  }
  if (bytesPerRow % ROW_ALIGNMENT === 0) {
    // One panel after the other within as many rows: the processor still holds the addresses of their pages.
    for (let row = 0; row < Math.min(abreast, rows); row++) {
      for (let panel = 0; panel < panels.panels; panel++) {
        const x = (Math.floor(panel / perColumn) + row) * vectors;
        recorder.copyToTexture(
          { buffer: matrix.buffer, offset: (matrix.offset ?? 0) + 4 * panel * width + bytesPerRow * row },
          bytesPerRow * abreast,
          texture,
          { x, y: (panel % perColumn) * panelRows },
          { width: width / TEXEL, height: Math.ceil((rows - row) / abreast) },
        );
      }
    }
    return;
  }
  recorder.dispatch({
    kernel: 'panels/pack_panels',
    buffers: { matrix, panels: texture },
    parameters: {
      rows,
      panel_count: panels.panels,
      width: width / TEXEL,
      vectors,
      per_column: perColumn,
      abreast,
      panel_rows: panelRows,
    },
    grid: recorder.foldedRows(Math.ceil((panels.panels * vectors) / 8), Math.ceil(rows / 8)),
  });
}
