import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { sparseLayout } from '../../src/plan/layout.js';
import { devSentences, SST2_IS_MISSING } from '../grammar/dev-sentences.js';
import { encodedText } from '../support/tagged-text.js';

/** Documents of consecutive sentences of SST-2, each of exactly `tokens` tokens with [CLS] and [SEP]. */
function documents(tokens: number): Uint8Array[] {
  const { tags } = encodedText(devSentences().join(' '), bertVocabulary());
  const [cls, sep] = [tags[0], tags[tags.length - 1]];
  const inner = tags.subarray(1, -1);
  const found: Uint8Array[] = [];
  for (let start = 0; start + tokens - 2 <= inner.length; start += tokens - 2) {
    found.push(Uint8Array.of(cls, ...inner.subarray(start, start + tokens - 2), sep));
  }
  return found;
}

describe.skipIf(SST2_IS_MISSING)('the hard rules on the text of SST-2 (needs ../shared/sst2)', () => {
  // The second number is the waste of tiles that may cross tag runs, counted separately.
  it.each([
    [512, 42.3 / 32.3],
    [1024, 37.5 / 32.3],
    [4096, 33.4 / 32.2],
  ])('waste no more than other tiles do, for documents of %d tokens', (tokens, mostWaste) => {
    const tables = pairTable(PAPER_RULES, 'hard');
    const tagged = documents(tokens);
    expect(tagged.length).toBeGreaterThanOrEqual(4);
    const rows = tagged.map((tags) => {
      const { useful, executed, executedTransposed, dense } = sparseLayout({
        tags,
        lengths: [tokens],
        tables,
      }).pairCounts;
      return {
        density: useful / dense,
        waste: executed / useful,
        transposedWaste: executedTransposed / useful,
      };
    });
    const mean = (of: (row: (typeof rows)[number]) => number) => {
      return rows.reduce((sum, row) => sum + of(row), 0) / rows.length;
    };
    const [density, waste, transposedWaste] = [
      mean((row) => row.density),
      mean((row) => row.waste),
      mean((row) => row.transposedWaste),
    ];
    console.log(
      `${rows.length} documents of ${tokens} tokens: density ${density.toFixed(3)}, ` +
        `executed/useful ${waste.toFixed(3)}, transposed ${transposedWaste.toFixed(3)}`,
    );
    expect(waste).toBeLessThanOrEqual(mostWaste);
    expect(transposedWaste).toBeLessThanOrEqual(mostWaste);
    for (const row of rows) {
      expect(row.density).toBeGreaterThan(0.25);
      expect(row.density).toBeLessThan(0.42);
      expect(Math.min(row.waste, row.transposedWaste)).toBeGreaterThanOrEqual(1);
    }
  });
});
