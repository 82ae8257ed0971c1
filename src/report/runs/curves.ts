import { mean } from 'simple-statistics';
import { asShare, type Estimate, meanOverSeeds } from '../../train/experiment/seed-statistics.js';
import type { DevEvaluation, Run } from './run.js';

/** A mean over seeds at one step, with Student's 95 % interval; NaN with one seed. */
export interface CurvePoint extends Estimate {
  step: number;
  seeds: number;
}

/** The measure that is drawn over steps. */
export type Measure = 'accuracy' | 'loss';

/**
 * The mean of some values at each step, one value a seed. A step at which any value is not a number (a run that diverged) is left
 * out, rather than averaged over the other seeds.
 */
function meansByStep(values: readonly { step: number; value: number }[], isShare = false): CurvePoint[] {
  const byStep = new Map<number, number[]>();
  for (const { step, value } of values) byStep.set(step, [...(byStep.get(step) ?? []), value]);
  return [...byStep]
    .sort(([one], [other]) => one - other)
    .map(([step, ofSeeds]) => {
      const estimate = meanOverSeeds(ofSeeds);
      return { step, seeds: ofSeeds.length, ...(isShare ? asShare(estimate) : estimate) };
    })
    .filter(({ value }) => Number.isFinite(value));
}

/** The curve of one condition on dev. */
export function devCurve(runs: readonly Run[], measure: Measure): CurvePoint[] {
  const evaluations = runs.flatMap((run) => run.evaluations);
  return meansByStep(
    evaluations.map((evaluation) => ({ step: evaluation.step, value: evaluation[measure] })),
    measure === 'accuracy',
  );
}

/** The most points of a training curve. */
const MOST_POINTS = 80;

/** The training losses of one condition: means over its seeds, and over neighbouring steps where there are very many. */
export function trainingCurve(runs: readonly Run[]): CurvePoint[] {
  const losses = runs.flatMap(({ trainingLosses }) => trainingLosses);
  const points = meansByStep(losses.map(({ step, loss }) => ({ step, value: loss })));
  const width = Math.ceil(points.length / MOST_POINTS);
  if (width <= 1) return points;
  return Array.from({ length: Math.ceil(points.length / width) }, (_, at) => {
    const neighbours = points.slice(at * width, (at + 1) * width);
    const meanOf = (name: keyof Estimate) => mean(neighbours.map((point) => point[name]));
    const { step, seeds } = neighbours[neighbours.length - 1];
    return { step, seeds, value: meanOf('value'), low: meanOf('low'), high: meanOf('high') };
  });
}

/** The mean of the best dev accuracies over the seeds; NaN where nothing was evaluated. */
export function bestAccuracy(runs: readonly Run[]): Estimate {
  return meanAccuracy(runs.map(({ best }) => best));
}

/** The mean of the last dev accuracies over the seeds; NaN where nothing was evaluated. */
export function lastAccuracy(runs: readonly Run[]): Estimate {
  return meanAccuracy(runs.map(({ evaluations }) => evaluations.at(-1)));
}

function meanAccuracy(evaluations: readonly (DevEvaluation | undefined)[]): Estimate {
  return asShare(meanOverSeeds(evaluations.flatMap((evaluation) => evaluation?.accuracy ?? [])));
}

/** The share of pairs that exist, over a condition's runs, or that the layers join; undefined where any run lacks it. */
export function densityOf(
  runs: readonly Run[],
  measure: 'density' | 'closure' = 'density',
): number | undefined {
  const shares = runs.flatMap((run) => run[measure] ?? []);
  return shares.length === runs.length && shares.length > 0 ? mean(shares) : undefined;
}
