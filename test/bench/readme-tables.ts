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
 * The page's table of attention: for each length and pass the share of pairs, the speed-up, and its interval. A
 * figure above its bound is marked (!), which the page explains.
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

/** A speed-up by the GPU's clock: the ratio of medians. */
function speedupByGpu(
  rows: AttentionReport['rows'],
  strategy: string,
  { length, pass }: AttentionReport['rows'][number],
): number {
  const time = (of: string) =>
    rows.find((row) => row.strategy === of && row.length === length && row.pass === pass)!.gpuMedianMs!;
  return time('none') / time(strategy);
}

/** Speed-ups of hard rules at a length: forward, with backward, and the ideal. @param byGpu Times by the GPU's clock, not by the wall. */
export function headlineSpeedups({ rows }: AttentionReport, length: number, byGpu: boolean): string[] {
  const hard = rows.filter((row) => row.strategy === 'hard' && row.length === length);
  const measured = hard.map((row) => times(byGpu ? speedupByGpu(rows, 'hard', row) : row.realisedSpeedup));
  return [...measured, times(hard[0].idealSpeedup)];
}

/**
 * The page's table of a GPU: its own clock beside the wall, which was timed with a pass for every dispatch. Speed-ups by the GPU's
 * clock are ratios of medians.
 */
export function gpuTable({ rows }: AttentionReport): string {
  const gpuSpeedup = (strategy: string, row: AttentionReport['rows'][number]) =>
    speedupByGpu(rows, strategy, row);
  return table(
    [
      'tokens',
      'pass',
      'ideal',
      "hard, GPU's clock",
      'of ideal',
      'hard, wall',
      '99 % interval, wall',
      "soft, GPU's clock",
    ],
    rows
      .filter(({ strategy }) => strategy === 'hard')
      .map((row) => [
        row.length.toLocaleString('en'),
        row.pass,
        times(row.idealSpeedup),
        times(gpuSpeedup('hard', row)),
        (gpuSpeedup('hard', row) / row.idealSpeedup).toFixed(2),
        times(row.realisedSpeedup),
        `${times(1 / row.ratioHigh!)} to ${times(1 / row.ratioLow!)}`,
        times(gpuSpeedup('soft', row)),
      ]),
  );
}

/** The page's sentence about a GPU's training steps, by its own clock and by the wall. */
export function gpuStepSentence({ rows }: StepReport): string {
  const of = (length: number) => {
    const [dense, hard] = ['none', 'hard'].map(
      (name) => rows.find((row) => row.strategy === name && row.length === length)!,
    );
    return `${times(dense.kernelsMs / hard.kernelsMs)} by the GPU's clock and ${times(hard.realisedSpeedup)} by the wall`;
  };
  return `A training step of bert-tiny gained nothing from hard rules there: ${of(24)} for 32 sentences, ${of(2048)} for a document of 2,048 tokens.`;
}

/** The page's table of training steps: what sparse attention does for all of a step. */
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

/** The page's sentence about our best matrix product, and what dense attention reaches of its rate in the same turns. */
export function limitsSentence({ dense, products }: PeakShares): string {
  const lengths = dense.map(({ length }) => length.toLocaleString('en')).join(', ');
  const shares = dense
    .map(({ shareOfPeak }) => `${shareOfPeak!.toFixed(2)}${isOverAll(shareOfPeak) ? ' (!)' : ''}`)
    .join(', ');
  const rates = dense.map(({ gflops }) => gflops.toFixed(1)).join(', ');
  return (
    `At ${lengths} tokens the dense forward kernel runs at ${rates} GFLOP/s, ${shares} of the rate of ` +
    `our own best matrix product in the same turns (${bestProduct(products).toFixed(1)} GFLOP/s).`
  );
}
