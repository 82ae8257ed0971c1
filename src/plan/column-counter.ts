import { EVERYWHERE, NO_SENTENCE, NOWHERE, type Reach, reachesSentence, windowOf } from '../grammar/scope.js';
import { type Sequence, type SortedBatch, type TagRun, tagRunGroups } from './tag-runs.js';
import type { Visibility } from './visibility.js';

/** An index into ascending values that only moves forward. */
class Pointer {
  constructor(
    private readonly values: ArrayLike<number>,
    private at: number,
    private readonly end: number,
  ) {}

  /** The first index whose value is `least` or more. `least` must not decrease from call to call. */
  from(least: number): number {
    while (this.at < this.end && this.values[this.at] < least) this.at++;
    return this.at;
  }
}

/** Counts the pairs that exist, run by run, in time that grows with the tokens, not with their square. */
export class ColumnCounter {
  constructor(
    private readonly batch: SortedBatch,
    private readonly visibility: Visibility,
  ) {}

  /** The pairs of one sequence that exist. */
  pairsOf(sequence: Sequence): number {
    return this.pairsByTag(sequence).reduce((sum, pairs) => sum + pairs, 0);
  }

  /** [size]: the same by the tag of the row. */
  pairsByTag({ runs, bySentence }: Sequence): Float64Array {
    const { size, reach } = this.visibility;
    const groups = bySentence ? tagRunGroups(runs) : undefined;
    const pairs = new Float64Array(size);
    runs.forEach((row, index) => {
      const allRuns: [number, number][] = [[0, runs.length]];
      const spans =
        groups && row.sentence !== NO_SENTENCE ? [groups.ofSentence[index], groups.ofDocument] : allRuns;
      for (const [first, next] of spans) {
        for (let column = first; column < next; column++) {
          const between = reach[row.tag * size + runs[column].tag];
          if (between !== NOWHERE) pairs[row.tag] += this.pairsBetween(row, runs[column], between);
        }
      }
    });
    return pairs;
  }

  private pairsBetween(row: TagRun, column: TagRun, reach: Reach): number {
    const { causal } = this.visibility;
    if (reach === EVERYWHERE && !causal) return row.length * column.length;
    const { order, sentences } = this.batch;
    const end = column.start + column.length;
    const pointer = (values: Uint32Array) => new Pointer(values, column.start, end);
    const window = windowOf(reach);
    const [windowStart, windowEnd] = [pointer(order), pointer(order)];
    const inSentences = reachesSentence(reach);
    const everySentence = inSentences && [row, column].some(({ start }) => sentences![start] === NO_SENTENCE);
    const [sentenceStart, sentenceEnd] = [sentences ?? order, sentences ?? order].map(pointer);
    const causalEnd = pointer(order);
    let pairs = 0;
    for (let token = row.start; token < row.start + row.length; token++) {
      const position = order[token];
      const last = causal ? causalEnd.from(position + 1) : end;
      if (reach === EVERYWHERE || everySentence) {
        pairs += last - column.start;
        continue;
      }
      const spans: [number, number][] = [];
      if (window >= 0) {
        spans.push([windowStart.from(position - window), windowEnd.from(position + window + 1)]);
      }
      if (inSentences) {
        spans.push([sentenceStart.from(sentences![token]), sentenceEnd.from(sentences![token] + 1)]);
      }
      pairs += lengthOfUnion(spans, last);
    }
    return pairs;
  }
}

/** The length of the union of one or two spans, up to `end`. */
function lengthOfUnion(spans: readonly (readonly [number, number])[], end: number): number {
  const cut = spans.map(([from, to]) => [from, Math.min(to, end)] as const);
  const length = ([from, to]: readonly [number, number]) => Math.max(0, to - from);
  if (cut.length < 2) return length(cut[0]);
  const [a, b] = cut;
  const common = [Math.max(a[0], b[0]), Math.min(a[1], b[1])] as const;
  return length(a) + length(b) - length(common);
}
