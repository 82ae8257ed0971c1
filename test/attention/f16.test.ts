import { describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { CASES } from '../support/arbitraries.js';
import { hasMatrices, testDevice } from '../support/device.js';
import { CASES_OF_KIND, KIND_NAMES, type KindName, randomCase } from './random-case.js';
import { expectReference } from './reference.js';
import { runAttention } from './run-attention.js';

/** A run of more cases takes all kinds. The last two have up to 128 channels, dense and sparse: lavapipe compiles them for minutes. */
const USUAL: readonly KindName[] = [
  'dense',
  'hard, some tags',
  'sentences',
  'head rules, dropout',
  'learned',
  'learned, causal',
  'dense under dropout',
  'biased, many tags',
];
/** Kernels take minutes to compile on a busy machine. */
const TIMEOUT = 3_600_000;
const kinds = CASES > 1 ? KIND_NAMES : USUAL;
const seeds = CASES > 1 ? Array.from({ length: CASES_OF_KIND * CASES }, (_, seed) => seed) : [0, 1, 5];

function caseOf(kind: KindName, seed: number) {
  return { ...randomCase(kind, seed), precision: 'f16' as const };
}

/** The bound is twice the error of a plain evaluation with operands in f16 and sums in f32. */
describe.skipIf(!(await hasMatrices()))('attention in f16, where the adapter has subgroup matrices', () => {
  it.each(kinds.flatMap((kind) => seeds.map((seed): [KindName, number] => [kind, seed])))(
    'is that of the reference: %s, case %i',
    async (kind, seed) => {
      const attention = caseOf(kind, seed);
      expectReference(attention, await runAttention(attention, 'matrix'), 'float16');
    },
    TIMEOUT,
  );

  it('is the same on host arrays, and the same bits every time', async () => {
    const device = await testDevice('matrix');
    for (const kind of ['dense', 'hard, some tags'] as const) {
      const attention = caseOf(kind, CASES_OF_KIND - 1);
      expect(await attend(device, attention)).toEqual(await runAttention(attention, 'matrix'));
    }
  });
});
