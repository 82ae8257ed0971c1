import type { Round } from './arithmetic.js';
import { exact } from './arithmetic.js';
import { type BertBatch, type ReferenceConfig, referenceBert } from './bert.js';
import { adamWStep, clipFactor } from './training.js';

/** The settings of a run, by PyTorch's and Hugging Face's words. */
export interface ReferenceSettings {
  learningRate: number;
  warmupSteps: number;
  totalSteps: number;
  weightDecay: number;
  maxGradNorm: number;
}

/** A batch of a step, and its share in the step's mean: examples of the batch over those of the step. */
export interface ReferencePart {
  batch: BertBatch;
  share: number;
}

type Weights = Map<string, Float64Array>;

/** Linear warm-up from learningRate / warmupSteps to learningRate, then linear decay to 0 after the last step; steps count from 1. */
function linearRate({ learningRate, warmupSteps, totalSteps }: ReferenceSettings, step: number): number {
  if (step <= warmupSteps) return learningRate * (step / warmupSteps);
  return learningRate * (1 - (step - 1 - warmupSteps) / (totalSteps - warmupSteps));
}

/** Weight decay leaves out biases and norms, as in Hugging Face's trainer, and tables of learned biases. */
function decays(name: string): boolean {
  return !/LayerNorm|[._]bias$/.test(name);
}

/** A trainer in float64, or in plain f32 with another `round`: it shares no code with what it tests. */
export class ReferenceTrainer {
  readonly weights: Weights;
  private readonly firstMoment: Weights;
  private readonly secondMoment: Weights;
  private step = 0;

  constructor(
    private readonly shape: ReferenceConfig,
    initial: ReadonlyMap<string, Float32Array>,
    private readonly settings: ReferenceSettings,
    private readonly round: Round = exact,
  ) {
    const copy = (from: (values: Float32Array) => Float64Array) =>
      new Map([...initial].map(([name, values]) => [name, from(values)]));
    this.weights = copy((values) => Float64Array.from(values));
    this.firstMoment = copy(({ length }) => new Float64Array(length));
    this.secondMoment = copy(({ length }) => new Float64Array(length));
  }

  /** One step over the mean of its parts. @returns The loss. */
  take(parts: readonly ReferencePart[]): number {
    const { round, settings } = this;
    this.step++;
    const sums = new Map([...this.weights].map(([name, { length }]) => [name, new Float64Array(length)]));
    let loss = 0;
    for (const { batch, share } of parts) {
      const result = referenceBert(this.shape, this.weights, batch, round);
      loss = round(loss + round(share * result.loss.values[0]));
      for (const [name, { values }] of result.gradients()) {
        const sum = sums.get(name)!;
        values.forEach((value, i) => {
          sum[i] = round(sum[i] + round(share * value));
        });
      }
    }
    const all = [...sums.values()].flatMap((values) => Array.from(values));
    const { factor } = clipFactor(all, settings.maxGradNorm, round);
    const options = {
      beta1: 0.9,
      beta2: 0.999,
      epsilon: 1e-8,
      rate: linearRate(settings, this.step),
      factor,
    };
    for (const [name, gradient] of sums) {
      const before = {
        parameter: this.weights.get(name)!,
        gradient,
        firstMoment: this.firstMoment.get(name)!,
        secondMoment: this.secondMoment.get(name)!,
      };
      const weightDecay = decays(name) ? settings.weightDecay : 0;
      const after = adamWStep({ ...options, weightDecay, step: this.step }, before, round);
      this.weights.set(name, after.parameter.values);
      this.firstMoment.set(name, after.firstMoment.values);
      this.secondMoment.set(name, after.secondMoment.values);
    }
    return loss;
  }

  /** The mean loss and the predicted classes of a batch, without dropout. */
  evaluate(batch: BertBatch): { loss: number; predicted: number[] } {
    const { loss, logits } = referenceBert(this.shape, this.weights, batch, this.round);
    const { classes } = this.shape;
    const predicted = Array.from(batch.labels, (_, row) => {
      const logitsOfRow = logits.values.subarray(row * classes, (row + 1) * classes);
      return logitsOfRow.indexOf(Math.max(...logitsOfRow));
    });
    return { loss: loss.values[0], predicted };
  }
}
