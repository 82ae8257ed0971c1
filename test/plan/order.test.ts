import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { inverseOf } from '../../src/plan/runs.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, planOf, spansOf } from './random-batch.js';

describe('the order of a sparse plan', () => {
  it('is, inside the span of each sequence, that of a stable sort by tag', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { order, tags } = planOf(batch);
        const expected = spansOf(batch.lengths).flatMap(([start, end]) => {
          const tokens = Array.from({ length: end - start }, (_, index) => start + index);
          return tokens.sort((a, b) => batch.tags[a] - batch.tags[b] || a - b);
        });
        expect([...order]).toEqual(expected);
        expect([...tags]).toEqual(expected.map((token) => batch.tags[token]));
      }),
      runs(300),
    );
  });

  it('has runs that are as long as can be and cover each sequence', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const plan = planOf(batch);
        const spans = spansOf(batch.lengths);
        expect(plan.sequences).toHaveLength(spans.length);
        plan.sequences.forEach((sequence, index) => {
          const [start, end] = spans[index];
          const covered = sequence.flatMap((run) => new Array<number>(run.length).fill(run.tag));
          expect(covered).toEqual([...plan.tags.subarray(start, end)]);
          const starts = sequence.map((run) => run.start);
          expect(starts).toEqual(
            starts.map((_, at) => (at ? starts[at - 1] + sequence[at - 1].length : start)),
          );
          expect(sequence.every((run, at) => at === 0 || run.tag > sequence[at - 1].tag)).toBe(true);
        });
      }),
      runs(300),
    );
  });

  it('has an inverse', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { order } = planOf(batch);
        const inverse = inverseOf(order);
        expect([...order].every((token, sorted) => inverse[token] === sorted)).toBe(true);
        expect([...inverse].every((sorted, token) => order[sorted] === token)).toBe(true);
      }),
      runs(300),
    );
  });

  it('leaves what the caller gave as it was, and is the same every time', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const before = {
          tags: batch.tags.slice(),
          lengths: [...batch.lengths],
          biases: batch.table.biases.slice(),
        };
        const plan = planOf(batch);
        expect({ tags: batch.tags, lengths: batch.lengths, biases: batch.table.biases }).toEqual(before);
        expect(planOf(batch)).toEqual(plan);
        expect(plan.kind).toBe('sparse');
        expect(plan.tokens).toBe(batch.tags.length);
        expect([...plan.lengths]).toEqual(batch.lengths);
      }),
      runs(50),
    );
  });
});
