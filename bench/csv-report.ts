import { adapterName } from '../src/gpu/adapter.js';
import type { Environment } from './environment.js';

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Rows as CSV (RFC 4180) with a header. The fields of the whole run are in every row, so that each row is complete. Lists and
 * objects are JSON.
 */
export function formatCsv(
  environment: Environment,
  gate: { passed: boolean; maxError: number } | undefined,
  rows: readonly object[],
): string {
  const { adapter, dawn, kernelHash, seed, command, date } = environment;
  const common = {
    adapter: adapterName(adapter),
    adapterKind: adapter.kind,
    dawn: dawn.package,
    toggles: dawn.toggles.join(' '),
    kernelHash,
    seed,
    load: environment.load[0],
    ...(gate && { gatePassed: gate.passed, maxError: gate.maxError }),
    command,
    date,
  };
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const lines = rows.map((row) => {
    const fields = columns.map((column) => field((row as Record<string, unknown>)[column]));
    return [...fields, ...Object.values(common).map(field)].join(',');
  });
  return `${[[...columns, ...Object.keys(common)].join(','), ...lines].join('\r\n')}\r\n`;
}
