import { describe, expect, it } from 'vitest';
import { countedPairs } from '../../bench/counted-pairs.js';
import { attend } from '../../src/attention/attend.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { CASES } from '../support/arbitraries.js';
import { type Family, testDevice, withGridsOf } from '../support/device.js';
import { withBuffers } from '../support/guarded-buffers.js';
import { layoutOn, maskOf } from '../support/masks.js';
import { COMPOSITION_NAMES, composedCase } from './composed-cases.js';
import {
  type AttentionCase,
  CASES_OF_KIND,
  KIND_NAMES,
  type KindName,
  numbered,
  randomCase,
} from './random-case.js';
import { expectReference } from './reference.js';
import { buffersOf, expectPlannedPairs, runAttention } from './run-attention.js';

/** The cases of each kind that a usual run has; a run of more cases takes all. */
function caseNumbers(usual: readonly number[]): [KindName, number][] {
  const seeds = CASES > 1 ? Array.from({ length: CASES_OF_KIND * CASES }, (_, seed) => seed) : usual;
  return KIND_NAMES.flatMap((kind) => seeds.map((seed): [KindName, number] => [kind, seed]));
}

/** The tokens `from` to `to` of a case, as a separate case. */
function cut(attention: AttentionCase, from: number, to: number): AttentionCase {
  const width = attention.heads * attention.headDim;
  const part = (values: Float32Array) => values.slice(from * width, to * width);
  return {
    ...attention,
    tags: attention.tags.slice(from, to),
    sentences: attention.sentences?.slice(from, to),
    lengths: [to - from],
    q: part(attention.q),
    k: part(attention.k),
    v: part(attention.v),
    outputGradient: part(attention.outputGradient),
  };
}

/**
 * A case with the narrowest heads. The number of multiplied pairs does not depend on the width, and all tests that count then
 * share kernels. A software driver takes a second to compile each.
 */
function narrowed(attention: AttentionCase): AttentionCase {
  const headDim = 16;
  const numbers = attention.tags.length * attention.heads * headDim;
  const part = (values: Float32Array) => values.slice(0, numbers);
  const { q, k, v, outputGradient } = attention;
  return { ...attention, headDim, q: part(q), k: part(k), v: part(v), outputGradient: part(outputGradient) };
}

/**
 * A sequence of more than 64 tag runs, in which each tag attends to itself, with two heads. Of many tags, it has 33, each inside
 * and outside of one sentence; only the second head attends within the sentence. Otherwise it has 17, each in four sentences and
 * outside of them; both heads attend within sentences. Only few tags share their kernels with other cases.
 */
function manyRuns(ofManyTags: boolean): AttentionCase {
  const tags = numbered(ofManyTags ? 33 : 17);
  const sentences = ofManyTags ? 1 : 4;
  const tokens = (sentences + 1) * tags.length;
  const sameTag = (scope: 'document' | 'sentence') => tags.map((tag) => [tag, tag, scope] as const);
  const base = { name: 'same tag', tags, soft: [], beta: 0 };
  const rules = [
    { ...base, hard: ofManyTags ? sameTag('document') : sameTag('sentence').slice(1) },
    { ...base, hard: sameTag('sentence') },
  ];
  const template = randomCase('head rules with scopes', 0, [99]);
  const numbers = tokens * 2 * template.headDim;
  const part = (values: Float32Array) => values.slice(0, numbers);
  return {
    ...template,
    heads: 2,
    lengths: [tokens],
    rules,
    strategy: 'hard',
    mask: maskOf({ rules, strategy: 'hard' }),
    tags: Array.from({ length: tokens }, (_, token) => tags[token % tags.length]),
    sentences: Uint32Array.from({ length: tokens }, (_, token) => {
      const sentence = Math.floor(token / tags.length);
      return sentence < sentences ? sentence : NO_SENTENCE;
    }),
    causal: false,
    q: part(template.q),
    k: part(template.k),
    v: part(template.v),
    outputGradient: part(template.outputGradient),
  };
}

/**
 * The tests that every family of kernels must pass. Each family has a separate file, because each compiles its kernels.
 * @param usual Which cases of a kind a usual run compares with the reference.
 */
