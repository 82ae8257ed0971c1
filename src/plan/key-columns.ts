import { planWordNames } from '../gpu/kernel-sources.generated.js';
import { EVERYWHERE, NO_SENTENCE, NOWHERE, reachesSentence, windowOf } from '../grammar/scope.js';
import { type ColumnRange, RangeJoiner } from './ranges.js';
import { type Sequence, type SortedBatch, type TagRun, type TagRunGroups, tagRunGroups } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** What a kernel must look up for each pair of a tile: nothing, its bias, or its bias and where its tokens stand. */
export const NO_MASK = 0;
/** Sums of these say what; ONE_TAG stands beside MASK_TAGS alone (kernels/attention/plan_words.wesl). */
export const { MASK_TAGS, MASK_POSITIONS, ONE_TAG } = planWordNames;

/** All columns that some rows see. */
export interface Columns {
  ranges: ColumnRange[];
  /** Columns with every range padded to quads. */
  paddedColumns: number;
  /** NO_MASK, or a sum of MASK_TAGS, MASK_POSITIONS and ONE_TAG. */
  needsMask: number;
}

/** Numbers of a part of a run that rows see. */
const PART = 4;

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

/**
 * Finds the columns that consecutive rows of one sequence see: `from` the first row on, `through` more and more of them. The
 * rows of one run are a segment; each adds what it sees to what is seen. Where nothing depends on places, `RunSpans` does
 * the same in less time.
 */
export class ColumnFinder {
  private readonly runs: readonly TagRun[];
  /** For each token of the sequence, the run it is in. */
  private readonly runOfToken: Uint32Array;
  /** For each tag of a row so far, the runs that it may see, whatever their sentence. */
  private readonly visible: (readonly number[] | undefined)[] = [];
  private readonly groups: TagRunGroups | undefined;
  /** For each run, the parts that all of its rows see, once they were asked for. */
  private readonly ofRuns: number[][] = [];
  // Of each run that is seen: its columns, and how many segments of rows see it.
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly seenBy: Uint32Array;
  private readonly stamps: Uint32Array;
  private stamp = 0;
  /** The runs that are seen, in their own order. */
  private readonly seen: number[] = [];
  private end = 0;
  private segments = 0;
  private ragged = false;
  private found = NO_MASK;
  private low = 0;
  private high = 0;
  private readonly joiner: RangeJoiner;

  constructor(
    private readonly batch: SortedBatch,
    private readonly sequence: Sequence,
    private readonly visibility: Visibility,
  ) {
    const { runs } = sequence;
    this.runs = runs;
    this.runOfToken = new Uint32Array(sequence.length);
    for (const [run, { start, length }] of runs.entries()) {
      this.runOfToken.fill(run, start - sequence.start, start - sequence.start + length);
    }
    this.groups = sequence.bySentence ? tagRunGroups(runs) : undefined;
    this.lows = new Uint32Array(runs.length);
    this.highs = new Uint32Array(runs.length);
    this.seenBy = new Uint32Array(runs.length);
    this.stamps = new Uint32Array(runs.length);
    this.joiner = new RangeJoiner(sequence.start);
  }

  /** The run that a token is in. */
  private runOf(token: number): number {
    return this.runOfToken[token - this.sequence.start];
  }

  /** Begins anew, at a row. */
  from(row: number): void {
    this.stamp++;
    this.seen.length = 0;
    this.segments = 0;
    this.ragged = false;
    this.found = NO_MASK;
    this.end = row;
  }

  /** Goes on to the rows before `end`, which are more than before. The part of a run counts as a whole: none goes on behind it. */
  through(end: number): void {
    while (this.end < end) {
      const run = this.runOf(this.end);
      const { start, length } = this.runs[run];
      const to = Math.min(end, start + length);
      this.addSegment(run, this.end, to);
      this.segments++;
      this.end = to;
    }
  }

  /** What must be looked up for each pair: NO_MASK, or tags and places. */
  get needsMask(): number {
    const isMasked =
      this.found !== NO_MASK || this.ragged || this.seen.some((run) => this.seenBy[run] < this.segments);
    // A tested tile's ranges may begin early, at tokens that only their places tell from the others of their tag.
    return isMasked ? MASK_TAGS | MASK_POSITIONS : NO_MASK;
  }

  /** Columns with every range padded to quads; the ranges are listed where there is a list for them. */
  paddedColumns(needsMask: number, ranges?: ColumnRange[]): number {
    this.joiner.begin(needsMask !== NO_MASK, ranges);
    for (const run of this.seen) this.joiner.add(this.lows[run], this.highs[run]);
    return this.joiner.end();
  }

