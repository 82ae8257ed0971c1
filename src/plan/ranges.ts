/** Slots of columns that one invocation of the kernels takes, always tokens one behind another: ranges are padded to it. */
export const QUAD = 4;

/** A part of a sequence's tokens, as the columns of a tile. */
export interface ColumnRange {
  start: number;
  length: number;
}

/** A count padded to quads. */
export function paddedToQuads(count: number): number {
  return Math.ceil(count / QUAD) * QUAD;
}

/** Joins columns, which come in their order, to ranges, and counts their paddedColumns. */
export class RangeJoiner {
  private isMasked = false;
  private ranges: ColumnRange[] | undefined;
  private paddedColumns = 0;
  private start = -1;
  private stop = -1;

  /** @param first The first token of the sequence. */
  constructor(private readonly first: number) {}

  /** Begins anew. @param ranges Where the ranges are listed, if anywhere. */
  begin(isMasked: boolean, ranges?: ColumnRange[]): void {
    this.isMasked = isMasked;
    this.ranges = ranges;
    this.paddedColumns = 0;
    this.start = -1;
  }

  /** Adds the columns from `low` up to before `high`. */
  add(low: number, high: number): void {
    // A tested tile looks up every pair, so its ranges may begin early, where a quad of labels begins.
    const start = this.isMasked ? low - ((low - this.first) % QUAD) : low;
    if (this.start >= 0) {
      const reach = this.isMasked ? this.start + paddedToQuads(this.stop - this.start) : this.stop;
      if (this.isMasked ? start <= reach : start === reach) {
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
