import { NOWHERE } from '../grammar/scope.js';
import { ONE_TAG, TEST_TAGS, UNTESTED } from './columns.js';
import { type ColumnRange, RangeJoiner } from './ranges.js';
import type { Run, Sequence } from './runs.js';
import type { Visibility } from './visibility.js';

/** Runs that a word has a bit for. */
const WORD = 32;

/**
 * Finds the columns of consecutive rows, as `ColumnFinder` does, where nothing depends on places: a row then sees the same
 * columns as all others of its run, and what rows see is a bit for each run.
 */
export class RunSpans {
  private readonly runs: readonly Run[];
  /** Words that hold a bit for every run: a tag has two runs where some of its tokens are the document's. */
  private readonly words: number;
  /**
   * Sets of runs, `words` each: for each run those that its rows see; those that some rows so far see; those that all of these
   * see; those that were joined last, for most tiles see what the one before saw. One array, for a batch has many sequences.
   */
  private readonly bits: Uint32Array;
  private readonly seen: number;
  private readonly common: number;
  private readonly joined: number;
  /** For each run, what must be looked up for its rows. */
  private readonly testsOf: Uint8Array;
  private readonly joiner: RangeJoiner;
  private first = 0;
  private last = 0;
  private found = UNTESTED;
  private joinedIsTested = false;
  private joinedSlots = 0;

  constructor({ runs, start }: Sequence, { size, reach, plain }: Visibility) {
    const words = Math.ceil(runs.length / WORD);
    this.runs = runs;
    this.words = words;
    this.seen = words * runs.length;
    this.common = this.seen + words;
    this.joined = this.common + words;
    this.bits = new Uint32Array(this.joined + words);
    this.testsOf = new Uint8Array(runs.length);
    this.joiner = new RangeJoiner(start);
    for (let row = 0; row < runs.length; row++) {
      for (let column = 0; column < runs.length; column++) {
        const at = runs[row].tag * size + runs[column].tag;
        if (reach[at] === NOWHERE) continue;
        this.bits[words * row + Math.floor(column / WORD)] |= 1 << (column % WORD);
        if (plain[at] === 0) this.testsOf[row] = TEST_TAGS;
      }
    }
  }

  /** Begins with a row. */
  from(row: number): void {
    const { bits, words, seen, common } = this;
    while (this.runs[this.first].start > row) this.first--;
    while (this.endOf(this.first) <= row) this.first++;
    this.last = this.first;
    for (let word = 0; word < words; word++) {
      bits[seen + word] = bits[common + word] = bits[words * this.first + word];
    }
    this.found = this.testsOf[this.first];
  }

  /** Goes on to the rows before `end`, which are more than before. */
  through(end: number): void {
    const { bits, words, seen, common } = this;
    while (this.endOf(this.last) < end) {
      this.last++;
      for (let word = 0; word < words; word++) {
        const sight = bits[words * this.last + word];
        bits[seen + word] |= sight;
        bits[common + word] &= sight;
      }
      this.found |= this.testsOf[this.last];
    }
  }

  /** What must be looked up for each pair: UNTESTED, or TEST_TAGS with or without ONE_TAG. */
  get tests(): number {
    if (this.first === this.last) return this.found === UNTESTED ? UNTESTED : TEST_TAGS | ONE_TAG;
    return this.isSeen(this.common) ? this.found : TEST_TAGS;
  }

  /** Columns with every range padded to quads; the ranges are listed where there is a list for them. */
  slots(tests: number, ranges?: ColumnRange[]): number {
    const { bits, words, seen, joined, runs } = this;
    const isTested = tests !== UNTESTED;
    if (!ranges && isTested === this.joinedIsTested && this.isSeen(joined)) return this.joinedSlots;
    this.joiner.begin(isTested, ranges);
    for (let word = 0; word < words; word++) {
      const set = bits[seen + word];
      bits[joined + word] = set;
      const end = Math.min(runs.length, (word + 1) * WORD);
      for (let run = word * WORD; run < end; run++) {
        if (((set >>> (run % WORD)) & 1) === 1) this.joiner.add(runs[run].start, this.endOf(run));
      }
    }
    this.joinedIsTested = isTested;
    this.joinedSlots = this.joiner.end();
    return this.joinedSlots;
  }

  /** Whether a set is that of the runs that some rows see. */
  private isSeen(set: number): boolean {
    const { bits, words, seen } = this;
    for (let word = 0; word < words; word++) if (bits[set + word] !== bits[seen + word]) return false;
    return true;
  }

  private endOf(run: number): number {
    return this.runs[run].start + this.runs[run].length;
  }
}
