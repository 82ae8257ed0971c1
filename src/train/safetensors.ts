import { CallerError } from '../gpu/errors.js';
import { FLOAT_BYTES, FLOAT_NAMES, type StoredTensor, widened } from './stored-tensor.js';

/** A tensor of a safetensors file: f32 numbers and their shape. */
export interface Tensor {
  shape: readonly number[];
  values: Float32Array;
}

interface HeaderEntry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const LENGTH_BYTES = 8;
/** The format's own bound: a longer header is refused before it is parsed. */
const LONGEST_HEADER = 100_000_000;

/**
 * Writes tensors in the safetensors format (huggingface/safetensors): the header's length as a little-endian u64, a JSON
 * header, then the numbers, little-endian.
 * @param metadata ASCII texts that the header carries beside.
 */
export function formatSafetensors(
  tensors: ReadonlyMap<string, Tensor>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const header: Record<string, HeaderEntry | Record<string, string>> = {
    __metadata__: { format: 'pt', ...metadata },
  };
  let offset = 0;
  for (const [name, { shape, values }] of tensors) {
    header[name] = { dtype: 'F32', shape: [...shape], data_offsets: [offset, offset + values.byteLength] };
    offset += values.byteLength;
  }
  let json = JSON.stringify(header);
  json += ' '.repeat((8 - (json.length % 8)) % 8);
  const headerBytes = new TextEncoder().encode(json);
  const file = new Uint8Array(LENGTH_BYTES + headerBytes.length + offset);
  new DataView(file.buffer).setBigUint64(0, BigInt(headerBytes.length), true);
  file.set(headerBytes, LENGTH_BYTES);
  let at = LENGTH_BYTES + headerBytes.length;
  for (const { values } of tensors.values()) {
    file.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), at);
    at += values.byteLength;
  }
  return file;
}

function readHeader(file: Uint8Array, where: string): { header: Record<string, unknown>; dataAt: number } {
  const fail = (what: string): never => {
    throw new CallerError({
      what,
      where,
      expected: 'a whole safetensors file',
      remedy: 'copy or save it again',
    });
  };
  if (file.length < LENGTH_BYTES) fail(`${file.length} bytes`);
  const view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  const length = Number(view.getBigUint64(0, true));
  if (length > LONGEST_HEADER || LENGTH_BYTES + length > file.length) fail('the header is cut off');
  try {
    const json = new TextDecoder('utf-8', { fatal: true }).decode(
      file.subarray(LENGTH_BYTES, LENGTH_BYTES + length),
    );
    const header: unknown = JSON.parse(json);
    if (header && typeof header === 'object' && !Array.isArray(header)) {
      return { header: header as Record<string, unknown>, dataAt: LENGTH_BYTES + length };
    }
  } catch {
    return fail('the header is no JSON');
  }
  return fail('the header is no JSON object');
}

const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

/** @throws CallerError where a header's entry does not describe a tensor. */
function checkedEntry(name: string, entry: unknown, where: string): HeaderEntry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Partial<HeaderEntry>;
  const isTensor =
    typeof dtype === 'string' &&
    Array.isArray(shape) &&
    shape.every(isCount) &&
    Array.isArray(offsets) &&
    offsets.length === 2 &&
    offsets.every(Number.isSafeInteger);
  if (isTensor) return entry as HeaderEntry;
  throw new CallerError({
    what: `tensor "${name}" is not described`,
    where,
    expected: 'its dtype, shape and data_offsets',
    remedy: 'copy or save the file again',
  });
}

/**
 * Opens a safetensors file.
 * @param where What errors call the file.
 * @throws CallerError where the file is cut off or is no such file.
 */
export function openSafetensors(file: Uint8Array, where: string): Map<string, StoredTensor> {
  const { header, dataAt } = readHeader(file, where);
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, data_offsets: offsets } = checkedEntry(name, entry, where);
    const [start, end] = offsets;
    const bytes = Object.hasOwn(FLOAT_BYTES, dtype)
      ? FLOAT_BYTES[dtype] * shape.reduce((product, size) => product * size, 1)
      : end - start;
    if (end - start !== bytes || bytes < 0 || start < 0 || dataAt + end > file.length) {
      throw new CallerError({
        what: `tensor "${name}" is cut off`,
        where,
        expected: `${bytes} bytes`,
        remedy: 'copy or save the file again',
      });
    }
    const read = () => {
      if (Object.hasOwn(FLOAT_BYTES, dtype)) {
        return widened(file.subarray(dataAt + start, dataAt + end), dtype);
      }
      throw new CallerError({ what: `tensor "${name}" is of type ${dtype}`, where, expected: FLOAT_NAMES });
    };
    tensors.set(name, { shape, read });
  }
  return tensors;
}

/**
 * Reads all tensors of a safetensors file; f16 and bf16 become f32.
 * @param where What errors call the file.
 * @throws CallerError where the file is cut off, is no such file, or holds another type of number.
 */
export function parseSafetensors(file: Uint8Array, where: string): Map<string, Tensor> {
  const tensors = [...openSafetensors(file, where)];
  return new Map(tensors.map(([name, { shape, read }]) => [name, { shape, values: read() }]));
}

/** The texts that a safetensors file carries beside its tensors. @throws CallerError where it is no such file. */
export function safetensorsMetadata(file: Uint8Array, where: string): Record<string, unknown> {
  const { __metadata__: metadata } = readHeader(file, where).header;
  return metadata && typeof metadata === 'object' ? (metadata as Record<string, unknown>) : {};
}
