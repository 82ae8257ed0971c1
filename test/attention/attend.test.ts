import { describe, expect, it } from 'vitest';
import {
  type Precision,
  type ReferenceInput,
  type ReferenceResult,
  referenceAttention,
} from '../../bench/reference-attention.js';
import { referenceBias } from '../../bench/reference-pairs.js';
import { attend } from '../../src/attention/attend.js';
import { CASES } from '../support/arbitraries.js';
import { FAMILIES, testDevice } from '../support/device.js';
import { expectWithinBound, largest } from '../support/error-bound.js';
import { type AttentionCase, randomCase } from './random-case.js';

function reference(
  attention: AttentionCase,
  precision?: Precision,
  onScoreGradient?: ReferenceInput['onScoreGradient'],
): ReferenceResult {
  const { rules, strategy, tags } = attention;
  const biasOf = referenceBias(rules, strategy);
  const bias: ReferenceInput['bias'] = (i, j) => biasOf(tags[i], tags[j]);
  return referenceAttention({ ...attention, bias, onScoreGradient }, precision);
}

/** The gradient of the bias table, and the size of its terms before they cancel. */
function biasGradient(attention: AttentionCase, precision?: Precision) {
  const { rules, tags, heads } = attention;
  const count = rules.tags.length;
  const indexes = tags.map((tag) => rules.tags.indexOf(tag));
  const sums = new Float64Array(heads * count ** 2);
  const sizes = new Float64Array(sums.length);
  reference(attention, precision, (query, key, head, value, size) => {
    const at = (head * count + indexes[query]) * count + indexes[key];
    sums[at] += value;
    sizes[at] += size;
  });
  return { sums, scale: largest(sizes) };
}

/** Rows that see no key have a sentinel that no bound fits. */
function seenRows(logSumExp: ArrayLike<number>): number[] {
  return Array.from({ length: logSumExp.length }, (_, row) => row).filter((row) => logSumExp[row] > -1e29);
}

describe.each(FAMILIES)('attend, %s kernels', (family) => {
  it.each(Array.from({ length: 96 * CASES }, (_, seed) => seed))('random case %i', async (seed) => {
    const attention = randomCase(seed);
    const exact = reference(attention);
    const plain = reference(attention, 'float32');
    const actual = await attend(await testDevice(family), attention);

    const rows = seenRows(exact.logSumExp);
    expect(seenRows(actual.logSumExp)).toEqual(rows);
    const seen = (values: ArrayLike<number>) => rows.map((row) => values[row]);
    expectWithinBound('logSumExp', seen(actual.logSumExp), seen(exact.logSumExp), seen(plain.logSumExp));
    expectWithinBound('output', actual.output, exact.output, plain.output, largest(attention.v));
    expectWithinBound('dq', actual.dq!, exact.dq, plain.dq, exact.dqScale);
    expectWithinBound('dk', actual.dk!, exact.dk, plain.dk, exact.dkScale);
    expectWithinBound('dv', actual.dv!, exact.dv, plain.dv);
    if (attention.strategy === 'none') {
      expect(actual.dBias).toBeUndefined();
      return;
    }
    const table = biasGradient(attention);
    expectWithinBound(
      'dBias',
      actual.dBias!,
      table.sums,
      biasGradient(attention, 'float32').sums,
      table.scale,
    );
  });
});
