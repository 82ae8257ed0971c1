import { mean } from 'simple-statistics';
import { asShare, type Estimate, meanOverSeeds } from '../../train/experiment/seed-statistics.js';
import type { DevReading, Run } from './run.js';

/** A mean over seeds at one step, with Student's 95 % interval; one seed alone has none (NaN). */
export interface CurvePoint extends Estimate {
  step: number;
  seeds: number;
}

/** What is drawn over steps. */
export type Measure = 'accuracy' | 'loss';

/**
 * The curve of one condition on dev. A step counts the seeds that were evaluated there; a step at which any of them is no number
 * (a run that diverged) has no mean: it is left out, rather than averaged over those that did well.
 */
export function devCurve(runs: readonly Run[], measure: Measure): CurvePoint[] {
  const byStep = new Map<number, DevReading[]>();
  for (const reading of runs.flatMap(({ evaluations }) => evaluations)) {
    byStep.set(reading.step, [...(byStep.get(reading.step) ?? []), reading]);
  }
  return [...byStep]
    .sort(([one], [other]) => one - other)
    .map(([step, readings]) => {
      const estimate = meanOverSeeds(readings.map((reading) => reading[measure]));
      return { step, seeds: readings.length, ...(measure === 'accuracy' ? asShare(estimate) : estimate) };
    })
    .filter(({ value }) => Number.isFinite(value));
}

/** Points of a curve that an eye tells apart. */
const MOST_POINTS = 80;

/** The training losses of one condition, averaged over its seeds, and over neighbouring steps where there are very many. */
export function trainingCurve(runs: readonly Run[]): CurvePoint[] {
  const byStep = new Map<number, number[]>();
  for (const { step, loss } of runs.flatMap(({ trainingLosses }) => trainingLosses)) {
    byStep.set(step, [...(byStep.get(step) ?? []), loss]);
  }
  const points = [...byStep]
    .sort(([one], [other]) => one - other)
    .map(([step, losses]) => ({ step, seeds: losses.length, ...meanOverSeeds(losses) }))
    .filter(({ value }) => Number.isFinite(value));
  const width = Math.ceil(points.length / MOST_POINTS);
  if (width <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / width) }, (_, at) => {
    const own = points.slice(at * width, (at + 1) * width);
    const over = (of: (point: CurvePoint) => number) => mean(own.map(of));
    const { step, seeds } = own[own.length - 1];
    return {
      step,
      seeds,
      value: over(({ value }) => value),
      low: over(({ low }) => low),
      high: over(({ high }) => high),
    };
  });
}

/** The best dev accuracies of a condition's runs, a seed each. */
function bestAccuracies(runs: readonly Run[]): number[] {
  return runs.flatMap(({ best }) => (best ? [best.accuracy] : []));
}

/** The mean of the best dev accuracies over the seeds; NaN where nothing was evaluated. */
export function bestAccuracy(runs: readonly Run[]): Estimate {
  return asShare(meanOverSeeds(bestAccuracies(runs)));
}

/** The mean of the last dev accuracies over the seeds; NaN where nothing was evaluated. */
export function lastAccuracy(runs: readonly Run[]): Estimate {
  return asShare(
    meanOverSeeds(
      runs.flatMap(({ evaluations }) => {
        const last = evaluations.at(-1);
        return last ? [last.accuracy] : [];
      }),
    ),
  );
}

/** The share of pairs that exist, over a condition's runs; undefined where it is not known of all. */
export function densityOf(runs: readonly Run[]): number | undefined {
  const known = runs.flatMap(({ density }) => (density === undefined ? [] : [density]));
  return known.length === runs.length && known.length > 0 ? mean(known) : undefined;
}
