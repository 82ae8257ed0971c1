import { EVERYWHERE, NO_SENTENCE, NOWHERE, reachesSentence, windowOf } from '../grammar/scope.js';
import { type Run, type RunGroups, runGroups, type Sequence, type SortedBatch } from './runs.js';
import type { Visibility } from './visibility.js';

/** Slots of columns that one invocation of the kernels takes, always tokens one behind another: ranges are padded to it. */
export const QUAD = 4;

/** A part of a sequence's tokens, as the columns of a tile. */
export interface ColumnRange {
  start: number;
  length: number;
}

/** What a kernel must look up for each pair of a tile: nothing, its bias, or its bias and where its tokens stand. */
export const UNTESTED = 0;
export const TEST_TAGS = 1;
export const TEST_PLACES = 2;

/** All columns that some rows see. */
export interface Columns {
  ranges: ColumnRange[];
  /** Columns with every range padded to quads. */
  slots: number;
  /** UNTESTED, or the sum of TEST_TAGS and TEST_PLACES. */
  tests: number;
}

function padded(length: number): number {
  return Math.ceil(length / QUAD) * QUAD;
}

/** The first of the ascending `values[start .. end - 1]` that is not below `least`, or `end`. */
function firstFrom(values: Uint32Array, start: number, end: number, least: number): number {
  let low = start;
  let high = end;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] < least) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Finds the columns that consecutive rows of one sequence see. */
export class ColumnFinder {
  private readonly runs: readonly Run[];
  /** For each token of the sequence, the run it is in. */
  private readonly runOfToken: Uint32Array;
  /** For each tag, the runs that a row of it may see, whatever their sentence. */
  private readonly visible: number[][];
  private readonly groups: RunGroups | undefined;
  // What the last scan found: for each run that is seen, its columns and by how many segments of rows it is seen.
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly seenBy: Uint32Array;
  private readonly stamps: Uint32Array;
  private stamp = 0;
  private readonly seen: number[] = [];
  private tests = UNTESTED;
  private low = 0;
  private high = 0;

  constructor(
    private readonly batch: SortedBatch,
    private readonly sequence: Sequence,
    private readonly visibility: Visibility,
  ) {
    const { runs } = sequence;
    this.runs = runs;
    this.runOfToken = new Uint32Array(sequence.length);
    runs.forEach(({ start, length }, run) => {
      this.runOfToken.fill(run, start - sequence.start, start - sequence.start + length);
    });
    const { size, reach } = visibility;
    this.visible = Array.from({ length: size }, (_, tag) => {
      return runs.flatMap((run, index) => (reach[tag * size + run.tag] === NOWHERE ? [] : [index]));
    });
    this.groups = sequence.bySentence ? runGroups(runs) : undefined;
    this.lows = new Uint32Array(runs.length);
    this.highs = new Uint32Array(runs.length);
    this.seenBy = new Uint32Array(runs.length);
    this.stamps = new Uint32Array(runs.length);
  }

  /** The run that a token is in, by its place in the sequence. */
  runOf(token: number): number {
    return this.runOfToken[token - this.sequence.start];
  }

  /** The columns of rows `begin` to `end - 1`. */
  columns(begin: number, end: number): Columns {
    const ranges: ColumnRange[] = [];
    const slots = this.walk(begin, end, ranges);
    return { ranges, slots, tests: this.tests };
  }

  /** The slots of these rows' columns, and whether they must be tested, without a list of them. */
  measure(begin: number, end: number): { slots: number; tests: number } {
    return { slots: this.walk(begin, end, undefined), tests: this.tests };
  }

  private walk(begin: number, end: number, ranges: ColumnRange[] | undefined): number {
    this.scan(begin, end);
    const { seen, lows, highs } = this;
    const first = this.sequence.start;
    const tested = this.tests !== UNTESTED;
    let slots = 0;
    let start = -1;
    let stop = -1;
    const close = () => {
      if (start < 0) return;
      slots += padded(stop - start);
      ranges?.push({ start, length: stop - start });
    };
    for (const run of seen) {
      // A tested tile looks up every pair, so its ranges may begin early, where a quad of labels begins.
      const low = tested ? lows[run] - ((lows[run] - first) % QUAD) : lows[run];
      const joins = start >= 0 && (tested ? low <= start + padded(stop - start) : low === stop);
      if (joins) {
        stop = highs[run];
        continue;
      }
      close();
      start = low;
      stop = highs[run];
    }
    close();
    return slots;
  }

