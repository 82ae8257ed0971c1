import type { LinearShape } from '../src/nn/linear-family.js';
import { stepTime } from '../src/plan/machine.js';
import { orNothing, percent, short } from '../src/report/page/numbers.js';
import { isOverAll } from './plausibility.js';
import type { MeasuredMachine } from './predicted-schedule.js';
import { type BenchColumn, type BenchTable, benchTable, column, number, trusted } from './report-table.js';
import type { LimitsReport, RooflineRow } from './roofline.js';
import { COMPARES, GFLOPS, HEADS, LENGTH, TIME } from './table-columns.js';

/** A column of shares of a peak, with a warning above 100 %. */
function shareColumn<Name extends string>(
  heading: string,
  name: Name,
): BenchColumn<Record<Name, number | null>> {
  return column(heading, (row) => trusted(orNothing(row[name], percent), isOverAll(row[name])), {
    ...COMPARES,
    tone: (row) => (isOverAll(row[name]) ? 'bad' : undefined),
  });
}

/** What runs the workgroups of dense attention, forward, as probes found it. */
function machineRows({ multiprocessors, sharesBeforehand, item, kernels }: MeasuredMachine): string[][] {
  const microseconds = (time: number) => `${short(time)} µs`;
  return [
    [
      'multiprocessors or threads',
      `${multiprocessors}${sharesBeforehand ? ', shares given out beforehand' : ''}`,
    ],
    ['a workgroup beside its steps', microseconds(item)],
    ...kernels.flatMap(({ rows, resident, dense }) => [
      [`workgroups of ${rows} rows on each at a time`, `${resident}`],
      [`a step of ${rows} rows, alone`, microseconds(stepTime(dense))],
      [`a step of ${rows} rows among others, over their number`, microseconds(dense.busy)],
    ]),
  ];
}

/** The tables of `bench limits`. */
export function limitsTables(report: LimitsReport): BenchTable[] {
  const { limits, products, dense, rows } = report;
  const microseconds = (value: number | null) => orNothing(value ?? null, (time) => `${short(time)} µs`);
  const peaks: string[][] = [
    ['multiply-adds, no memory', `${short(limits.multiplyAddGflops)} GFLOP/s`],
    ['our own matrix product, f32, the best below', `${short(limits.matrixProductGflops)} GFLOP/s`],
    ['copy, read and written', `${short(limits.copyGBs)} GB/s`],
    ['a dispatch', microseconds(limits.dispatchMicroseconds)],
    ['a submit and its end', microseconds(limits.submitMicroseconds)],
    ['step of the wall clock', microseconds(limits.wallTimerMicroseconds)],
    ['step of the GPU’s clock', microseconds(limits.gpuTimerMicroseconds)],
    ...(report.machine ? machineRows(report.machine) : []),
  ];
  const besides = 'Dense attention, forward, beside our best matrix product in the same turns';
  const note = 'The roof is the lesser of our best matrix product and FLOPs a byte x copy bandwidth.';
  return [
    benchTable(
      report,
      'What the adapter can do',
      [column('limit', ([name]: string[]) => name), column('measured', ([, value]: string[]) => value)],
      peaks,
      { alignment: 'words' },
    ),
    benchTable(
      report,
      'Matrix products',
      [
        column(
          'rows x inputs x outputs',
          (row: LinearShape) =>
            `${row.rows} x ${row.inputs} x ${row.outputs}${row.precision === 'f16' ? ', f16' : ''}`,
        ),
        GFLOPS,
      ],
      products,
    ),
    benchTable(
      report,
      besides,
      [LENGTH, HEADS, GFLOPS, shareColumn('of that product', 'shareOfPeak')],
      dense,
    ),
    benchTable(
      report,
      'Kernels under the roof',
      [
        column('kernel', ({ kernel }: RooflineRow) => kernel),
        column('shape', ({ shape }: RooflineRow) => shape),
        TIME,
        number('FLOPs a byte', 'intensity', short),
        GFLOPS,
        shareColumn('of its roof', 'shareOfRoof'),
      ],
      rows,
      { note },
    ),
  ].filter((each) => each.rows.length > 0);
}
