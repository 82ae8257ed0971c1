import { describe, it } from 'vitest';
import { describeBuffers } from './buffers-tests.js';
import { describeExtremes } from './extreme-tests.js';
import { describeFamily } from './family-tests.js';
import { describeMeaning } from './meaning-tests.js';
import { type KindName, randomCase } from './random-case.js';
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
  it.each<KindName>(['dense under dropout', 'hard, some tags', 'windows', 'learned', 'every pair, causal'])(
    'is that of the reference: %s',
    async (kind) => {
      const attention = randomCase(kind, 1);
      expectReference(attention, await runAttention(attention, 'wide, as on a GPU'));
    },
  );
});
