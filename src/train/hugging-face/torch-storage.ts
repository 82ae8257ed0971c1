import { describeValue } from '../../base/describe-value.js';
import { CallerError } from '../../base/errors.js';
import { FLOAT_BYTES, FLOAT_NAMES, rounded, type StoredTensor } from '../stored-tensor.js';

/** PyTorch's types of storages, in safetensors' names, with the bytes of a number. */
export const STORAGE_TYPES: Readonly<Record<string, { type: string; bytes: number }>> = {
  FloatStorage: { type: 'F32', bytes: 4 },
  HalfStorage: { type: 'F16', bytes: 2 },
  BFloat16Storage: { type: 'BF16', bytes: 2 },
  DoubleStorage: { type: 'F64', bytes: 8 },
  LongStorage: { type: 'I64', bytes: 8 },
  IntStorage: { type: 'I32', bytes: 4 },
  ShortStorage: { type: 'I16', bytes: 2 },
  CharStorage: { type: 'I8', bytes: 1 },
  ByteStorage: { type: 'U8', bytes: 1 },
  BoolStorage: { type: 'BOOL', bytes: 1 },
};

/** PyTorch's storage: a flat list of numbers, of which tensors are views. */
export interface Storage {
  type: string;
  /** Numbers. */
  length: number;
  /** @throws CallerError where the file holds more or fewer. */
  bytes(): Uint8Array;
}

/** A tensor as a view of a storage: its element (i, j, …) is number offset + i·strides[0] + j·strides[1] + … there. */
export interface View {
  storage: Storage;
  offset: number;
  shape: readonly number[];
  strides: readonly number[];
}

function gather(all: Float32Array, { offset, shape, strides }: View, values: Float32Array): Float32Array {
  const index = shape.map(() => 0);
  let from = offset;
  for (let at = 0; at < values.length; at++) {
    values[at] = all[from];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return values;
}

function isContiguous({ shape, strides }: View): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false;
    expected *= shape[axis];
  }
  return true;
}

/**
 * A tensor from its view of a storage.
 * @throws CallerError where the view reaches beyond the storage's end, or has more numbers than the storage.
 */
export function storedTensor(view: View, name: string, where: string): StoredTensor {
  const { storage, offset, shape, strides } = view;
  const length = shape.includes(0) ? 0 : shape.reduce((product, size) => product * size, 1);
  const last = shape.reduce((sum, size, axis) => sum + (size - 1) * strides[axis], offset);
  if (length > storage.length || (length > 0 && last >= storage.length)) {
    throw new CallerError({
      what: `tensor ${describeValue(name)} looks beyond the end of its storage of ${storage.length} numbers`,
      where,
      remedy: 'copy or save the file again',
    });
  }
  const read = () => {
    const { type } = storage;
    if (!Object.hasOwn(FLOAT_BYTES, type)) {
      throw new CallerError({
        what: `tensor ${describeValue(name)} is of type ${type}`,
        where,
        expected: FLOAT_NAMES,
      });
    }
    const bytes = storage.bytes();
    if (!isContiguous(view)) return gather(rounded(bytes, type), view, new Float32Array(length));
    const size = FLOAT_BYTES[type];
    return rounded(bytes.subarray(size * offset, size * (offset + length)), type);
  };
  return { shape, read };
}
