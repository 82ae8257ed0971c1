import { adapterName } from '../src/gpu/adapter.js';
import type { Environment } from './environment.js';

function field(value: unknown): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/**
 * Rows as CSV (RFC 4180) with a head line; what is said of the whole run is in every row, so that a row cut out of the
 * file still says where it comes from. Lists and objects are JSON.
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
    const own = columns.map((column) => field((row as Record<string, unknown>)[column]));
    return [...own, ...Object.values(common).map(field)].join(',');
  });
  return `${[[...columns, ...Object.keys(common)].join(','), ...lines].join('\r\n')}\r\n`;
}
