/** A file as the format describes it, byte for byte: the length of the header as a u64, the header, the numbers. */
export function fileOf(header: string, data: readonly number[] = []): Uint8Array {
  const bytes = new TextEncoder().encode(header);
  const length = [0, 1, 2, 3].map((byte) => (bytes.length >>> (8 * byte)) & 255);
  return Uint8Array.of(...length, 0, 0, 0, 0, ...bytes, ...data);
}
