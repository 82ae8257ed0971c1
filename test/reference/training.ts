import { type Computed, computed, exact, type Numbers } from './arithmetic.js';

/** Loss, gradient norm and optimizer in float64; `round` as in arithmetic.ts. They share no code with what they test. */

/** The mean over rows of log Σ exp z - z[label], and the gradient of the logits z [rows, classes]. */
export function crossEntropy(
  classes: number,
  logits: Numbers,
  labels: Numbers,
  round = exact,
): { loss: Computed; logits: Computed } {
  const rows = labels.length;
  const share = round(1 / rows);
  const rowsRead = new Map<number, ReturnType<typeof readRow>>();
  const row = (r: number) => {
    const read = rowsRead.get(r) ?? readRow(r);
    rowsRead.set(r, read);
    return read;
  };
  const readRow = (r: number) => {
    const shifted = Array.from({ length: classes }, (_, c) => logits[r * classes + c]);
    const largest = Math.max(...shifted);
    for (let c = 0; c < classes; c++) shifted[c] = round(shifted[c] - largest);
    const exps = shifted.map((z) => round(Math.exp(z)));
    return { shifted, exps, sum: exps.reduce((a, b) => round(a + b), 0) };
  };
  return {
    loss: computed(1, () => {
      let loss = 0;
      let size = 0;
      for (let r = 0; r < rows; r++) {
        const { shifted, sum } = row(r);
        const logSum = round(Math.log(sum));
        loss = round(loss + round(round(logSum - shifted[labels[r]]) * share));
        // The log turns the relative error of the sum into an absolute one.
        size += (1 + logSum + Math.abs(shifted[labels[r]])) * share;
      }
      return [loss, size];
    }),
    logits: computed(rows * classes, (index) => {
      const { exps, sum } = row(Math.floor(index / classes));
      const probability = round(exps[index % classes] / sum);
      const label = index % classes === labels[Math.floor(index / classes)] ? 1 : 0;
      return [round(round(probability - label) * share), (probability + label) * share];
    }),
  };
}

/** The norm of a gradient, and the factor that scales it down to `largest`; 0 turns clipping off. */
export function clipFactor(
  gradient: Numbers,
  largest: number,
  round = exact,
): { norm: number; factor: number } {
  let squares = 0;
  for (let i = 0; i < gradient.length; i++) squares = round(squares + round(gradient[i] * gradient[i]));
  const norm = round(Math.sqrt(squares));
  if (largest === 0) return { norm, factor: 1 };
  return { norm, factor: Math.min(1, round(largest / round(norm + 1e-6))) };
}

export interface AdamW {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** 0 for parameters that do not decay. */
  weightDecay: number;
  rate: number;
  /** Counts from 1. */
  step: number;
  /** The factor of every gradient, from `clipFactor`. */
  factor: number;
}

/** One step of AdamW as PyTorch writes it (Loshchilov & Hutter 2019). */
export function adamWStep(
  { beta1, beta2, epsilon, weightDecay, rate, step, factor }: AdamW,
  before: { parameter: Numbers; gradient: Numbers; firstMoment: Numbers; secondMoment: Numbers },
  round = exact,
): { parameter: Computed; firstMoment: Computed; secondMoment: Computed } {
  const length = before.parameter.length;
  const first = (i: number) => {
    const g = round(before.gradient[i] * factor);
    return [round(round(beta1) * before.firstMoment[i]), round(round(1 - beta1) * g)];
  };
  const second = (i: number) => {
    const g = round(before.gradient[i] * factor);
    return [round(round(beta2) * before.secondMoment[i]), round(round(1 - beta2) * round(g * g))];
  };
  const added = ([a, b]: number[]) => [round(a + b), Math.abs(a) + Math.abs(b)] as const;
  const firstMoment = computed(length, (i) => added(first(i)));
  const secondMoment = computed(length, (i) => added(second(i)));
  const parameter = computed(length, (i) => {
    const p = before.parameter[i];
    const decay = round(round(rate * weightDecay) * p);
    const size = round(rate / (1 - beta1 ** step));
    const deviation = round(round(Math.sqrt(secondMoment.values[i])) / round(Math.sqrt(1 - beta2 ** step)));
    const divisor = round(deviation + epsilon);
    const change = round(round(size * firstMoment.values[i]) / divisor);
    const changeSize = (size * added(first(i))[1]) / divisor;
    return [round(round(p - decay) - change), Math.abs(p) + Math.abs(decay) + changeSize];
  });
  return { parameter, firstMoment, secondMoment };
}
