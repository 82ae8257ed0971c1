import { describeValue } from '../base/describe-value.js';
import { CallerError } from '../base/errors.js';
import { type HeaderEntry, LENGTH_BYTES, readHeader } from './safetensors-header.js';
import { FLOAT_BYTES, FLOAT_NAMES, rounded, type StoredTensor } from './stored-tensor.js';

/** A tensor of a safetensors file: f32 numbers and their shape. */
export interface Tensor {
  shape: readonly number[];
  values: Float32Array;
}

/**
 * Writes tensors in the safetensors format (huggingface/safetensors): the header's length as a little-endian u64, a JSON
 * header, then the numbers, little-endian.
 * @param metadata ASCII texts for the header.
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

/**
 * Opens a safetensors file.
 * @param where What errors call the file.
 * @throws CallerError where the file is cut off, is not such a file, or is malformed: tensors that share bytes, repeated names.
 */
export function openSafetensors(file: Uint8Array, where: string): Map<string, StoredTensor> {
  const { tensors, dataAt } = readHeader(file, where);
  return new Map(
    [...tensors].map(([name, { dtype, shape, data_offsets: offsets }]) => {
      const [start, end] = offsets;
      const read = () => {
        if (Object.hasOwn(FLOAT_BYTES, dtype)) {
          return rounded(file.subarray(dataAt + start, dataAt + end), dtype);
        }
        throw new CallerError({
          what: `tensor ${describeValue(name)} is of type ${dtype}`,
          where,
          expected: FLOAT_NAMES,
        });
      };
      return [name, { shape, read }];
    }),
  );
}

/**
 * Reads all tensors of a safetensors file; f16, bf16 and f64 become f32.
 * @param where What errors call the file.
 * @throws CallerError where the file is cut off, is not such a file, or holds another type of number.
 */
export function parseSafetensors(file: Uint8Array, where: string): Map<string, Tensor> {
  const tensors = [...openSafetensors(file, where)];
  return new Map(tensors.map(([name, { shape, read }]) => [name, { shape, values: read() }]));
}

/** The metadata of a safetensors file. @throws CallerError where it is not such a file. */
export function safetensorsMetadata(file: Uint8Array, where: string): Record<string, string> {
  return readHeader(file, where).metadata;
}
