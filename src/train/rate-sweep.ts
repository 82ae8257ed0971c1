/** What a sweep of learning rates found. */
export interface RateSweep {
  /** The rates that were tried, from the lowest. */
  rates: number[];
  /** The training loss at each rate, of the step that was done with it. */
  losses: number[];
  /** The losses, averaged over earlier steps. */
  smoothed: number[];
  /** A tenth of the rate at which the smoothed loss is lowest; undefined where it does not fall. */
  suggestion: number | undefined;
}

/** As PyTorch Lightning's `lr_find` has them. */
const FIRST = 1e-8;
const LAST = 1;
const STEPS = 100;
/** A sweep ends where the smoothed loss exceeds this multiple of the lowest. */
const DIVERGED = 4;
const MOMENTUM = 0.98;
/** The first smoothed losses, which are means of few losses and give no suggestion. */
const SKIPPED = 10;
/** The lowest loss is close to divergence: fastai suggests a tenth of its rate. */
const BELOW_LOWEST = 10;

/** The learning rates of a sweep: a geometric series. */
export function sweptRates(): number[] {
  return Array.from({ length: STEPS }, (_, step) => FIRST * (LAST / FIRST) ** (step / (STEPS - 1)));
}

/** The exponentially weighted means of losses, without the bias of the first ones. */
function smooth(losses: readonly number[]): number[] {
  let mean = 0;
  return losses.map((loss, step) => {
    mean = MOMENTUM * mean + (1 - MOMENTUM) * loss;
    return mean / (1 - MOMENTUM ** (step + 1));
  });
}

/** The number of losses before the first that has diverged; all where none has. */
export function lossesBeforeDivergence(losses: readonly number[]): number {
  let lowest = Number.POSITIVE_INFINITY;
  const at = smooth(losses).findIndex((loss) => {
    lowest = Math.min(lowest, loss);
    return !(loss <= DIVERGED * lowest);
  });
  return at < 0 ? losses.length : at;
}

/** The curve and the suggestion of a sweep. @param losses The losses of the first rates, up to divergence. */
export function sweepOf(rates: readonly number[], losses: readonly number[]): RateSweep {
  const count = lossesBeforeDivergence(losses);
  const smoothed = smooth(losses.slice(0, count));
  const lowest = smoothed.indexOf(Math.min(...smoothed));
  return {
    rates: rates.slice(0, count),
    losses: losses.slice(0, count),
    smoothed,
    suggestion: lowest < SKIPPED ? undefined : rates[lowest] / BELOW_LOWEST,
  };
}
