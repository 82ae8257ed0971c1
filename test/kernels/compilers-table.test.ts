import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { complaints, type KernelReport, rangeOf } from '../../bench/kernels/compilers-report.js';

const ROOT = join(import.meta.dirname, '../..');

const reportOf = (target: string): KernelReport =>
  JSON.parse(readFileSync(join(ROOT, `bench/results/kernels-${target}.json`), 'utf8'));

const REPORTS = {
  NVIDIA: reportOf('nvidia'),
  AMD: reportOf('amd'),
  Apple: reportOf('apple'),
  Qualcomm: reportOf('adreno'),
};

/**
 * The line of a kernel: one for each pass of attention and of the linear layers, dense and sparse together, and one for each
 * other folder, whose kernels are small.
 */
function lineOf(kernel: string): string {
  const [folder, family, pass] = kernel.split('/');
  if (!pass || !['attention', 'linear'].includes(folder)) return folder;
  return `${folder}/${family}/${pass.replace(/^(dense|sparse)_/, '')}`;
}

/** The README's table: for each kernel its registers and its occupancy on each of some adapters, over all variants. */
function compilersTable(reports: Readonly<Record<string, KernelReport>>): string {
  const head = [
    'kernel',
    ...Object.entries(reports).map(([name, { occupancyUnit }]) => `${name}: registers; ${occupancyUnit}`),
  ];
  const names = [
    ...new Set(Object.values(reports).flatMap(({ kernels }) => kernels.map(({ kernel }) => lineOf(kernel)))),
  ];
  const rows = names.sort().map((name) => [
    `\`${name}\``,
    ...Object.values(reports).map(({ kernels }) => {
      const ofLine = kernels.filter(({ kernel }) => lineOf(kernel) === name);
      const spills = ofLine.some(({ statistics }) => statistics && statistics.spills > 0);
      return [
        rangeOf(ofLine, 'registers'),
        rangeOf(ofLine, 'occupancy'),
        ...(spills ? [`spills ${rangeOf(ofLine, 'spills')}`] : []),
      ].join('; ');
    }),
  ]);
  return [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

describe('registers and occupancy on four compilers', () => {
  it('are in the README of the kernels as bench/results has them', () => {
    const readme = readFileSync(join(ROOT, 'kernels/README.md'), 'utf8');
    expect(readme).toContain(compilersTable(REPORTS));
  });

  it.each(Object.entries(REPORTS))('on %s exist for every variant, and none is refused', (_, { kernels }) => {
    expect(kernels.length).toBeGreaterThan(100);
    expect(kernels.filter(({ statistics, problem }) => !statistics || problem)).toEqual([]);
  });

  it.each(Object.keys(REPORTS) as (keyof typeof REPORTS)[])('on %s are without spills', (name) => {
    expect(complaints(REPORTS[name])).toEqual([]);
  });
});
