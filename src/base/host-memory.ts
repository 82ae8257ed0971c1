/** Bytes of memory that machine and container allow this process; undefined where unknown, as in a browser. */
export function hostMemory(): number | undefined {
  if (typeof process === 'undefined') return undefined;
  const total = process.getBuiltinModule?.('node:os').totalmem();
  const constrained = process.constrainedMemory?.();
  // Without a limit, Node gives 0, or a number beyond all memory.
  if (total === undefined || !constrained) return total;
  return Math.min(total, constrained);
}