export function describeFamily(family: Family, usual: readonly number[]): void {
  describe(`attention, ${family} kernels`, () => {
    it.each(caseNumbers(usual))('is that of the reference: %s, case %i', async (kind, seed) => {
      const attention = randomCase(kind, seed);
      expectReference(attention, await runAttention(attention, family));
    });

    it.each(COMPOSITION_NAMES)('is that of the reference under a composed mask: %s', async (name) => {
      for (const seed of family === 'wide' && CASES === 1 ? [1] : [1, CASES_OF_KIND - 1]) {
        const attention = composedCase(name, seed);
        expectReference(attention, await runAttention(attention, family));
      }
    });

    it.each<KindName>(['dense', 'head rules, dropout', 'sentences', 'head rules with scopes', 'learned'])(
      'of host arrays is that of buffers: %s',
      async (kind) => {
        const device = await testDevice(family);
        for (const seed of [1, 2]) {
          const attention = randomCase(kind, seed);
          expect(await attend(device, attention)).toEqual(await runAttention(attention, family));
        }
      },
    );

    it.each<KindName>(['dense', 'biased, many tags', 'windows', 'learned', 'every pair, causal'])(
      'gives each packed sequence the same result as alone: %s',
      async (kind) => {
        const device = await testDevice(family);
        for (const seed of [1, 3]) {
          const packed = randomCase(kind, seed);
          const together = await attend(device, packed);
          let start = 0;
          for (const length of packed.lengths) {
            const alone = await attend(device, cut(packed, start, start + length));
            const width = packed.heads * packed.headDim;
            for (const name of ['output', 'dq', 'dk', 'dv'] as const) {
              const part = together[name]!.slice(start * width, (start + length) * width);
              expect(part, `${name}, case ${seed}`).toEqual(alone[name]);
            }
            start += length;
          }
        }
      },
    );

    it.each<KindName>(['dense', 'head rules, dropout'])(
      'multiplies the number of pairs that the plan says, counted in the kernel: %s',
      async (kind) => {
        for (let seed = 0; seed < CASES_OF_KIND * CASES; seed++) {
          await withBuffers(async (buffers) => {
            const attention = narrowed({ ...randomCase(kind, seed), dropout: undefined });
            const layout = layoutOn(buffers.device, attention);
            await expectPlannedPairs(buffers, layout, attention);
          }, family);
        }
      },
    );

    it.each<KindName>(['dense', 'biased, many tags', 'head rules with scopes', 'learned'])(
      'gives the same bits and pair counts where a dimension of a grid holds few workgroups: %s',
      async (kind) => {
        const attention = randomCase(kind, 2, Array(20).fill(3));
        const device = await testDevice(family);
        const layout = layoutOn(device, attention);
        const few = 17;
        for (const { queryTiles, keyTiles } of layout.heads)
          expect(Math.min(queryTiles.length, keyTiles.length)).toBeGreaterThan(few);
        expect(await withGridsOf(few, family, () => attend(device, attention))).toEqual(
          await attend(device, attention),
        );
        if (kind !== 'dense') return;
        await withBuffers(async (buffers) => {
          const narrow = narrowed(attention);
          const inputs = buffersOf(buffers, layout.order, narrow);
          const counted = () => countedPairs(device, layout, narrow, inputs, true);
          expect(await withGridsOf(few, family, counted)).toEqual(await counted());
        }, family);
      },
    );

    it('is that of the reference in a sequence of more than 64 tag runs', async () => {
      for (const ofManyTags of CASES > 1 ? [true, false] : [false]) {
        const attention = manyRuns(ofManyTags);
        const { sequences } = layoutOn(await testDevice(family), attention);
        expect(sequences[0].runs.length).toBe(ofManyTags ? 66 : 85);
        expectReference(attention, await runAttention(attention, family));
      }
    });

    it.each<KindName>(['dense', 'head rules, dropout', 'sentences'])(
      'gives the same bits every time: %s',
      async (kind) => {
        const attention = randomCase(kind, CASES_OF_KIND - 1);
        expect(await runAttention(attention, family)).toEqual(await runAttention(attention, family));
      },
    );
  });
}