  private scan(begin: number, end: number): void {
    this.stamp++;
    this.seen.length = 0;
    this.tests = UNTESTED;
    let segments = 0;
    let ragged = false;
    for (
      let run = this.runOf(begin);
      run < this.runs.length && this.runs[run].start < end;
      run++
    ) {
      const { start, length } = this.runs[run];
      const from = Math.max(begin, start);
      const to = Math.min(end, start + length);
      segments++;
      ragged = this.scanSegment(run, from, to) || ragged;
    }
    if (segments > 1) {
      if (this.seen.some((run) => this.seenBy[run] !== segments)) this.tests |= TEST_TAGS;
      if (ragged) this.tests |= TEST_PLACES;
      this.seen.sort((a, b) => a - b);
    }
    // A tested tile's ranges may begin early, at tokens that only their places tell from the others of their tag.
    if (this.tests !== UNTESTED && this.visibility.placed) this.tests = TEST_TAGS | TEST_PLACES;
  }

  /** Adds what rows of one run see. @returns Whether they see another part of a run than the rows before them. */
  private scanSegment(rowRun: number, from: number, to: number): boolean {
    const { tag } = this.runs[rowRun];
    const { size, reach, plain } = this.visibility;
    let ragged = false;
    const add = (run: number) => {
      const at = tag * size + this.runs[run].tag;
      if (reach[at] === NOWHERE || !this.within(rowRun, from, to, run, reach[at])) return;
      if (plain[at] === 0) this.tests |= TEST_TAGS;
      if (this.stamps[run] !== this.stamp) {
        this.stamps[run] = this.stamp;
        this.lows[run] = this.low;
        this.highs[run] = this.high;
        this.seenBy[run] = 1;
        this.seen.push(run);
        return;
      }
      if (this.lows[run] !== this.low || this.highs[run] !== this.high) ragged = true;
      this.lows[run] = Math.min(this.lows[run], this.low);
      this.highs[run] = Math.max(this.highs[run], this.high);
      this.seenBy[run]++;
    };
    if (!this.groups || this.isOfDocument(rowRun)) {
      for (const run of this.visible[tag]) add(run);
      return ragged;
    }
    const { ofSentence, ofDocument } = this.groups;
    for (const [first, next] of [ofSentence[rowRun], ofDocument]) {
      for (let run = first; run < next; run++) add(run);
    }
    return ragged;
  }

  /**
   * Sets `low` and `high` to the part of a run that rows `from` to `to - 1` see, as a whole, and marks whether some of
   * these pairs are out of reach. @returns Whether there is any.
   */
  private within(rowRun: number, from: number, to: number, run: number, reach: number): boolean {
    const { order } = this.batch;
    const { start, length } = this.runs[run];
    const { causal } = this.visibility;
    this.low = start;
    this.high = start + length;
    if (reach === EVERYWHERE && !causal) return true;
    const first = order[from];
    const last = order[to - 1];
    const sentenceSuffices = reachesSentence(reach);
    const allBySentence = sentenceSuffices && (this.isOfDocument(rowRun) || this.isOfDocument(run));
    if (reach !== EVERYWHERE && !allBySentence) this.narrow(from, to, run, reach, sentenceSuffices);
    if (causal === 'until') this.high = firstFrom(order, this.low, this.high, last + 1);
    if (causal === 'from') this.low = firstFrom(order, this.low, this.high, first);
    if (this.low >= this.high) return false;
    const [lowest, highest] = [order[this.low], order[this.high - 1]];
    const window = windowOf(reach);
    const inWindow = reach === EVERYWHERE || (last - lowest <= window && highest - first <= window);
    const inReach = inWindow || allBySentence || (sentenceSuffices && this.isOneSentence(from, to));
    const inTime = !causal || (causal === 'until' ? highest <= first : lowest >= last);
    if (!inReach || !inTime) this.tests |= TEST_PLACES;
    return true;
  }

  /** Cuts `low` and `high` to what window and sentence of the rows leave of a run. */
  private narrow(from: number, to: number, run: number, reach: number, sentenceSuffices: boolean): void {
    const { order, sentences } = this.batch;
    const { start, length } = this.runs[run];
    const end = start + length;
    let [low, high] = [end, start];
    const window = windowOf(reach);
    if (window >= 0) {
      low = firstFrom(order, start, end, Math.max(0, order[from] - window));
      high = firstFrom(order, low, end, order[to - 1] + window + 1);
      if (low >= high) [low, high] = [end, start];
    }
    if (sentenceSuffices) {
      const lowest = firstFrom(sentences!, start, end, sentences![from]);
      const highest = firstFrom(sentences!, lowest, end, sentences![to - 1] + 1);
      if (lowest < highest) [low, high] = [Math.min(low, lowest), Math.max(high, highest)];
    }
    this.low = low;
    this.high = high;
  }

  /** Whether rows and the columns `low` to `high - 1` are all of one sentence. */
  private isOneSentence(from: number, to: number): boolean {
    const { sentences } = this.batch;
    const sentence = sentences![from];
    return [to - 1, this.low, this.high - 1].every((token) => sentences![token] === sentence);
  }

  private isOfDocument(run: number): boolean {
    return this.batch.sentences?.[this.runs[run].start] === NO_SENTENCE;
  }
}
