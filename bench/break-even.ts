import { linearRegression } from 'simple-statistics';
import type { AttentionRow } from './attention-row.js';
import type { Pass } from './attention-settings.js';
import { isImpossible } from './plausibility.js';

/** Where sparse attention is as fast as dense attention. */
export interface BreakEven {
  strategy: string;
  rules: string;
  pass: Pass;
  heads: number;
  /** Channels of a head. */
  headDim: number;
  /** From this measured length on it is faster than dense, with 99 % confidence; null where it never is. */
  length: number | null;
  /** The same with sorting and planning added to its time. */
  lengthWithPlanning: number | null;
  /**
   * The density at which it would take as long as dense at the longest length: where the line through all tag-sorted
   * implementations' (density, time over dense's time) meets 1. Null with fewer than two different densities, and where it meets 1
   * at no density.
   */
  density: number | null;
}

const sameShape = (a: AttentionRow, b: AttentionRow) =>
  a.heads === b.heads && a.headDim === b.headDim && a.pass === b.pass && a.text === b.text;

/** The shortest length from which on every longer one is faster too. */
function firstFaster(rows: readonly AttentionRow[], isFaster: (row: AttentionRow) => boolean): number | null {
  const byLength = [...rows].sort((a, b) => b.length - a.length);
  let first: number | null = null;
  for (const row of byLength) {
    if (!isFaster(row)) break;
    first = row.length;
  }
  return first;
}

function densityAt(rows: readonly AttentionRow[]): number | null {
  const longest = Math.max(...rows.map((row) => row.length));
  const points = rows
    .filter(
      (row) => row.length === longest && row.order === 'tags' && row.density < 1 && row.ratioToDense !== null,
    )
    .map((row) => [row.density, row.ratioToDense!]);
  if (new Set(points.map(([density]) => density.toFixed(2))).size < 2) return null;
  const { m: slope, b: intercept } = linearRegression(points);
  const density = slope > 0 ? (1 - intercept) / slope : Number.NaN;
  // Outside of 0 to 1, sparse is faster, or slower, at every density.
  return density > 0 && density <= 1 ? density : null;
}

/** Break-even points for every sparse strategy, rule set, shape and pass among rows of documents. */
export function breakEvens(rows: readonly AttentionRow[]): BreakEven[] {
  const documents = rows.filter(
    (row) => row.text === 'document' && row.ratioToDense !== null && !isImpossible(row),
  );
  const found = new Map<string, BreakEven>();
  for (const row of documents) {
    const { strategy, rules, pass, heads, headDim } = row;
    if (row.order !== 'tags' || row.density === 1 || strategy === 'none') continue;
    const name = JSON.stringify([strategy, rules, pass, heads, headDim]);
    if (found.has(name)) continue;
    const alike = documents.filter((other) => sameShape(row, other));
    const ofStrategy = alike.filter((other) => other.strategy === strategy && other.rules === rules);
    found.set(name, {
      strategy,
      rules,
      pass,
      heads,
      headDim,
      length: firstFaster(ofStrategy, ({ ratioHigh }) => ratioHigh! < 1),
      lengthWithPlanning: firstFaster(ofStrategy, ({ ratioHigh, planMs, medianMs }) => {
        return ratioHigh! * (1 + planMs / medianMs) < 1;
      }),
      density: densityAt(alike),
    });
  }
  return [...found.values()];
}
