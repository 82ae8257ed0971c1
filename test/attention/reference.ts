import { expect } from 'vitest';
import {
  type ReferencePrecision,
  type ReferenceResult,
  referenceAttention,
} from '../../bench/reference-attention.js';
import type { AttendResult } from '../../src/attention/attend.js';
import { attentionFactor } from '../reference/dropout.js';
import { expectWithinBound, largest } from '../support/error-bound.js';
import { type AttentionCase, biasesOf, rulesOf } from './random-case.js';

interface Reference extends ReferenceResult {
  /** The gradient of the bias table, [heads, tags, tags], and the size of its terms before they cancel. */
  dBias: Float64Array;
  dBiasScale: number;
}

function reference(attention: AttentionCase, precision: ReferencePrecision): Reference {
  const { tags, heads, dropout } = attention;
  const names = rulesOf(attention, 0).tags;
  const count = names.length;
  const indexes = tags.map((tag) => names.indexOf(tag));
  const round = precision === 'float64' ? (x: number) => x : Math.fround;
  const dBias = new Float64Array(heads * count ** 2);
  const sizes = new Float64Array(dBias.length);
  const result = referenceAttention(
    {
      ...attention,
      bias: biasesOf(attention),
      keep: dropout && ((query, key, head) => attentionFactor(dropout, head, query, key)),
      onScoreGradient: (query, key, head, value, size) => {
        const at = (head * count + indexes[query]) * count + indexes[key];
        dBias[at] = round(dBias[at] + value);
        sizes[at] += size;
      },
    },
    precision,
  );
  return { ...result, dBias, dBiasScale: largest(sizes) };
}

/** The largest sum of absolute terms of any pair's score. */
function scoreSize(attention: AttentionCase): number {
  const { q, k, heads, headDim, lengths, scale } = attention;
  const biasOf = biasesOf(attention);
  let [start, largestSize] = [0, 0];
  for (const length of lengths) {
    for (let query = start; query < start + length; query++) {
      for (let key = start; key < start + length; key++) {
        for (let head = 0; head < heads; head++) {
          const bias = biasOf(query, key, head);
          if (bias === undefined) continue;
          const [row, column] = [query, key].map((token) => (token * heads + head) * headDim);
          let size = 0;
          for (let d = 0; d < headDim; d++) size += Math.abs(q[row + d] * k[column + d]);
          largestSize = Math.max(largestSize, size * scale + Math.abs(bias));
        }
      }
    }
    start += length;
  }
  return largestSize;
}

/** Rows that see no key have a sentinel, for which error bounds have no meaning. */
function seenRows(logSumExp: ArrayLike<number>): number[] {
  return Array.from({ length: logSumExp.length }, (_, row) => row).filter((row) => logSumExp[row] > -1e29);
}

/**
 * Expects results and gradients of a case to be within the error bound of the float64 reference.
 * @param plainly The precision of the plain evaluation.
 */
export function expectReference(
  attention: AttentionCase,
  actual: AttendResult,
  plainly: ReferencePrecision = 'float32',
): void {
  const [exact, plain] = (['float64', plainly] as const).map((precision) => reference(attention, precision));
  const rows = seenRows(exact.logSumExp);
  expect(seenRows(actual.logSumExp)).toEqual(rows);
  const seen = (values: ArrayLike<number>) => rows.map((row) => values[row]);
  const sums = [actual, exact, plain].map((result) => seen(result.logSumExp));
  expectWithinBound('logSumExp', sums[0], sums[1], sums[2], scoreSize(attention));
  expectWithinBound('output', actual.output, exact.output, plain.output, largest(attention.v));
  expectWithinBound('dq', actual.dq!, exact.dq, plain.dq, exact.dqScale);
  expectWithinBound('dk', actual.dk!, exact.dk, plain.dk, exact.dkScale);
  expectWithinBound('dv', actual.dv!, exact.dv, plain.dv);
  if (attention.strategy === 'none') expect(actual.dBias).toBeUndefined();
  else expectWithinBound('dBias', actual.dBias!, exact.dBias, plain.dBias, exact.dBiasScale);
}
