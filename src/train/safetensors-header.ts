import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { repeatedName } from '../base/json-scan.js';
import { isCount, isObject } from '../base/json-schemas.js';

/** The entry of a tensor in a header; offsets are in bytes, from the first byte after the header. */
export interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

/** A header that describes its file: every byte after it belongs to exactly one tensor. */
export interface Header {
  tensors: Map<string, HeaderEntry>;
  /** The metadata. */
  metadata: Record<string, string>;
  /** The offset of the first byte after the header. */
  dataAt: number;
}

export const LENGTH_BYTES = 8;
/** The limit of the format: a longer header is refused before it is parsed. */
const LONGEST_HEADER = 100_000_000;
const METADATA = '__metadata__';

/** The types of numbers that the format knows, by their bits. */
const TYPES = {
  4: ['F4'],
  6: ['F6_E2M3', 'F6_E3M2'],
  8: ['BOOL', 'U8', 'I8', 'F8_E5M2', 'F8_E4M3', 'F8_E5M2FNUZ', 'F8_E4M3FNUZ', 'F8_E8M0'],
  16: ['I16', 'U16', 'F16', 'BF16'],
  32: ['I32', 'U32', 'F32'],
  64: ['C64', 'F64', 'I64', 'U64'],
};

const BITS: Readonly<Record<string, number>> = Object.fromEntries(
  Object.entries(TYPES).flatMap(([bits, types]) => types.map((type) => [type, Number(bits)])),
);

class HeaderReader {
  constructor(
    private readonly file: Uint8Array,
    private readonly where: string,
  ) {}

  read(): Header {
    const { json, dataAt } = this.json();
    const metadata = this.metadata(json[METADATA]);
    const tensors = new Map<string, HeaderEntry>();
    for (const [name, entry] of Object.entries(json)) {
      if (name !== METADATA) tensors.set(name, this.entry(name, entry, this.file.length - dataAt));
    }
    this.checkPlaces(tensors, this.file.length - dataAt);
    return { tensors, metadata, dataAt };
  }

  private json(): { json: Record<string, unknown>; dataAt: number } {
    const { file } = this;
    if (file.length < LENGTH_BYTES) this.fail(`${file.length} bytes`);
    const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
    const length = view.getBigUint64(0, true);
    if (length > LONGEST_HEADER) {
      this.fail(`its first 8 bytes give a header of ${length} bytes`, `at most ${LONGEST_HEADER}`);
    }
    const dataAt = LENGTH_BYTES + Number(length);
    if (dataAt > file.length) this.fail('the header is cut off');
    let text = '';
    let json: unknown;
    try {
      text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
        file.subarray(LENGTH_BYTES, dataAt),
      );
      json = JSON.parse(text);
    } catch {
      this.fail('the header is not JSON');
    }
    if (!isObject(json) || !text.startsWith('{')) return this.fail('the header is not a JSON object');
    const twice = repeatedName(text);
    if (twice !== undefined) this.fail(`the header has ${describeValue(twice)} twice`, 'every name once');
    return { json, dataAt };
  }

  private metadata(value: unknown = {}): Record<string, string> {
    const isTexts = isObject(value) && Object.values(value).every((each) => typeof each === 'string');
    if (isTexts) return value as Record<string, string>;
    return this.fail(
      `"${METADATA}" is ${isObject(value) ? 'not of texts alone' : describeValue(value)}`,
      'texts by name',
    );
  }

  private entry(name: string, entry: unknown, dataBytes: number): HeaderEntry {
    const tensor = `tensor ${describeValue(name)}`;
    const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : ({} as Record<string, unknown>);
    const isTensor =
      typeof dtype === 'string' &&
      Array.isArray(shape) &&
      shape.every(isCount) &&
      Array.isArray(offsets) &&
      offsets.length === 2 &&
      offsets.every(isCount);
    if (!isTensor)
      this.fail(`${tensor} is not described`, 'its dtype, shape and data_offsets, all whole numbers');
    const [type, sizes, [start, end]] = [dtype as string, shape as number[], offsets as [number, number]];
    if (!Object.hasOwn(BITS, type))
      this.fail(`${tensor} is of type ${describeValue(type)}`, 'a type of the format');
    const bytes = bytesOf(sizes, BITS[type]);
    if (end - start !== bytes) {
      this.fail(
        `${tensor} has bytes ${start} to ${end}`,
        bytes === undefined
          ? 'a shape of fewer numbers'
          : `${bytes} bytes for ${type} numbers of shape [${sizes.join(', ')}]`,
      );
    }
    if (end > dataBytes) this.fail(`${tensor} is cut off`, `${end} bytes after the header, not ${dataBytes}`);
    return { dtype: type, shape: sizes, data_offsets: [start, end] };
  }

  /** Checks, as the format demands, that every byte belongs to exactly one tensor. */
  private checkPlaces(tensors: ReadonlyMap<string, HeaderEntry>, dataBytes: number): void {
    const inOrder = [...tensors].sort(
      ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
    );
    let [before, at] = ['', 0];
    for (const [name, { data_offsets: offsets }] of inOrder) {
      const [start, end] = offsets;
      if (start < at) {
        this.fail(
          `tensors ${describeValue(before)} and ${describeValue(name)} share bytes ${start} to ${Math.min(at, end)}`,
          'bytes of their own',
        );
      }
      if (start > at) this.fail(`bytes ${at} to ${start} belong to no tensor`, 'tensors without gaps');
      [before, at] = [name, end];
    }
    if (at < dataBytes)
      this.fail(`bytes ${at} to ${dataBytes} belong to no tensor`, 'no bytes after the last tensor');
  }

  private fail(what: string, expected = 'a whole safetensors file'): never {
    throw new CallerError({ what, where: this.where, expected, remedy: 'copy or save the file again' });
  }
}

/** The bytes of a tensor; undefined where a file could not hold them. */
function bytesOf(shape: readonly number[], bits: number): number | undefined {
  if (shape.includes(0)) return 0;
  const all = shape.reduce((product, size) => product * size, bits) / 8;
  return isCount(all) ? all : undefined;
}

/**
 * Reads and checks the header of a safetensors file.
 * @param where What errors call the file.
 * @throws CallerError where it is cut off, or breaks the format's rules.
 */
export function readHeader(file: Uint8Array, where: string): Header {
  return new HeaderReader(file, where).read();
}
