import type { Device } from './device.js';
import type { BufferSlice } from './pipelines.js';
import type { Recorder } from './recorder.js';

/** Bytes to which the rows of a copy from a buffer to a texture are aligned. */
const ROW_ALIGNMENT = 256;

/** Numbers of a texel: one vector. */
const TEXEL = 4;

/** Texels that widen a wide texture: rows at distances of powers of two would compete for the same sets of a cache. */
const SPARE_TEXELS = 4;

/** The fewest texels of a wide row. */
const WIDE = 32;

const TEXTURE_BINDING = 0x4;
const STORAGE_BINDING = 0x8;
const COPY_DST = 0x2;

/** A matrix that is read in panels side by side, such as the heads of an attention: [rows, panels, width] numbers. */
export interface PanelShape {
  rows: number;
  panels: number;
  /** Numbers of a row of one panel, a multiple of four. */
  width: number;
  /** Consecutive rows that are read together: those of a sequence. */
  span: number;
  /** Whether its kernels support several rows of a panel side by side. */
  folds?: boolean;
}

/**
 * The fewest rows for which each panel is a separate block: the rows of all panels are then on more pages of memory than a processor
 * holds addresses of. With fewer rows, the texture has the rows of the matrix, and one copy suffices. Where the blocks need more rows
 * than a texture has, several rows of a panel are side by side.
 */
const LONG_SPAN = 1024;

/**
 * A matrix in a texture. On software drivers a vector from a texture costs a third of one from a buffer, and each panel is a separate
 * block whose rows are read in order.
 */
export interface Panels extends PanelShape {
  texture: GPUTexture;
  /** Texels of a row of a panel: its vectors, and texels of zeros up to a multiple of four of them. */
  vectors: number;
  /** Panels of a column of panels. Panel p starts at column `floor(p / perColumn) * vectors`, row `p % perColumn * panelRows`. */
  perColumn: number;
  /** Rows of a panel that are side by side, a power of two: row r at column `r % abreast * vectors`, row `floor(r / abreast)`. */
  abreast: number;
  /** Rows of the texture that a panel takes. */
  panelRows: number;
}

/** Rows of a panel that must be side by side so that all panels fit one column of blocks: a power of two. */
function rowsAbreast(side: number, { rows, panels, span, folds }: PanelShape): number {
  let abreast = 1;
  if (!folds || (span < LONG_SPAN && rows <= side)) return abreast;
  while (abreast < rows && Math.ceil(rows / abreast) * panels > side) abreast *= 2;
  return abreast;
}

/** The layout of panels in a texture, or undefined where the adapter has no texture large enough. */
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

/** Whether panels of this shape fit a texture of the adapter. */
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

/** Named textures for panels that are reused, and grow where a caller needs more. */
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
      // A growing texture gets a quarter more than requested: batches differ a little in length.
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

/** Records a copy of `matrix`, [rows, panels · width] numbers, into panels. */
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
    // Panel after panel for the same rows: the processor still holds the addresses of their pages.
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
