/**
 * As much of the protocol-buffers wire format as an ONNX model needs (protobuf.dev/programming-guides/encoding): a message is
 * a string of fields, each a tag (field number and wire type) and a payload.
 */

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const FIXED_32 = 5;

/** One encoded field, or several. */
export type Encoded = Uint8Array;

/** Joins encoded fields to a message. */
export function message(...fields: readonly Encoded[]): Encoded {
  const bytes = new Uint8Array(fields.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

/** Seven bits a byte, the lowest first; the top bit says that more follow. Numbers from 0 to 2⁵³ - 1. */
export function varint(value: number): Encoded {
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`no varint: ${value}`);
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function tag(field: number, wireType: number): Encoded {
  return varint(field * 8 + wireType);
}

/** An int32, int64, enum or bool field. */
export function int(field: number, value: number): Encoded {
  return message(tag(field, VARINT), varint(value));
}

/** A repeated integer field, packed: one payload with all numbers. */
export function ints(field: number, values: readonly number[]): Encoded {
  return bytes(field, message(...values.map(varint)));
}

/** A float field. */
export function float(field: number, value: number): Encoded {
  const payload = new Uint8Array(4);
  new DataView(payload.buffer).setFloat32(0, value, true);
  return message(tag(field, FIXED_32), payload);
}

/** A field of bytes, or a message within a message. */
export function bytes(field: number, payload: Encoded): Encoded {
  return message(tag(field, LENGTH_DELIMITED), varint(payload.length), payload);
}

/** A text field. */
export function text(field: number, value: string): Encoded {
  return bytes(field, new TextEncoder().encode(value));
}
