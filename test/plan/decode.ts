import type { Tile } from '../../src/plan/tiles.js';

/**
 * Reads tiles as the kernels do: six words a tile (first row, rows, first range, ranges, slots, tested), two a range
 * (first column, first slot). A range ends where the next one's slots begin, the last one where the tile's slots end.
 */
export function decodedTiles(words: Uint32Array, tilesAt: number, count: number, rangesAt: number): Tile[] {
  return Array.from({ length: count }, (_, index) => {
    const at = tilesAt + 6 * index;
    const [rowStart, rowCount, firstRange, rangeCount, columnCount, tested] = words.subarray(at, at + 6);
    const ranges = Array.from({ length: rangeCount }, (_, range) => {
      const rangeAt = rangesAt + 2 * (firstRange + range);
      const nextSlot = range + 1 < rangeCount ? words[rangeAt + 3] : columnCount;
      return { start: words[rangeAt], length: nextSlot - words[rangeAt + 1] };
    });
    return { rowStart, rowCount, ranges, columnCount, tested: tested === 1 };
  });
}
