import { short } from '../src/report/page/numbers.js';
import type { Pass } from './attention-settings.js';
import { column, number, passName, speedupInterval } from './report-table.js';

/** Columns that several tables of benchmarks have, and the kinds of columns. */
export const COMPARES = { compares: true } as const;
export const PAGES = { onPagesOnly: true } as const;

export const LENGTH = column('tokens', ({ length }: { length: number }) => length);
export const SEQUENCES = column('sequences', ({ batch }: { batch: number }) => batch);
export const HEADS = column(
  'heads',
  (row: { heads: number; headDim: number }) => `${row.heads} of ${row.headDim}`,
);
export const PASS = column('pass', ({ pass }: { pass: Pass }) => passName(pass));
export const RULES = column('rules', ({ rules }: { rules: string }) => rules);
export const STRATEGY = column('strategy', ({ strategy }: { strategy: string }) => strategy);
export const TIME = number('time, ms', 'medianMs', short);
export const SPEEDUP_INTERVAL = column('99 % interval', speedupInterval, COMPARES);
export const PAIR_TIME = number('useful pair and head, ns', 'nsPerUsefulPair', short, COMPARES);
export const GFLOPS = number('GFLOP/s', 'gflops', short);
