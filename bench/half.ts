/** The nearest number of f16, of two the even one. Numbers beyond its range are not rounded. */
export function half(x: number): number {
  if (x === 0 || !Number.isFinite(x)) return x;
  const unit = 2 ** (Math.max(Math.floor(Math.log2(Math.abs(x))), -14) - 10);
  const steps = x / unit;
  const rounded = Math.round(steps);
  return unit * (Math.abs(steps % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded);
}
