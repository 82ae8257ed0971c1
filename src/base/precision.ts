import * as v from 'valibot';

export const precision = v.picklist(['f32', 'f16'], 'f32 or f16');

/** The type of the operands of matrix products. Sums are f32 in both. @useDeclaredType */
export type Precision = v.InferOutput<typeof precision>;
