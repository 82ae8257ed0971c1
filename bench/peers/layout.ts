/** Rows of [tokens, heads, headDim] as [heads, tokens, headDim], which batched matrix products take. */
export function headsFirst(rows: Float32Array, heads: number, headDim: number): Float32Array {
  return swapped(rows, rows.length / (heads * headDim), heads, headDim);
}

/** The way back. */
export function tokensFirst(rows: Float32Array, heads: number, headDim: number): Float32Array {
  return swapped(rows, heads, rows.length / (heads * headDim), headDim);
}

function swapped(rows: Float32Array, outer: number, inner: number, width: number): Float32Array {
  const result = new Float32Array(rows.length);
  for (let i = 0; i < outer; i++) {
    for (let j = 0; j < inner; j++) {
      const from = (i * inner + j) * width;
      result.set(rows.subarray(from, from + width), (j * outer + i) * width);
    }
  }
  return result;
}
