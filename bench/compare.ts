import type * as v from 'valibot';
import { CallerError } from '../src/base/errors.js';
import { JsonText } from '../src/base/json-text.js';
import { gateOf, missingSections } from './gpu-report.js';
import { COMPARABLE, COMPARABLE_GPU } from './report-schema.js';

type ComparableReport = v.InferOutput<typeof COMPARABLE>;
type ComparableRow = ComparableReport['rows'][number];

export type Verdict = 'regression' | 'improvement' | 'noise' | 'not comparable';

/** A row of one report and the same row of another. */
interface Comparison {
  name: string;
  before: number;
  after: number;
  /** The ratio to dense after, over the ratio before: ratios cancel the noise of the machine. */
  change: number;
  verdict: Verdict;
}

/**
 * A smaller change is noise even where intervals do not overlap: two processes on one machine differ by this share because of
 * their memory layout.
 */
const SMALLEST_CHANGE = 0.03;

function nameOf({
  strategy,
  rules,
  batch,
  length,
  heads,
  headDim,
  pass,
  peer,
  mask,
  precision,
}: ComparableRow): string {
  const shape = heads === undefined ? '' : `, ${heads} heads of ${headDim}`;
  const implementation = peer === undefined ? `${strategy} (${rules})` : `${peer}${mask ? ', masked' : ''}`;
  return `${implementation}, ${batch} x ${length}${shape}${pass ? `, ${pass}` : ''}${peer === undefined && precision === 'f16' ? ', f16' : ''}`;
}

/**
 * @returns The report, and the sections of `bench gpu` that it lacks, in words.
 * @throws CallerError where a JSON text is not the report of a benchmark with ratios.
 */
export function parseReport(text: string, file: string): ComparableReport & { missing: string[] } {
  const expected = 'a file that `parsimony bench gpu`, `bench attention --json` or `bench step --json` wrote';
  if (/^\s*{\s*"kind":\s*"gpu"/.test(text)) {
    const report = new JsonText(text, file, { expected }).checked(COMPARABLE_GPU);
    const rows = report.reports.flatMap((part) => (part.kind === 'limits' ? [] : part.rows));
    // A red check of one section is one of all sections of its precision.
    const none = { ratioToDense: null, ratioLow: null, ratioHigh: null };
    return {
      environment: report.environment,
      rows: rows.map((row) => (gateOf(report, row.precision).passed ? row : { ...row, ...none })),
      missing: missingSections(report),
    };
  }
  if (!/"ratioToDense"/.test(text)) {
    throw new CallerError({ what: 'not a report with times over dense', where: file, expected });
  }
  return { ...new JsonText(text, file, { expected }).checked(COMPARABLE), missing: [] };
}

/**
 * Compares two reports row by row, by each row's time over that of dense in the same run: a slower machine slows both. Rows differ
 * where their intervals do not overlap and the change is larger than 3 %.
 */
export function compareReports(before: ComparableReport, after: ComparableReport): Comparison[] {
  const rowsAfter = new Map(after.rows.map((row) => [nameOf(row), row]));
  const found: Comparison[] = [];
  for (const row of before.rows) {
    const name = nameOf(row);
    const other = rowsAfter.get(name);
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
