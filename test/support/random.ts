/** A small seeded generator for test data (Mulberry32, Tommy Ettinger). */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/** `length` f32 numbers, evenly spread over -size to size. */
export function randomFloats(random: () => number, length: number, size = 1): Float32Array {
  return Float32Array.from({ length }, () => (2 * random() - 1) * size);
}

export function randomInteger(random: () => number, from: number, to: number): number {
  return from + Math.floor(random() * (to - from + 1));
}
