import { expect } from 'vitest';

/** An event of a file for TensorBoard. */
export interface Event {
  wallTime: number;
  step: number;
  version?: string;
  /** Whether it says that a run starts. */
  started?: true;
  scalars: Record<string, number>;
}

/** CRC-32C bit by bit, from the highest power of x down. The writer computes it in another way. */
function crcOf(bytes: Uint8Array): number {
  let register = 0xffffffff;
  for (const byte of bytes) {
    for (let bit = 0; bit < 8; bit++) {
      const isSet = ((register >>> 31) ^ (byte >>> bit)) & 1;
      register = ((register << 1) ^ (isSet ? 0x1edc6f41 : 0)) >>> 0;
    }
  }
  let reflected = 0;
  for (let bit = 0; bit < 32; bit++) if ((register >>> bit) & 1) reflected |= 1 << (31 - bit);
  return ~reflected >>> 0;
}

function expectChecksum(stored: number, bytes: Uint8Array): void {
  const rotated = (stored - 0xa282ead8) >>> 0;
  expect(((rotated >>> 17) | (rotated << 15)) >>> 0).toBe(crcOf(bytes));
}

/** The fields of a protocol buffer: numbers, or bytes. */
function fieldsOf(bytes: Uint8Array): [number, number | Uint8Array][] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  const varint = () => {
    let [value, scale] = [0, 1];
    for (; bytes[at] >= 128; scale *= 128) value += (bytes[at++] - 128) * scale;
    return value + bytes[at++] * scale;
  };
  const fields: [number, number | Uint8Array][] = [];
  while (at < bytes.length) {
    const key = varint();
    const kind = key % 8;
    if (kind === 0) {
      fields.push([key >>> 3, varint()]);
      continue;
    }
    const length = kind === 1 ? 8 : kind === 5 ? 4 : varint();
    const value = bytes.subarray(at, at + length);
    const number =
      kind === 1 ? view.getFloat64(at, true) : kind === 5 ? view.getFloat32(at, true) : undefined;
    fields.push([key >>> 3, number ?? value]);
    at += length;
  }
  return fields;
}

const text = (bytes: unknown) => new TextDecoder().decode(bytes as Uint8Array);

function eventOf(bytes: Uint8Array): Event {
  const fields = new Map(fieldsOf(bytes));
  const summary = fields.get(5) as Uint8Array | undefined;
  const values = summary ? fieldsOf(summary).map(([, value]) => new Map(fieldsOf(value as Uint8Array))) : [];
  const session = fields.get(7) as Uint8Array | undefined;
  return {
    wallTime: fields.get(1) as number,
    step: fields.get(2) as number,
    ...(fields.has(3) && { version: text(fields.get(3)) }),
    ...(session && new Map(fieldsOf(session)).get(1) === 1 && { started: true }),
    scalars: Object.fromEntries(values.map((value) => [text(value.get(1)), value.get(2) as number])),
  };
}

/** The events of a file, whose checksums must be right. */
export function readEvents(file: Uint8Array): Event[] {
  const view = new DataView(file.buffer, file.byteOffset, file.length);
  const events: Event[] = [];
  for (let at = 0; at < file.length; ) {
    const length = Number(view.getBigUint64(at, true));
    expectChecksum(view.getUint32(at + 8, true), file.subarray(at, at + 8));
    const bytes = file.subarray(at + 12, at + 12 + length);
    expectChecksum(view.getUint32(at + 12 + length, true), bytes);
    events.push(eventOf(bytes));
    at += 16 + length;
  }
  return events;
}
