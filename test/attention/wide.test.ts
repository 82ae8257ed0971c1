import { describe, it } from 'vitest';
import { CASES } from '../support/arbitraries.js';
import { describeBuffers } from './buffers-tests.js';
import { describeExtremes } from './extreme-tests.js';
import { describeFamily } from './family-tests.js';
import { describeMeaning } from './meaning-tests.js';
import { KIND_NAMES, type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';
import { describeSplitTiles } from './split-tests.js';

// Tiles that suit a GPU take a CPU three times as long.
describeFamily('wide', [0, 1]);
describeMeaning('wide');
describeBuffers('wide');
describeExtremes('wide');
describeSplitTiles();

describe('attention, wide kernels where registers are few', () => {
  const usual: readonly KindName[] = ['dense under dropout', 'hard, some tags', 'learned'];
  it.each(CASES > 1 ? KIND_NAMES : usual)('is that of the reference: %s', async (kind) => {
    const attention = randomCase(kind, 1);
    expectReference(attention, await runAttention(attention, 'wide, as on a GPU'));
  });
});
