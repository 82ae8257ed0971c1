import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compilersTable, complaints, type KernelReport } from '../../bench/kernels/compilers-report.js';

const ROOT = join(import.meta.dirname, '../..');

const reportOf = (target: string): KernelReport =>
  JSON.parse(readFileSync(join(ROOT, `bench/results/kernels-${target}.json`), 'utf8'));

const REPORTS = {
  NVIDIA: reportOf('nvidia'),
  AMD: reportOf('amd'),
  Apple: reportOf('apple'),
  Qualcomm: reportOf('adreno'),
};

describe('registers and occupancy on four compilers', () => {
  it('stand in the README of the kernels as bench/results has them', () => {
    const readme = readFileSync(join(ROOT, 'kernels/README.md'), 'utf8');
    expect(readme).toContain(compilersTable(REPORTS));
  });

  it.each(Object.entries(REPORTS))(
    'on %s are known of every variant, and none is refused',
    (_, { kernels }) => {
      expect(kernels.length).toBeGreaterThan(100);
      expect(kernels.filter(({ statistics, problem }) => !statistics || problem)).toEqual([]);
    },
  );

  it.each(['NVIDIA', 'AMD'] as const)('on %s are without spills', (name) => {
    expect(complaints(REPORTS[name])).toEqual([]);
  });
});
