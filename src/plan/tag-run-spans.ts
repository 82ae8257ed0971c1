import { NOWHERE } from '../grammar/scope.js';
import { MASK_TAGS, NO_MASK, ONE_TAG } from './key-columns.js';
import { type ColumnRange, RangeJoiner } from './ranges.js';
import type { Sequence, TagRun } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** Bits of a word, one for each run. */
const WORD = 32;

const NONE = new Uint32Array(0);

/**
 * Finds the columns of consecutive rows, as `ColumnFinder` does, where nothing depends on positions: all rows of a tag run then attend
 * to the same columns, and a set of columns is a bit for each run.
 */
export class TagRunSpans {
  private readonly runs: readonly TagRun[];
  /** Words with a bit for every run. A tag has two runs where some of its tokens belong to the document. */
  private readonly words: number;
  /** For each run, in `words` words, the runs that its rows attend to. Then what kernels look up for them. */
  private readonly visible: Uint32Array;
  private readonly masksOf: Uint8Array;
  private readonly joiner: RangeJoiner;
  private first = 0;
  private last = 0;
  // The first word of three sets of runs; most sequences have no more words. `seen`: some row so far attends to the run. `common`: all
  // rows do. `joined`: the set that was joined last, because most tiles have the set of the tile before.
  private seen = 0;
  private common = 0;
  private joined = 0;
  /** The other words of the same sets, one set after the other. */
  private readonly others: Uint32Array;
  private found = NO_MASK;
  private joinedIsMasked = false;
  private joinedColumns = 0;

  constructor(
    { runs, start }: Sequence,
    { size, reach, plain }: Visibility,
    private readonly oneRange = false,
  ) {
    const words = Math.ceil(runs.length / WORD);
    this.runs = runs;
    this.words = words;
    this.visible = new Uint32Array(words * runs.length);
    this.others = words > 1 ? new Uint32Array(3 * words) : NONE;
    this.masksOf = new Uint8Array(runs.length);
    this.joiner = new RangeJoiner(start, oneRange);
    for (let row = 0; row < runs.length; row++) {
      const tableRow = runs[row].tag * size;
      for (let column = 0; column < runs.length; column++) {
        const at = tableRow + runs[column].tag;
        if (reach[at] === NOWHERE) continue;
        this.visible[words * row + (column < WORD ? 0 : Math.floor(column / WORD))] |= 1 << (column % WORD);
        if (plain[at] === 0) this.masksOf[row] = MASK_TAGS;
      }
    }
  }

  /** Starts at a row. */
  from(row: number): void {
    while (this.runs[this.first].start > row) this.first--;
    while (this.endOf(this.first) <= row) this.first++;
    this.last = this.first;
    this.seen = this.common = this.visible[this.words * this.first];
    for (let word = 1; word < this.words; word++) {
      const rowRuns = this.visible[this.words * this.first + word];
      this.others[word] = this.others[this.words + word] = rowRuns;
    }
    this.found = this.masksOf[this.first];
  }

  /** Adds the rows up to `end`, exclusive. */
  through(end: number): void {
    while (this.endOf(this.last) < end) {
      this.last++;
      const rowRuns = this.visible[this.words * this.last];
      this.seen |= rowRuns;
      this.common &= rowRuns;
      for (let word = 1; word < this.words; word++) {
        const other = this.visible[this.words * this.last + word];
        this.others[word] |= other;
        this.others[this.words + word] &= other;
      }
      this.found |= this.masksOf[this.last];
    }
  }

  /** What kernels look up for each pair: NO_MASK, or MASK_TAGS with or without ONE_TAG. */
  get needsMask(): number {
    const found = this.oneRange ? MASK_TAGS : this.found;
    if (this.first === this.last) return found === NO_MASK ? NO_MASK : MASK_TAGS | ONE_TAG;
    const isSame = (this.seen ^ this.common) === 0 && this.areOtherWordsEqual(1);
    return isSame ? found : MASK_TAGS;
  }

  /** Columns with every range padded to quads. @param ranges Receives the ranges, if given. */
  paddedColumns(needsMask: number, ranges?: ColumnRange[]): number {
    const { runs, words, others } = this;
    const isMasked = needsMask !== NO_MASK;
    const isJoined =
      (this.seen ^ this.joined) === 0 && isMasked === this.joinedIsMasked && this.areOtherWordsEqual(2);
    if (isJoined && !ranges) return this.joinedColumns;
    this.joiner.begin(isMasked, ranges);
    for (let word = 0; word < words; word++) {
      const set = word === 0 ? this.seen : others[word];
      const end = Math.min(runs.length, (word + 1) * WORD);
      for (let run = word * WORD; run < end; run++) {
        if (((set >>> (run % WORD)) & 1) === 1) this.joiner.add(runs[run].start, this.endOf(run));
      }
    }
    this.joined = this.seen;
    if (words > 1) others.copyWithin(2 * words, 0, words);
    this.joinedIsMasked = isMasked;
    this.joinedColumns = this.joiner.end();
    return this.joinedColumns;
  }

  /** Whether the other words of the second or the third set equal those of `seen`. */
  private areOtherWordsEqual(set: 1 | 2): boolean {
    for (let word = 1; word < this.words; word++) {
      if (this.others[word] !== this.others[set * this.words + word]) return false;
    }
    return true;
  }

  private endOf(run: number): number {
    return this.runs[run].start + this.runs[run].length;
  }
}
