import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pairTable } from '../../src/grammar/pair-table.js';
import type { RuleSet, TagPair } from '../../src/grammar/rules.js';
import { NO_SENTENCE, type Scope } from '../../src/grammar/scope.js';
import { type Layout, sparseLayout } from '../../src/plan/layout.js';
import { rankOfTag } from '../../src/plan/tag-order.js';
import { inverseOf, type Sequence } from '../../src/plan/tag-runs.js';
import { runs } from '../support/arbitraries.js';
import { anyBatch, layoutOf, spansOf, type TaggedBatch, tablesOf } from './random-batch.js';

/** The sort keys of the caller's tokens. Tokens of equal keys are one tag run. Tokens outside of sentences come last. */
function sortKeys(batch: TaggedBatch, layout: Layout): (sequence: Sequence) => (token: number) => number[] {
  const ranks = rankOfTag(tablesOf(batch));
  // Without rules that ask for sentences, the plan has none.
  const sentences = layout.sentences && (batch.sentences ?? new Uint32Array(batch.tags.length));
  return ({ bySentence }) => {
    return (token) => {
      const sentence = sentences?.[token] ?? 0;
      return [bySentence ? sentence : 0, ranks[batch.tags[token]], sentence === NO_SENTENCE ? 1 : 0];
    };
  };
}

function compared(a: number[], b: number[]): number {
  const at = a.findIndex((key, index) => key !== b[index]);
  return at < 0 ? 0 : a[at] - b[at];
}

describe('the order of a sparse plan', () => {
  it('is that of a stable sort by tag, or by sentence and tag, within each sequence', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        const keysOf = sortKeys(batch, layout);
        const expected = spansOf(batch.lengths).flatMap(([start, end], index) => {
          const keyOf = keysOf(layout.sequences[index]);
          const tokens = Array.from({ length: end - start }, (_, offset) => start + offset);
          return tokens.sort((a, b) => compared(keyOf(a), keyOf(b)) || a - b);
        });
        expect([...layout.order]).toEqual(expected);
        expect([...layout.tags]).toEqual(expected.map((token) => batch.tags[token]));
      }),
      runs(150),
    );
  });

  it('has the longest possible tag runs, which cover each sequence', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const layout = layoutOf(batch);
        const spans = spansOf(batch.lengths);
        const keysOf = sortKeys(batch, layout);
        expect(layout.sequences).toHaveLength(spans.length);
        layout.sequences.forEach((sequence, index) => {
          const [start, end] = spans[index];
          expect([sequence.start, sequence.length]).toEqual([start, end - start]);
          const keyOf = keysOf(sequence);
          const keys = [...layout.order.subarray(start, end)].map((token) => keyOf(token).join());
          const starts = keys.flatMap((key, at) => (key === keys[at - 1] ? [] : [start + at]));
          expect(sequence.runs.map((run) => run.start)).toEqual(starts);
          for (const [at, run] of sequence.runs.entries()) {
            expect(run.start + run.length).toBe(starts[at + 1] ?? end);
            expect(run.tag).toBe(layout.tags[run.start]);
          }
        });
      }),
      runs(150),
    );
  });

  it('keeps tokens of one sentence together, and marks those outside of sentences', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { sentences, order } = layoutOf(batch);
        if (!sentences) return;
        const sentenceOf = batch.sentences ?? new Uint32Array(batch.tags.length);
        for (const [start, end] of spansOf(batch.lengths)) {
          for (let at = start; at < end; at++) {
            const isOfDocument = sentences[at] === NO_SENTENCE;
            expect(isOfDocument).toBe(sentenceOf[order[at]] === NO_SENTENCE);
            const isTogether = sentences[at] === sentences[start];
            expect(isTogether).toBe(sentenceOf[order[at]] === sentenceOf[order[start]]);
          }
        }
      }),
      runs(100),
    );
  });

  it('has an inverse', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const { order } = layoutOf(batch);
        const inverse = inverseOf(order);
        expect([...order].every((token, sorted) => inverse[token] === sorted)).toBe(true);
        expect([...inverse].every((sorted, token) => order[sorted] === token)).toBe(true);
      }),
      runs(100),
    );
  });

  it('does not change its input, and is the same every time', () => {
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const tables = tablesOf(batch);
        const before = structuredClone({ batch, tables });
        const layout = layoutOf(batch, tables);
        expect({ batch, tables }).toEqual(before);
        expect(layoutOf(batch)).toEqual(layout);
        expect(layout.kind).toBe('sparse');
        expect(layout.tokens).toBe(batch.tags.length);
        expect([...layout.lengths]).toEqual(batch.lengths);
        expect(layout.causal).toBe(batch.causal);
      }),
      runs(50),
    );
  });
});

describe('the order of a sparse plan by sentence', () => {
  const rulesWith = (...hard: TagPair[]): RuleSet => {
    return { name: 'two tags', tags: ['a', 'b'], hard, soft: [], beta: 5 };
  };
  const TAGS = Uint8Array.of(0, 1, 0, 1, 0, 0);
  const SENTENCES = [0, 0, 0, 1, 1, NO_SENTENCE];

  function isBySentence(hard: TagPair[], sentences = SENTENCES, tags = TAGS): boolean {
    const tables = pairTable(rulesWith(...hard), 'hard');
    return sparseLayout({ tags, lengths: [tags.length], tables, sentences }).sequences[0].bySentence;
  }

  it('is used where every rule is within a sentence', () => {
    expect(isBySentence([['a', 'b', 'sentence']])).toBe(true);
    const tables = pairTable(rulesWith(['a', 'b', 'sentence'], ['b', 'b', 'sentence']), 'hard');
    const { order } = sparseLayout({ tags: TAGS, lengths: [6], tables, sentences: SENTENCES });
    const [first, second, last] = [order.slice(0, 3), order.slice(3, 5), order.slice(5)];
    expect([first.sort(), second.sort(), last].map((part) => [...part])).toEqual([[0, 1, 2], [3, 4], [5]]);
  });

  it.each<Scope>(['document', 0, 3])('is not used where a rule reaches further: %s', (scope) => {
    expect(
      isBySentence([
        ['a', 'b', 'sentence'],
        ['b', 'a', scope],
      ]),
    ).toBe(false);
    expect(
      isBySentence([
        ['a', 'b', 'sentence'],
        ['a', 'b', scope],
      ]),
    ).toBe(false);
  });

  it('is used where only tags outside of sentences reach further', () => {
    const bOutside = Uint8Array.of(0, 0, 0, 0, 0, 1);
    const rules: TagPair[] = [
      ['a', 'a', 'sentence'],
      ['b', 'a'],
    ];
    expect(isBySentence(rules, SENTENCES, bOutside)).toBe(true);
    expect(isBySentence(rules)).toBe(false);
  });

  it('is not used where there is only one sentence', () => {
    expect(isBySentence([['a', 'b', 'sentence']], [4, 4, 4, 4, 4, NO_SENTENCE])).toBe(false);
  });
});
