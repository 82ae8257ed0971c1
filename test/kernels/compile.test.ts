import { spawnSync } from 'node:child_process';
import { appendFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { compileKernels } from '../../bench/kernels/compile.js';
import { StatisticsFile } from '../../bench/kernels/compiler-statistics.js';
import {
  complaints,
  type KernelReport,
  kernelTable,
  reportJson,
} from '../../bench/kernels/compilers-report.js';
import type { KernelInstance } from '../../bench/kernels/instances.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { testDevice } from '../support/device.js';
import { commandEnvironment } from '../support/run-command.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const folder = temporaryFolder();
const path = join(folder, 'statistics.jsonl');

/** Lines as a layer writes them, cut to the parts that are read. */
const LINES = {
  nvidia:
    '{"pipeline":0,"subgroup":32,"Instruction count":13,"Max warps/SM":48,"Spills to memory":2,"Spills to reg":3,"Number of GPRs":24}',
  amd: '{"pipeline":0,"subgroup":64,"SGPRs":108,"VGPRs":12,"Spilled SGPRs":3,"Spilled VGPRs":2,"Subgroups per SIMD":16,"Instructions":11}',
  apple: '{"pipeline":0,"subgroup":32,"Instructions":9,"GPRs":3,"Threads":1024,"Spills":2,"Fills":0}',
  adreno:
    '{"pipeline":0,"subgroup":64,"Max Waves Per Core":15,"Instruction Count":17,"Registers used":1,"STP Count":2}',
};

afterEach(() => {
  vi.restoreAllMocks();
  writeFileSync(path, '');
});

describe("a driver's statistics", () => {
  it.each([
    ['nvidia', { registers: 24, spills: 2, moved: 3, instructions: 13, occupancy: 48, subgroup: 32 }],
    ['amd', { registers: 12, spills: 2, moved: 3, instructions: 11, occupancy: 16, subgroup: 64 }],
    ['apple', { registers: 3, spills: 2, moved: 0, instructions: 9, occupancy: 1024, subgroup: 32 }],
    ['adreno', { registers: 1, spills: 2, moved: 0, instructions: 17, occupancy: 15, subgroup: 64 }],
  ] as const)('are read by the names of %s', (driver, statistics) => {
    writeFileSync(path, `${LINES.amd}\n`);
    const file = new StatisticsFile(path);
    expect(file.take()).toBeUndefined();
    appendFileSync(path, `${LINES[driver]}\n`);
    expect(file.take()).toEqual(statistics);
    expect(file.take()).toBeUndefined();
  });

  it('with unknown names are an error that lists them', () => {
    const file = new StatisticsFile(path);
    appendFileSync(path, '{"pipeline":0,"Temperature":12}\n');
    expect(() => file.take()).toThrow(/^SHADER_STATS: unknown statistics: pipeline, Temperature; expected/);
  });
});

describe('compiling kernels', () => {
  const copy: KernelInstance = { kernel: 'peaks/copy', constants: {}, headDims: [] };
  const add: KernelInstance = { kernel: 'optimizer/add', constants: {}, headDims: [] };

  it('assigns to each kernel the output of its compilation', async () => {
    const { gpu } = await testDevice();
    const device = await openDevice({ device: gpu });
    const create = gpu.createComputePipeline.bind(gpu);
    vi.spyOn(gpu, 'createComputePipeline').mockImplementation((descriptor) => {
      const line = { ...JSON.parse(LINES.apple), GPRs: descriptor.label!.length };
      appendFileSync(path, `${JSON.stringify(line)}\n`);
      return create(descriptor);
    });
    const compiled = await compileKernels(device, [copy, add], new StatisticsFile(path));
    expect(compiled.map(({ kernel, statistics }) => [kernel, statistics?.registers])).toEqual([
      ['peaks/copy', 'peaks/copy {}'.length],
      ['optimizer/add', 'optimizer/add {}'.length],
    ]);
  });

  it('reports refused kernels by module and line, and continues', async () => {
    const { gpu } = await testDevice();
    const device = await openDevice({ device: gpu });
    const broken: KernelInstance = {
      ...copy,
      kernel: 'attention/wide/dense_forward',
      constants: { PARTS: 0 },
    };
    const kernels = await compileKernels(device, [broken, add], new StatisticsFile(path));
    const lines = complaints({ kernels });
    expect(lines).toEqual([
      expect.stringMatching(/^attention\/wide\/dense_forward, PARTS 0: refused: .*\.wesl:\d+/),
    ]);
    expect(lines[0]).not.toContain('\n');
    expect(kernels.map(({ statistics }) => statistics)).toEqual([undefined, undefined]);
  });
});

describe('the report', () => {
  const numbers = { registers: 10, spills: 0, moved: 0, instructions: 100, occupancy: 16, subgroup: 32 };
  const of = (constants: Record<string, number>, changed: Partial<typeof numbers>) => ({
    kernel: 'peaks/copy' as const,
    constants,
    headDims: [],
    milliseconds: 1.4,
    statistics: { ...numbers, ...changed },
  });
  const report: KernelReport = {
    kind: 'kernels',
    adapter: { kind: 'gpu', reason: '', vendor: '', architecture: '', device: '', description: 'driver' },
    dawn: '',
    kernelHash: '',
    command: '',
    date: '',
    occupancyUnit: 'waves',
    kernels: [of({ LANES: 4 }, {}), of({ LANES: 8 }, { registers: 12, spills: 3 })],
  };

  it('names what spills', () => {
    expect(complaints(report)).toEqual(['peaks/copy, LANES 8: spills registers (3)']);
  });

  it('has a line for each kernel, from least to most', () => {
    const { head, rows } = kernelTable(report);
    expect(head).toEqual([
      'kernel',
      'variants',
      'compiled in',
      'registers',
      'spills',
      'instructions',
      'occupancy',
    ]);
    expect(rows).toEqual([['peaks/copy', '2', '3 ms', '10 to 12', '0 to 3', '100', '16']]);
    expect(kernelTable({ ...report, occupancyUnit: null }).rows).toEqual([['peaks/copy', '2', '3 ms']]);
  });

  it('is JSON of a line for each variant', () => {
    const json = reportJson(report);
    expect(JSON.parse(json)).toEqual({
      ...report,
      kernels: report.kernels.map((kernel) => ({ ...kernel, milliseconds: 1 })),
    });
    expect(json.split('\n').filter((line) => line.includes('peaks/copy'))).toHaveLength(2);
  });
});

describe('npm run kernels', () => {
  it.each([
    ['an unknown flag', ['--everything'], /^Unknown option '--everything'.* Usage: npm run kernels -- /],
    ['an unknown adapter', ['--adapter', 'none of this name'], /^kernels: --adapter: no adapter has /],
    ['a folder that is missing', ['--json', join(folder, 'none', 'kernels.json')], /^kernels: /],
  ])('refuses %s in one line', (_, args, says) => {
    const { status, stderr } = spawnSync(process.execPath, ['scripts/kernels.mjs', ...args], {
      cwd: join(import.meta.dirname, '../..'),
      env: commandEnvironment(),
      encoding: 'utf8',
    });
    // Dawn's own warnings cannot be hidden where standard error is a pipe.
    const lines = stderr
      .trim()
      .split('\n')
      .filter((line) => !line.startsWith('Warning: max'));
    expect(lines).toEqual([expect.stringMatching(says)]);
    expect(status).toBe(2);
  });
});
