/** Consecutive columns that one invocation of the kernels takes: ranges are padded to a multiple of it. */
export const QUAD = 4;

/** Consecutive tokens of a sequence, as columns of a tile. */
export interface ColumnRange {
  /** Index of the first token in the layout's order, counted over the whole batch. */
  start: number;
  /** Tokens, without padding. */
  length: number;
}

/** A count padded to quads. */
export function paddedToQuads(count: number): number {
  return Math.ceil(count / QUAD) * QUAD;
}

/** Joins columns, which are added in ascending order, into ranges, and counts them with padding. */
export class RangeJoiner {
  private isMasked = false;
  private ranges: ColumnRange[] | undefined;
  private paddedColumns = 0;
  private start = -1;
  private stop = -1;

  /** @param first The first token of the sequence. @param oneRange Whether all columns are joined, with those between them. */
  constructor(
    private readonly first: number,
    private readonly oneRange = false,
  ) {}

  /** Starts again. @param isMasked Whether the tile needs a mask. @param ranges Receives the ranges, if given. */
  begin(isMasked: boolean, ranges?: ColumnRange[]): void {
    this.isMasked = isMasked;
    this.ranges = ranges;
    this.paddedColumns = 0;
    this.start = -1;
  }

  /** Adds the columns from `low` to `high`, exclusive. */
  add(low: number, high: number): void {
    // A masked tile looks up every pair, so its ranges may start early, at the start of a quad of labels.
    const start = this.isMasked ? low - ((low - this.first) % QUAD) : low;
    if (this.start >= 0) {
      const reach = this.isMasked ? this.start + paddedToQuads(this.stop - this.start) : this.stop;
      if (this.oneRange || (this.isMasked ? start <= reach : start === reach)) {
        this.stop = high;
        return;
      }
      this.close();
    }
    this.start = start;
    this.stop = high;
  }

  /** @returns Columns with every range padded to quads. */
  end(): number {
    if (this.start >= 0) this.close();
    return this.paddedColumns;
  }

  private close(): void {
    this.paddedColumns += paddedToQuads(this.stop - this.start);
    this.ranges?.push({ start: this.start, length: this.stop - this.start });
  }
}
