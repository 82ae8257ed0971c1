import type { AdapterDescription } from '../../src/gpu/adapter.js';
import type { CompiledKernel } from './compile.js';
import type { CompilerStatistics } from './compiler-statistics.js';

/** What `npm run kernels` writes. */
export interface KernelReport {
  kind: 'kernels';
  adapter: AdapterDescription;
  dawn: string;
  kernelHash: string;
  command: string;
  date: string;
  /** What occupancies count; null where the driver told nothing. */
  occupancyUnit: string | null;
  kernels: CompiledKernel[];
}

/** The kernels of one name, in the order in which they come. */
function byName(kernels: readonly CompiledKernel[]): CompiledKernel[][] {
  const groups = new Map<string, CompiledKernel[]>();
  for (const each of kernels) groups.set(each.kernel, [...(groups.get(each.kernel) ?? []), each]);
  return [...groups.values()];
}

function range(values: readonly number[]): string {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  return least === most ? `${least}` : `${least} to ${most}`;
}

/** The least and the most of a number over some kernels, or a dash where the driver told none. */
export function rangeOf(kernels: readonly CompiledKernel[], name: keyof CompilerStatistics): string {
  const values = kernels.flatMap(({ statistics }) => (statistics ? [statistics[name]] : []));
  return values.length > 0 ? range(values) : '–';
}

/** A line for each kernel: its instances, what they took to compile together, and, where known, from least to most. */
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

/** What is wrong, a line for each kernel that was refused or spills. */
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
export function reportJson({ kernels, ...about }: KernelReport): string {
  const rounded = kernels.map((each) => ({ ...each, milliseconds: Math.round(each.milliseconds) }));
  const lines = rounded.map((each) => `    ${JSON.stringify(each)}`).join(',\n');
  const head = JSON.stringify(about, null, 2).replace(/\n\}$/, '');
  return `${head},\n  "kernels": [\n${lines}\n  ]\n}\n`;
}
