import { planWordNames } from '../gpu/kernel-sources.generated.js';
import { EVERYWHERE, NO_SENTENCE, NOWHERE, reachesSentence, windowOf } from '../grammar/scope.js';
import { type ColumnRange, RangeJoiner } from './ranges.js';
import { type Sequence, type SortedBatch, type TagRun, type TagRunGroups, tagRunGroups } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** A tile in which kernels look up nothing: every pair exists without a bias. */
export const NO_MASK = 0;
/** What else they look up, as a sum: biases by tags, positions. ONE_TAG occurs with MASK_TAGS only (kernels/attention/plan_words.wesl). */
export const { MASK_TAGS, MASK_POSITIONS, ONE_TAG } = planWordNames;

/** All columns that some rows attend to. */
export interface Columns {
  ranges: ColumnRange[];
  /** Columns with every range padded to quads. */
  paddedColumns: number;
  /** NO_MASK, or a sum of MASK_TAGS, MASK_POSITIONS and ONE_TAG. */
  needsMask: number;
}

/** Numbers that describe a part of a tag run: run, start, end, mask. */
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
 * Finds the columns that consecutive rows of one sequence attend to: `from` sets the first row, and `through` adds rows. The rows of
 * one tag run are a segment, whose columns are added to those found so far. Where nothing depends on positions, `TagRunSpans` does
 * the same in less time.
 */
export class ColumnFinder {
  private readonly runs: readonly TagRun[];
  /** For each token of the sequence, the run it is in. */
  private readonly runOfToken: Uint32Array;
  /** For each tag of a row so far, the runs that it may attend to in any sentence. */
  private readonly visible: (readonly number[] | undefined)[] = [];
  private readonly groups: TagRunGroups | undefined;
  /** For each run, the parts that all of its rows attend to, where they were computed. */
  private readonly ofRuns: number[][] = [];
  // For each run in `seen`: its columns, and the number of segments that attend to it.
  private readonly lows: Uint32Array;
  private readonly highs: Uint32Array;
  private readonly seenBy: Uint32Array;
  private readonly stamps: Uint32Array;
  private stamp = 0;
  /** The runs that some row attends to, ascending. */
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
    private readonly oneRange = false,
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
    this.joiner = new RangeJoiner(sequence.start, oneRange);
  }

  /** The run that a token is in. */
  private runOf(token: number): number {
    return this.runOfToken[token - this.sequence.start];
  }

  /** Starts again, at a row. */
  from(row: number): void {
    this.stamp++;
    this.seen.length = 0;
    this.segments = 0;
    this.ragged = false;
    this.found = NO_MASK;
    this.end = row;
  }

  /** Adds the rows up to `end`, exclusive. A segment must be complete: the rows of its run after `end` are never added. */
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

  /** What kernels look up for each pair: NO_MASK, or tags and positions. */
  get needsMask(): number {
    const isMasked =
      this.oneRange ||
      this.found !== NO_MASK ||
      this.ragged ||
      this.seen.some((run) => this.seenBy[run] < this.segments);
    // The ranges of a masked tile may start early, at tokens of the same tag that only their positions exclude.
    return isMasked ? MASK_TAGS | MASK_POSITIONS : NO_MASK;
  }

  /** Columns with every range padded to quads. @param ranges Receives the ranges, if given. */
  paddedColumns(needsMask: number, ranges?: ColumnRange[]): number {
    this.joiner.begin(needsMask !== NO_MASK, ranges);
    for (const run of this.seen) this.joiner.add(this.lows[run], this.highs[run]);
    return this.joiner.end();
  }

  /** Adds the columns of rows of one run. */
  private addSegment(rowRun: number, from: number, to: number): void {
    const { start, length } = this.runs[rowRun];
    const parts =
      length === to - from && start === from ? this.partsOfRun(rowRun) : this.parts(rowRun, from, to);
    for (let at = 0; at < parts.length; at += PART) {
      this.found |= parts[at + 3];
      this.add(parts[at], parts[at + 1], parts[at + 2]);
    }
  }

  /** The parts that all rows of a run attend to. Cached, because many tiles hold whole runs. */
  private partsOfRun(rowRun: number): readonly number[] {
    const { start, length } = this.runs[rowRun];
    this.ofRuns[rowRun] ??= this.parts(rowRun, start, start + length);
    return this.ofRuns[rowRun];
  }

  /** The parts of runs that rows `from` to `to - 1` of a run attend to, PART numbers each. */
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
    const cached = this.visible[tag];
    if (cached) return cached;
    const { size, reach } = this.visibility;
    const runs: number[] = [];
    for (let run = 0; run < this.runs.length; run++) {
      if (reach[tag * size + this.runs[run].tag] !== NOWHERE) runs.push(run);
    }
    this.visible[tag] = runs;
    return runs;
  }

  /** Adds the part of a run that some rows attend to. */
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

  /** Inserts a run into `seen`, which stays ascending. */
  private insert(run: number): void {
    const { seen } = this;
    let index = seen.length;
    seen.push(run);
    while (index > 0 && seen[index - 1] > run) {
      seen[index] = seen[index - 1];
      index--;
    }
    seen[index] = run;
  }

  /**
   * Sets `low` and `high` to the part of a run that any of rows `from` to `to - 1` attends to. It may be empty.
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

  /** Sets `low` and `high` to the part of a run within the window or the sentences of the rows. */
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

  /** Whether the rows and the columns `low` to `high - 1` are in one sentence. */
  private isOneSentence(from: number, to: number): boolean {
    const { sentences } = this.batch;
    const sentence = sentences![from];
    return [to - 1, this.low, this.high - 1].every((token) => sentences![token] === sentence);
  }

  private isOfDocument(run: number): boolean {
    return this.batch.sentences?.[this.runs[run].start] === NO_SENTENCE;
  }
}
