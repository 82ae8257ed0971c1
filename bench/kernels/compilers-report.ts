import { jsonText } from '../../src/base/json-text.js';
import type { AdapterDescription } from '../../src/gpu/adapter.js';
import type { CompiledKernel } from './compile.js';
import type { CompilerStatistics } from './compiler-statistics.js';

/** The file that `npm run kernels` writes. */
export interface KernelReport {
  kind: 'kernels';
  adapter: AdapterDescription;
  dawn: string;
  kernelHash: string;
  command: string;
  date: string;
  /** The unit of occupancies; null where the driver reports none. */
  occupancyUnit: string | null;
  kernels: CompiledKernel[];
}

/** Groups kernels by name, in their order. */
function byName(kernels: readonly CompiledKernel[]): CompiledKernel[][] {
  const groups = new Map<string, CompiledKernel[]>();
  for (const each of kernels) groups.set(each.kernel, [...(groups.get(each.kernel) ?? []), each]);
  return [...groups.values()];
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The range of a statistic over some kernels, or a dash without statistics. */
export function rangeOf(kernels: readonly CompiledKernel[], name: keyof CompilerStatistics): string {
  const values = kernels.flatMap(({ statistics }) => (statistics ? [statistics[name]] : []));
  return values.length > 0 ? range(values) : '–';
}

/** A row for each kernel: the number of its instances, their compile time and, where the driver reports them, ranges of statistics. */
export function kernelTable({ kernels, occupancyUnit }: KernelReport): { head: string[]; rows: string[][] } {
  const columns = occupancyUnit === null ? [] : STATISTICS;
  const rows = byName(kernels).map((instances) => [
    instances[0].kernel,
    `${instances.length}`,
    `${instances.reduce((sum, { milliseconds }) => sum + milliseconds, 0).toFixed(0)} ms`,
    ...columns.map((name) => rangeOf(instances, name)),
  ]);
  return { head: ['kernel', 'variants', 'compiled in', ...columns], rows };
}

const STATISTICS = ['registers', 'spills', 'instructions', 'occupancy'] as const;

/** A line for each kernel that was refused or spills. */
export function complaints({ kernels }: Pick<KernelReport, 'kernels'>): string[] {
  return kernels.flatMap(({ kernel, constants, problem, statistics }) => {
    const named = Object.entries(constants).map(([name, value]) => `${name} ${value}`);
    const instance = [kernel, ...named].join(', ');
    if (problem) return [`${instance}: refused: ${problem}`];
    return statistics && statistics.spills > 0
      ? [`${instance}: spills registers (${statistics.spills})`]
      : [];
  });
}

/** The report as JSON, a line for each kernel. */
export function reportJson({ kernels, ...header }: KernelReport): string {
  const rounded = kernels.map((each) => ({ ...each, milliseconds: Math.round(each.milliseconds) }));
  return jsonText({ ...header, kernels: rounded });
}
