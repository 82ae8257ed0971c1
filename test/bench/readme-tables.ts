import type { AttentionReport } from '../../bench/attention-bench.js';
import { bestProduct, type PeakShares } from '../../bench/peak-share.js';
import {
  isAttentionImpossible,
  isImpossible,
  isOverAll,
  isStepImpossible,
} from '../../bench/plausibility.js';
import type { StepReport } from '../../bench/step-bench.js';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [head, head.map(() => '---'), ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

const times = (value: number | null) => (value === null ? 'red' : `${value.toFixed(2)}x`);

/**
 * The README's table of attention: for each length and pass the share of pairs, the speed-up, and its interval. A
 * figure above its bound is marked (!), which the README explains.
 */
export function attentionTable({ rows }: AttentionReport): string {
  return table(
    [
      'tokens',
      'pass',
      'density',
      'executed / useful',
      'ideal',
      'measured',
      '99 % interval',
      'of ideal',
      'blocks in reading order',
    ],
    rows
      .filter(({ strategy }) => strategy === 'hard')
      .map((row) => {
        const blocks = rows.find(
          ({ strategy, length, pass }) =>
            strategy === 'hard-blocks' && length === row.length && pass === row.pass,
        );
        return [
          row.length.toLocaleString('en'),
          row.pass,
          row.density.toFixed(3),
          row.waste.toFixed(3),
          times(row.idealSpeedup),
          `${times(row.realisedSpeedup)}${isImpossible(row) ? ' (!)' : ''}`,
          `${times(1 / row.ratioHigh!)} to ${times(1 / row.ratioLow!)}`,
          row.realisedFraction!.toFixed(2),
          blocks ? times(blocks.realisedSpeedup) : '–',
        ];
      }),
  );
}

/** The README's table of training steps: what sparse attention does for all of a step. */
export function stepTable({ rows }: StepReport): string {
  return table(
    ['batch', 'strategy', 'tokens/s', 'attention alone', 'Amdahl predicts', 'measured step'],
    rows.map((row) => [
      `${row.batch} x ${row.length}`,
      row.strategy,
      Math.round(row.tokensPerSecond).toLocaleString('en'),
      `${times(row.attentionSpeedup)}${isAttentionImpossible(row) ? ' (!)' : ''}`,
      isAttentionImpossible(row) ? '–' : times(row.predictedSpeedup),
      `${times(row.realisedSpeedup)}${isStepImpossible(row) ? ' (!)' : ''}`,
    ]),
  );
}

/** The README's sentence about the adapter's peak, and what dense attention reaches of it in the same turns. */
export function limitsSentence({ dense, products }: PeakShares): string {
  const lengths = dense.map(({ length }) => length.toLocaleString('en')).join(', ');
  const shares = dense
    .map(({ shareOfPeak }) => `${shareOfPeak!.toFixed(2)}${isOverAll(shareOfPeak) ? ' (!)' : ''}`)
    .join(', ');
  const rates = dense.map(({ gflops }) => gflops.toFixed(1)).join(', ');
  return (
    `At ${lengths} tokens the dense forward kernel runs at ${rates} GFLOP/s, ${shares} of the adapter's ` +
    `matrix-product peak in the same turns (${bestProduct(products).toFixed(1)} GFLOP/s).`
  );
}