  /** Adds what rows of one run see. */
  private addSegment(rowRun: number, from: number, to: number): void {
    const { start, length } = this.runs[rowRun];
    const parts =
      length === to - from && start === from ? this.partsOfRun(rowRun) : this.parts(rowRun, from, to);
    for (let at = 0; at < parts.length; at += PART) {
      this.found |= parts[at + 3];
      this.add(parts[at], parts[at + 1], parts[at + 2]);
    }
  }

  /** The parts that all rows of a run see: found once, for many tiles hold the whole of it. */
  private partsOfRun(rowRun: number): readonly number[] {
    const { start, length } = this.runs[rowRun];
    this.ofRuns[rowRun] ??= this.parts(rowRun, start, start + length);
    return this.ofRuns[rowRun];
  }

  /** What rows `from` to `to - 1` of a run see: of each run its number, where the part begins and ends, and what must be tested. */
  private parts(rowRun: number, from: number, to: number): number[] {
    const parts: number[] = [];
    if (!this.groups || this.isOfDocument(rowRun)) {
      for (const run of this.visibleTo(this.runs[rowRun].tag)) this.addPart(parts, rowRun, from, to, run);
      return parts;
    }
    const { ofSentence, ofDocument } = this.groups;
    for (const [first, next] of [ofSentence[rowRun], ofDocument]) {
      for (let run = first; run < next; run++) this.addPart(parts, rowRun, from, to, run);
    }
    return parts;
  }

  private addPart(parts: number[], rowRun: number, from: number, to: number, run: number): void {
    const { size, reach, plain } = this.visibility;
    const at = this.runs[rowRun].tag * size + this.runs[run].tag;
    if (reach[at] === NOWHERE) return;
    const needsMask = this.within(rowRun, from, to, run, reach[at]);
    if (this.low < this.high)
      parts.push(run, this.low, this.high, plain[at] === 0 ? needsMask | MASK_TAGS : needsMask);
  }

  private visibleTo(tag: number): readonly number[] {
    const known = this.visible[tag];
    if (known) return known;
    const { size, reach } = this.visibility;
    const runs: number[] = [];
    for (let run = 0; run < this.runs.length; run++) {
      if (reach[tag * size + this.runs[run].tag] !== NOWHERE) runs.push(run);
    }
    this.visible[tag] = runs;
    return runs;
  }

  /** Adds the part of a run that some rows see. */
  private add(run: number, low: number, high: number): void {
    if (this.stamps[run] !== this.stamp) {
      this.stamps[run] = this.stamp;
      this.lows[run] = low;
      this.highs[run] = high;
      this.seenBy[run] = 1;
      this.insert(run);
      return;
    }
    if (this.lows[run] !== low || this.highs[run] !== high) {
      this.ragged = true;
      this.lows[run] = Math.min(this.lows[run], low);
      this.highs[run] = Math.max(this.highs[run], high);
    }
    this.seenBy[run]++;
  }

  /** Keeps the runs that are seen in their order. */
  private insert(run: number): void {
    const { seen } = this;
    let place = seen.length;
    seen.push(run);
    while (place > 0 && seen[place - 1] > run) {
      seen[place] = seen[place - 1];
      place--;
    }
    seen[place] = run;
  }

  /**
   * Sets `low` and `high` to the part of a run that rows `from` to `to - 1` see, as a whole; it may be empty.
   * @returns MASK_POSITIONS where some of these pairs are out of reach, else NO_MASK.
   */
  private within(rowRun: number, from: number, to: number, run: number, reach: number): number {
    const { order } = this.batch;
    const { start, length } = this.runs[run];
    const { causal } = this.visibility;
    this.low = start;
    this.high = start + length;
    if (reach === EVERYWHERE && !causal) return NO_MASK;
    const first = order[from];
    const last = order[to - 1];
    const sentenceSuffices = reachesSentence(reach);
    const allBySentence = sentenceSuffices && (this.isOfDocument(rowRun) || this.isOfDocument(run));
    if (reach !== EVERYWHERE && !allBySentence) this.narrow(from, to, run, reach, sentenceSuffices);
    if (causal === 'until') this.high = firstFrom(order, this.low, this.high, last + 1);
    if (causal === 'from') this.low = firstFrom(order, this.low, this.high, first);
    if (this.low >= this.high) return NO_MASK;
    const [lowest, highest] = [order[this.low], order[this.high - 1]];
    const window = windowOf(reach);
    const inWindow = reach === EVERYWHERE || (last - lowest <= window && highest - first <= window);
    const inReach = inWindow || allBySentence || (sentenceSuffices && this.isOneSentence(from, to));
    const inTime = !causal || (causal === 'until' ? highest <= first : lowest >= last);
    return inReach && inTime ? NO_MASK : MASK_POSITIONS;
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
