import { NOWHERE } from '../grammar/scope.js';
import { ONE_TAG, TEST_TAGS, UNTESTED } from './columns.js';
import { type ColumnRange, RangeJoiner } from './ranges.js';
import type { Run, Sequence } from './runs.js';
import type { Visibility } from './visibility.js';

const WORD = 32;

/**
 * Finds the columns of consecutive rows, as `ColumnFinder` does, where nothing depends on places: a row then sees the same
 * columns as all others of its run, each tag has one run, and what rows see are a few bits.
 */
export class RunSpans {
  private readonly runs: readonly Run[];
  // A bit for each run: those that the rows of a run see, two words a run. And what must be looked up for them.
  private readonly sights: Uint32Array;
  private readonly testsOf: Uint8Array;
  private readonly joiner: RangeJoiner;
  private first = 0;
  private last = 0;
  // Seen by some rows so far, and by all of them.
  private low = 0;
  private high = 0;
  private commonLow = 0;
  private commonHigh = 0;
  private found = UNTESTED;
  // What was joined last: most tiles see what the one before saw.
  private joinedLow = 0;
  private joinedHigh = 0;
  private joinedIsTested = false;
  private joinedSlots = 0;

  constructor({ runs, start }: Sequence, { size, reach, plain }: Visibility) {
    this.runs = runs;
    this.sights = new Uint32Array(2 * runs.length);
    this.testsOf = new Uint8Array(runs.length);
    this.joiner = new RangeJoiner(start);
    for (let row = 0; row < runs.length; row++) {
      for (let column = 0; column < runs.length; column++) {
        const at = runs[row].tag * size + runs[column].tag;
        if (reach[at] === NOWHERE) continue;
        this.sights[2 * row + (column < WORD ? 0 : 1)] |= 1 << (column % WORD);
        if (plain[at] === 0) this.testsOf[row] = TEST_TAGS;
      }
    }
  }

  /** Begins anew, at a row. */
  from(row: number): void {
    while (this.runs[this.first].start > row) this.first--;
    while (this.endOf(this.first) <= row) this.first++;
    this.last = this.first;
    this.low = this.commonLow = this.sights[2 * this.first];
    this.high = this.commonHigh = this.sights[2 * this.first + 1];
    this.found = this.testsOf[this.first];
  }

  /** Goes on to the rows before `end`, which are more than before. */
  through(end: number): void {
    while (this.endOf(this.last) < end) {
      this.last++;
      const [low, high] = [this.sights[2 * this.last], this.sights[2 * this.last + 1]];
      this.low |= low;
      this.high |= high;
      this.commonLow &= low;
      this.commonHigh &= high;
      this.found |= this.testsOf[this.last];
    }
  }

  /** What must be looked up for each pair: UNTESTED, or TEST_TAGS with or without ONE_TAG. */
  get tests(): number {
    if (this.first === this.last) return this.found === UNTESTED ? UNTESTED : TEST_TAGS | ONE_TAG;
    const isSame = (this.low ^ this.commonLow) === 0 && (this.high ^ this.commonHigh) === 0;
    return isSame ? this.found : TEST_TAGS;
  }

  /** Columns with every range padded to quads; the ranges are listed where there is a list for them. */
  slots(tests: number, ranges?: ColumnRange[]): number {
    const { low, high } = this;
    const isTested = tests !== UNTESTED;
    const isJoined = low === this.joinedLow && high === this.joinedHigh && isTested === this.joinedIsTested;
    if (isJoined && !ranges) return this.joinedSlots;
    this.joiner.begin(isTested, ranges);
    for (let run = 0; run < this.runs.length; run++) {
      if ((((run < WORD ? low : high) >>> (run % WORD)) & 1) === 0) continue;
      this.joiner.add(this.runs[run].start, this.endOf(run));
    }
    this.joinedLow = low;
    this.joinedHigh = high;
    this.joinedIsTested = isTested;
    this.joinedSlots = this.joiner.end();
    return this.joinedSlots;
  }

  private endOf(run: number): number {
    return this.runs[run].start + this.runs[run].length;
  }
}
