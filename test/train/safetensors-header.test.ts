import { describe, expect, it } from 'vitest';
import { openSafetensors, safetensorsMetadata } from '../../src/train/safetensors.js';
import { callerErrorOf } from '../grammar/caller-error.js';
import { fileOf } from '../support/safetensors-file.js';

/** Eight bytes after the header. */
const DATA = [0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0];

function tensor(
  name: string,
  start: number,
  end: number,
  shape = [(end - start) / 4],
  dtype = 'F32',
): string {
  return `"${name}":${JSON.stringify({ dtype, shape, data_offsets: [start, end] })}`;
}

/** The message with which a file of this header and `DATA` is refused. */
function refusalOf(header: string, data = DATA): string {
  return callerErrorOf(() => openSafetensors(fileOf(header, data), 'f')).message;
}

describe("a safetensors file's bytes belong to one tensor each", () => {
  it.each([
    ['the same bytes', [tensor('a', 0, 8), tensor('b', 0, 8)], /^f: tensors "a" and "b" share bytes 0 to 8;/],
    ['some bytes', [tensor('b', 4, 8), tensor('a', 0, 8)], /^f: tensors "a" and "b" share bytes 4 to 8;/],
    ['bytes inside', [tensor('a', 0, 8), tensor('b', 0, 4)], /^f: tensors "b" and "a" share bytes 0 to 4;/],
    ['a gap', [tensor('a', 4, 8)], /^f: bytes 0 to 4 belong to no tensor; expected tensors without gaps;/],
    ['an end too many', [tensor('a', 0, 4)], /^f: bytes 4 to 8 belong to no tensor; expected no bytes after/],
    ['no tensor', [], /^f: bytes 0 to 8 belong to no tensor/],
  ])('and those with %s are refused', (_, tensors, says) => {
    expect(refusalOf(`{${tensors.join()}}`)).toMatch(says);
  });

  it('also where tensors have no numbers', () => {
    const header = `{${[tensor('b', 0, 8), tensor('none', 0, 0), tensor('end', 8, 8, [3, 0])].join()}}`;
    expect([...openSafetensors(fileOf(header, DATA), 'f')].map(([name, { shape }]) => [name, shape])).toEqual(
      [
        ['b', [2]],
        ['none', [0]],
        ['end', [3, 0]],
      ],
    );
    expect(refusalOf(`{${[tensor('a', 0, 8), tensor('none', 4, 4)].join()}}`)).toMatch(/share bytes 4 to 4/);
  });
});

describe('a safetensors header is refused', () => {
  it.each([
    ['a tensor twice', `{${tensor('a', 0, 4)},${tensor('a', 4, 8)}}`, 'the header has "a" twice'],
    [
      'a tensor twice, once escaped',
      `{${tensor('a', 0, 4)},${tensor('\\u0061', 4, 8)}}`,
      'the header has "a" twice',
    ],
    [
      'two offsets of a tensor',
      '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8],"data_offsets":[0,8]}}',
      'the header has "data_offsets" twice',
    ],
    [
      'too many numbers',
      `{${tensor('a', 0, 4, [2])}}`,
      'tensor "a" has bytes 0 to 4; expected 8 bytes for F32',
    ],
    [
      'too few numbers',
      `{${tensor('a', 0, 8, [1])}}`,
      'tensor "a" has bytes 0 to 8; expected 4 bytes for F32',
    ],
    ['an end before the beginning', `{${tensor('a', 4, 0, [1])}}`, 'tensor "a" has bytes 4 to 0'],
    ['an offset before the numbers', `{${tensor('a', -4, 0)}}`, 'tensor "a" is not described'],
    ['an offset after the file', `{${tensor('a', 8, 16)}}`, 'tensor "a" is cut off; expected 16 bytes'],
    [
      'numbers beyond counting',
      `{${tensor('a', 0, 8, [2 ** 40, 2 ** 40])}}`,
      'tensor "a" has bytes 0 to 8; expected a shape',
    ],
    ['a size that is not an integer', `{${tensor('a', 0, 8, [2 ** 60])}}`, 'tensor "a" is not described'],
    ['a type of no format', `{${tensor('a', 0, 8, [2], 'F33')}}`, 'tensor "a" is of type "F33"'],
    ["a type by an object's own name", `{${tensor('a', 0, 8, [2], 'constructor')}}`, 'of type "constructor"'],
    [
      'a number for a text',
      `{"__metadata__":{"format":1},${tensor('a', 0, 8)}}`,
      '"__metadata__" is not of texts',
    ],
    ['a list for texts', `{"__metadata__":[],${tensor('a', 0, 8)}}`, '"__metadata__" is an empty list'],
    ['space in front', ` {${tensor('a', 0, 8)}}`, 'the header is not a JSON object'],
    [
      'a shape that is deep',
      `{"a":{"dtype":"F32","shape":${'['.repeat(30_000)}${']'.repeat(30_000)}}}`,
      'not described',
    ],
  ])('with %s', (_, header, says) => {
    const message = refusalOf(header);
    expect(message.startsWith('f: '), message).toBe(true);
    expect(message).toContain(says);
    expect(message.length).toBeLessThan(300);
  });
});

it('the metadata of a safetensors header are read', () => {
  const header = `{"__metadata__":{"format":"pt","":"x"},${tensor('a', 0, 8)}}`;
  expect(safetensorsMetadata(fileOf(header, DATA), 'f')).toEqual({ format: 'pt', '': 'x' });
  expect(safetensorsMetadata(fileOf(`{${tensor('a', 0, 8)}}`, DATA), 'f')).toEqual({});
});
