import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { groupByRow } from '../../src/nn/batch.js';
import { NO_ROW, recordGather } from '../../src/nn/pointwise.js';
import { inBothPrecisions } from '../reference/arithmetic.js';
import { embeddingBackward, embeddingForward } from '../reference/layers.js';
import { anyRows, anySeed, anyWidth, runs } from '../support/arbitraries.js';
import { isPoison, withBuffers } from '../support/guarded-buffers.js';
import { generator, randomFloats, randomInteger } from '../support/random.js';

describe('gather', () => {
  it('copies rows, and writes zeros for NO_ROW', async () => {
    const anyCase = fc.record({
      rows: anyRows,
      inputRows: fc.integer({ min: 1, max: 90 }),
      hidden: anyWidth,
      at: fc.integer({ min: 0, max: 70 }),
      seed: anySeed,
    });
    const property = fc.asyncProperty(anyCase, ({ rows, inputRows, hidden, at, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const random = generator(seed);
        const x = randomFloats(random, inputRows * hidden);
        const index = Uint32Array.from({ length: at + rows }, () =>
          random() < 0.3 ? NO_ROW : randomInteger(random, 0, inputRows - 1),
        );
        const output = buffers.output(rows * hidden);
        recordGather(
          recorder,
          { rows, hidden },
          { input: buffers.input(x), index: { buffer: buffers.input(index), at }, output },
        );
        recorder.submit();
        const expected = Float32Array.from({ length: rows * hidden }, (_, i) => {
          const row = index[at + Math.floor(i / hidden)];
          return row === NO_ROW ? 0 : x[row * hidden + (i % hidden)];
        });
        expect(await buffers.read(output)).toEqual(expected);
      }),
    );
    await fc.assert(property, runs(40));
  });
});

describe('embeddings', () => {
  const anyCase = fc.record({ tokens: anyRows, vocabulary: anyRows, hidden: anyWidth, seed: anySeed });

  it('are the sum of word, position, type and tag, where there are types and tags', async () => {
    const property = fc.asyncProperty(
      anyCase,
      fc.boolean(),
      fc.boolean(),
      ({ tokens, vocabulary, hidden, seed }, typed, tagged) =>
        withBuffers(async (buffers, recorder) => {
          const random = generator(seed);
          const positionCount = 40;
          const words = Uint32Array.from({ length: tokens }, () => randomInteger(random, 0, vocabulary - 1));
          const positions = Uint32Array.from({ length: tokens }, () =>
            randomInteger(random, 0, positionCount - 1),
          );
          const tags = Uint32Array.from({ length: tokens }, () => randomInteger(random, 0, 4));
          const [word, position, kind, tag] = [vocabulary, positionCount, 2, 5].map((rows) =>
            randomFloats(random, rows * hidden),
          );
          const output = buffers.output(tokens * hidden);
          recorder.dispatch({
            kernel: 'layers/embedding_forward',
            buffers: {
              word: buffers.input(word),
              position: buffers.input(position),
              kind: buffers.input(kind),
              tag: buffers.input(tag),
              ids: buffers.input(Uint32Array.of(...words, ...positions, ...tags)),
              output,
            },
            parameters: { tokens, width: hidden / 4, kinds: typed ? 2 : 0, tags: tagged ? 5 : 0 },
            grid: [Math.ceil((tokens * hidden) / 256)],
          });
          recorder.submit();
          const tables = [
            { table: word, rowOfToken: words },
            { table: position, rowOfToken: positions },
            ...(typed ? [{ table: kind, rowOfToken: new Uint32Array(tokens) }] : []),
            ...(tagged ? [{ table: tag, rowOfToken: tags }] : []),
          ];
          const { exact, plain } = inBothPrecisions((round) => embeddingForward(hidden, tables, round));
          await buffers.expectClose('output', output, exact, plain);
        }),
    );
    await fc.assert(property, runs(30));
  });

  it('have a backward pass that gives rows that occur the sum of their tokens, and leaves the others unchanged', async () => {
    const property = fc.asyncProperty(anyCase, ({ tokens, vocabulary, hidden, seed }) =>
      withBuffers(async (buffers, recorder) => {
        const random = generator(seed);
        const rowOfToken = Uint32Array.from({ length: tokens }, () =>
          randomInteger(random, 0, vocabulary - 1),
        );
        const dy = randomFloats(random, tokens * hidden);
        const { rows, words } = groupByRow(rowOfToken);
        const tableGradient = buffers.output(vocabulary * hidden);
        recorder.dispatch({
          kernel: 'layers/embedding_backward',
          buffers: {
            output_gradient: buffers.input(dy),
            groups_of_rows: buffers.input(words),
            table_gradient: tableGradient,
          },
          parameters: { rows, width: hidden / 4, add: 0 },
          grid: [Math.ceil((rows * hidden) / 256)],
        });
        recorder.submit();
        const occurring = new Set(rowOfToken);
        const written = await buffers.read(tableGradient);
        for (let row = 0; row < vocabulary; row++) {
          if (occurring.has(row)) continue;
          const unused = written.subarray(row * hidden, (row + 1) * hidden);
          expect(isPoison(unused), `row ${row} does not occur`).toBe(true);
          recorder.clear({ buffer: tableGradient, offset: 4 * row * hidden, size: 4 * hidden });
        }
        recorder.submit();
        const { exact, plain } = inBothPrecisions((round) =>
          embeddingBackward(vocabulary, hidden, rowOfToken, dy, round),
        );
        await buffers.expectClose('table gradient', tableGradient, exact, plain);
      }),
    );
    await fc.assert(property, runs(40));
  });
});
