import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { formatSafetensors, parseSafetensors, type Tensor } from '../../src/train/safetensors.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { runs } from '../support/arbitraries.js';
import { fileOf } from '../support/safetensors-file.js';

/** Every bit pattern except NaN, whose payload a JavaScript engine may change. */
const anyNumber = fc.float({ noNaN: true });

const anyTensor = fc
  .array(fc.nat({ max: 4 }), { maxLength: 3 })
  .chain((shape) => {
    const size = shape.reduce((product, length) => product * length, 1);
    return fc.tuple(fc.constant(shape), fc.array(anyNumber, { minLength: size, maxLength: size }));
  })
  // Values inside a larger buffer, as after many tensors were read back at once.
  .map(([shape, values]): Tensor => ({ shape, values: Float32Array.from([7, ...values]).subarray(1) }));

const anyName = fc
  .oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', '0', 'bert.pooler.dense.weight', 'toString'))
  .filter((name) => !name.startsWith('__'));

const anyTensors = fc
  .uniqueArray(fc.tuple(anyName, anyTensor), { selector: ([name]) => name, maxLength: 6 })
  .map((tensors) => new Map(tensors));

/** Bits, so that -0 is not 0. */
function bitsOf(tensors: ReadonlyMap<string, Tensor>): Record<string, unknown> {
  const sorted = [...tensors].sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(
    sorted.map(([name, { shape, values }]) => [
      `"${name}"`,
      { shape, bits: [...new Uint32Array(values.slice().buffer)] },
    ]),
  );
}

const ONE = [0, 0, 0x80, 0x3f];
const MINUS_TWO = [0, 0, 0, 0xc0];

describe('a safetensors file', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(anyTensors, (tensors) => {
        expect(bitsOf(parseSafetensors(formatSafetensors(tensors), 'f'))).toEqual(bitsOf(tensors));
      }),
      runs(300),
    );
  });

  it('is read from the middle of a buffer, at any alignment', () => {
    const file = formatSafetensors(new Map([['a', { shape: [2], values: Float32Array.of(1, -2) }]]));
    for (const offset of [1, 2, 3, 4]) {
      const larger = Buffer.alloc(file.length + 8, 7);
      larger.set(file, offset);
      const tensors = parseSafetensors(larger.subarray(offset, offset + file.length), 'f');
      expect(tensors).toEqual(new Map([['a', { shape: [2], values: Float32Array.of(1, -2) }]]));
    }
  });

  it('is read where it was written by hand, with metadata and its tensors in any order', () => {
    const header =
      '{"__metadata__":{"format":"pt"},"b":{"dtype":"F32","shape":[2,1],"data_offsets":[4,12]},' +
      '"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]}}   ';
    const tensors = parseSafetensors(fileOf(header, [...ONE, ...MINUS_TWO, ...ONE]), 'f');
    expect(bitsOf(tensors)).toEqual({
      '"a"': { shape: [], bits: [0x3f800000] },
      '"b"': { shape: [2, 1], bits: [0xc0000000, 0x3f800000] },
    });
  });

  it('is written as the format says', () => {
    const tensors = new Map([
      ['x', { shape: [1, 2], values: Float32Array.of(1, -2) }],
      ['y', { shape: [1], values: Float32Array.of(1) }],
    ]);
    const file = formatSafetensors(tensors);
    const length = new DataView(file.buffer, file.byteOffset).getBigUint64(0, true);
    const end = 8 + Number(length);
    expect(end % 8, 'the numbers are aligned').toBe(0);
    const header = new TextDecoder().decode(file.subarray(8, end));
    expect(header.startsWith('{')).toBe(true);
    expect(JSON.parse(header)).toEqual({
      __metadata__: { format: 'pt' },
      x: { dtype: 'F32', shape: [1, 2], data_offsets: [0, 8] },
      y: { dtype: 'F32', shape: [1], data_offsets: [8, 12] },
    });
    expect([...file.subarray(end)]).toEqual([...ONE, ...MINUS_TWO, ...ONE]);
  });
});

describe('a safetensors file is refused', () => {
  const whole = formatSafetensors(
    new Map([
      ['first', { shape: [2, 3], values: new Float32Array(6).fill(1) }],
      ['last', { shape: [4], values: new Float32Array(4).fill(2) }],
    ]),
  );
  const dataAt = whole.length - 40;

  it('where it is cut off at any byte', () => {
    parseSafetensors(whole, 'f');
    for (let length = 0; length < whole.length; length++) {
      const { message } = callerErrorOf(() => parseSafetensors(whole.subarray(0, length), 'folder/model'));
      const says =
        length < 8
          ? `${length} bytes`
          : length < dataAt
            ? 'the header is cut off'
            : /tensor "\w+" is cut off/;
      expect(message.startsWith('folder/model: '), message).toBe(true);
      expect(message, `${length} bytes`).toMatch(says);
      expect(message).toMatch(/save/);
    }
  });

  it('where numbers are of another type', () => {
    const header = '{"a":{"dtype":"I32","shape":[1],"data_offsets":[0,4]}}';
    expect(callerErrorOf(() => parseSafetensors(fileOf(header, ONE), 'f')).message).toBe(
      'f: tensor "a" is of type I32; expected F64, F32, F16 or BF16',
    );
  });

  it.each([
    ['is not JSON', '{"a":'],
    ['is null', 'null'],
    ['is a number', '7'],
    ['has a tensor that is null', '{"a":null}'],
    ['has a tensor that is a number', '{"a":5}'],
    ['has a tensor without a shape', '{"a":{"dtype":"F32","data_offsets":[0,4]}}'],
    ['has a tensor whose shape is a text', '{"a":{"dtype":"F32","shape":"1","data_offsets":[0,4]}}'],
    ['has a tensor of half a number', '{"a":{"dtype":"F32","shape":[0.5],"data_offsets":[0,2]}}'],
    ['has a tensor without offsets', '{"a":{"dtype":"F32","shape":[1]}}'],
  ])('where its header %s', (_, header) => {
    const { message } = callerErrorOf(() => parseSafetensors(fileOf(header, ONE), 'f'));
    expect(message.startsWith('f: '), message).toBe(true);
  });

  it('where its header is not UTF-8, or too long', () => {
    const broken = fileOf('{"a":1}');
    broken[10] = 0xff;
    expect(callerErrorOf(() => parseSafetensors(broken, 'f')).message).toMatch(/^f: the header is not JSON/);
    const endless = fileOf('{}');
    endless.fill(0xff, 0, 8);
    expect(callerErrorOf(() => parseSafetensors(endless, 'f')).message).toMatch(
      /^f: its first 8 bytes give a header of 18446744073709551615 bytes; expected at most 100000000/,
    );
  });

  it('or read, without another error, after any bytes change', () => {
    fc.assert(
      fc.property(fc.nat({ max: dataAt - 1 }), fc.uint8Array({ minLength: 1, maxLength: 6 }), (at, bytes) => {
        const changed = Uint8Array.from(whole);
        changed.set(bytes.subarray(0, dataAt - at), at);
        try {
          parseSafetensors(changed, 'f');
        } catch (error) {
          expect(error).toBeInstanceOf(CallerError);
        }
      }),
      runs(1000),
    );
  });
});
