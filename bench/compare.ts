import type * as v from 'valibot';
import { CallerError } from '../src/base/errors.js';
import { JsonText } from '../src/base/json-text.js';
import { COMPARABLE } from './report-schema.js';

type ComparableReport = v.InferOutput<typeof COMPARABLE>;
type ComparableRow = ComparableReport['rows'][number];

export type Verdict = 'regression' | 'improvement' | 'noise' | 'not comparable';

/** One row of A beside the same of B. */
interface Comparison {
  name: string;
  before: number;
  after: number;
  /** After over before: of the ratios to dense, which noise of the machine cancels from. */
  change: number;
  verdict: Verdict;
}

/**
 * Less than this is called noise even where intervals do not overlap: two processes on one machine differ by so much in
 * memory layout alone.
 */
const SMALLEST_CHANGE = 0.03;

function nameOf({ strategy, rules, batch, length, heads, headDim, pass, peer, mask }: ComparableRow): string {
  const shape = heads === undefined ? '' : `, ${heads} heads of ${headDim}`;
  const about = peer === undefined ? `${strategy} (${rules})` : `${peer}${mask ? ', masked' : ''}`;
  return `${about}, ${batch} x ${length}${shape}${pass ? `, ${pass}` : ''}`;
}

/** @throws CallerError where a JSON text is not the report of a benchmark with ratios. */
export function parseReport(text: string, file: string): ComparableReport {
  const expected = 'a file that `parsimony bench attention --json` or `bench step --json` wrote';
  if (!/"ratioToDense"/.test(text)) {
    throw new CallerError({ what: 'no report with times over dense', where: file, expected });
  }
  return new JsonText(text, file, { expected }).checked(COMPARABLE);
}

/**
 * Compares two reports row by row, by each row's time over dense's in its own run: a machine that is slower today is slower
 * for both. A change is one where the two intervals do not overlap and which is larger than 3 %.
 */
export function compareReports(before: ComparableReport, after: ComparableReport): Comparison[] {
  const others = new Map(after.rows.map((row) => [nameOf(row), row]));
  const found: Comparison[] = [];
  for (const row of before.rows) {
    const name = nameOf(row);
    const other = others.get(name);
    if (!other || (row.strategy === 'none' && row.ratioToDense === 1)) continue;
    found.push(compareRows(name, row, other));
  }
  return found;
}

function compareRows(name: string, before: ComparableRow, after: ComparableRow): Comparison {
  if (before.ratioToDense === null || after.ratioToDense === null) {
    return { name, before: Number.NaN, after: Number.NaN, change: Number.NaN, verdict: 'not comparable' };
  }
  const change = after.ratioToDense / before.ratioToDense;
  const isSlower = after.ratioLow! > before.ratioHigh! && change > 1 + SMALLEST_CHANGE;
  const isFaster = after.ratioHigh! < before.ratioLow! && change < 1 - SMALLEST_CHANGE;
  const verdict = isSlower ? 'regression' : isFaster ? 'improvement' : 'noise';
  return { name, before: before.ratioToDense, after: after.ratioToDense, change, verdict };
}
