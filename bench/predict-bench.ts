import type { Text } from '../src/grammar/custom-tags.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { AttentionMask } from '../src/plan/mask.js';
import type { TileChooser } from '../src/plan/tiles.js';
import { percent, short, times } from '../src/report/page/numbers.js';
import type { H200 } from './h200.js';
import { type MeasuredMachine, predictedTime } from './predicted-schedule.js';
import { type BenchTable, benchTable, column, number } from './report-table.js';
import { tagText, workloadOf } from './workload.js';

export interface PredictSettings {
  /** Tokens of a document. */
  lengths: readonly number[];
  /** Sequences of a packed batch. */
  batches: readonly number[];
  heads: number;
  strategies: readonly Strategy[];
}

interface PredictInputs {
  texts: readonly (string | Text)[];
  vocabulary: Vocabulary;
  rules: RuleSet;
  /** The planner of the machine's kernels. */
  tiles: TileChooser;
}

/** The head dimension of the measured kernels. */
const HEAD_DIM = 64;

/** The predicted forward pass of one strategy at one shape. */
export type PredictedRow = ReturnType<typeof predictRows>[number];

/** Plans documents of each length, and predicts the times of dense attention and of strategies on a machine. */
export function predictRows(
  machine: MeasuredMachine,
  { lengths, batches, heads, strategies }: PredictSettings,
  { texts, vocabulary, rules, tiles }: PredictInputs,
) {
  const { sentences, tags } = tagText(
    texts,
    vocabulary,
    Math.max(...lengths) * Math.max(...batches),
    rules.tags,
  );
  return batches.flatMap((batch) =>
    lengths.flatMap((length) => {
      const workload = workloadOf(sentences, length, batch, heads, HEAD_DIM, tags);
      const layoutOf = (strategy: Strategy) =>
        AttentionMask.fromRules(rules, strategy).layout(workload, tiles);
      const denseMicroseconds = predictedTime(layoutOf('none'), heads, machine, 'forward');
      return strategies.map((strategy) => {
        const layout = layoutOf(strategy);
        const { useful, executed, dense } = layout.pairCounts;
        const microseconds = predictedTime(layout, heads, machine, 'forward');
        const idealSpeedup = dense / useful;
        const speedup = denseMicroseconds / microseconds;
        return {
          strategy,
          length,
          batch,
          heads,
          headDim: HEAD_DIM,
          waste: executed / useful,
          denseMicroseconds,
          microseconds,
          idealSpeedup,
          speedup,
          fraction: speedup / idealSpeedup,
        };
      });
    }),
  );
}

/** The table of predictions. */
export function predictTable({ name, source }: typeof H200, rows: readonly PredictedRow[]): BenchTable {
  return benchTable(
    { environment: { software: false } },
    `Predicted for an ${name}, forward`,
    [
      column('strategy', ({ strategy }: PredictedRow) => strategy),
      column('tokens', ({ length }: PredictedRow) => length),
      column('sequences', ({ batch }: PredictedRow) => batch),
      column('heads', ({ heads, headDim }: PredictedRow) => `${heads} of ${headDim}`),
      number('waste', 'waste', (waste) => waste.toFixed(3)),
      number('dense, µs', 'denseMicroseconds', short),
      number('time, µs', 'microseconds', short),
      number('ideal speed-up', 'idealSpeedup', times),
      number('predicted speed-up', 'speedup', times),
      number('of ideal', 'fraction', percent),
    ],
    rows,
    { note: `Predicted by a model, not measured. The machine is described by ${source}.` },
  );
}
