import { shuffledBatches } from '../data/batches.js';
import type { EncodedData } from '../data/encoded-data.js';
import type { AdamWOptions } from '../nn/adamw.js';
import { makeBatch } from '../nn/batch.js';
import type { Classifier } from '../nn/classifier.js';
import { evaluate } from './evaluation.js';
import type { Planner } from './planner.js';
import { rateAt, type Schedule } from './schedule.js';
import { penalise } from './sparsity.js';

/** What a training run is made of, beside model and data. */
export interface TrainingSettings extends AdamWOptions {
  epochs: number;
  /** Sentences a step; fixes the number of steps. */
  batch: number;
  /** The learning rate at the end of the warm-up. */
  rate: number;
  warmUpSteps: number;
  seed: number;
  /** How often in an epoch, evenly spread, `dev` is evaluated; the last time is at its end. */
  evaluations: number;
  /** λ of the sparsity penalty on what strategy `learned` learns; 0 for none. */
  sparsity: number;
}

/** What is known after an evaluation. */
export interface EvaluationMetrics {
  epoch: number;
  step: number;
  devLoss: number;
  devAccuracy: number;
  /** The most probable class of each of dev's rows. */
  devPredicted: number[];
}

/** What is known after an epoch. */
export interface EpochMetrics extends EvaluationMetrics {
  /** Mean loss over the epoch's steps, dropout included. */
  trainLoss: number;
  /** Training alone, without the evaluation. */
  seconds: number;
  tokensPerSecond: number;
}

/** What is known while a run goes on. */
export interface Progress {
  epoch: number;
  step: number;
  totalSteps: number;
  /** Mean loss since the last report. */
  loss: number;
  rate: number;
  tokensPerSecond: number;
}

export interface TrainingHooks {
  /** Called every `REPORT_STEPS` steps, and after the last. */
  onProgress?(progress: Progress): void;
  /** Called after each evaluation; the model stands as it is then. */
  onEvaluation?(metrics: EvaluationMetrics): Promise<void> | void;
  /** Called after each epoch, behind its last evaluation. */
  onEpoch?(metrics: EpochMetrics): Promise<void> | void;
}

/** Steps between two readings of the losses; fewer than LOSS_HISTORY, so that none is overwritten before. */
const REPORT_STEPS = 20;

/** Steps that may be under way at once: the next batch is planned while the GPU works, and no more than that queues up. */
const STEPS_IN_FLIGHT = 2;

export function stepsPerEpoch(rows: number, batch: number): number {
  return Math.ceil(rows / batch);
}

/** Adds up losses and tokens between two reports. */
class Meter {
  private since = performance.now();
  private tokens = 0;

  add(tokens: number): void {
    this.tokens += tokens;
  }

  /** Tokens a second since the last call, or since the beginning. */
  read(): number {
    const tokensPerSecond = (1000 * this.tokens) / (performance.now() - this.since);
    this.restart();
    return tokensPerSecond;
  }

  restart(): void {
    this.since = performance.now();
    this.tokens = 0;
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0) / values.length;
}

/** Trains a classifier, epoch by epoch, evaluating after each. */
export class Trainer {
  private readonly schedule: Schedule;
  private readonly inFlight: Promise<void>[] = [];
  private step = 0;

  constructor(
    private readonly classifier: Classifier,
    private readonly planner: Planner,
    private readonly train: EncodedData,
    private readonly dev: EncodedData,
    private readonly settings: TrainingSettings,
  ) {
    const { epochs, batch, rate, warmUpSteps } = settings;
    penalise(classifier, settings.sparsity, planner, train.sentences);
    const totalSteps = epochs * stepsPerEpoch(train.sentences.length, batch);
    this.schedule = { rate, warmUpSteps, totalSteps };
  }

  /** @returns The metrics of every epoch. @throws EngineError where the GPU fails. */
  async run(hooks: TrainingHooks = {}): Promise<EpochMetrics[]> {
    const metrics: EpochMetrics[] = [];
    for (let epoch = 1; epoch <= this.settings.epochs; epoch++) {
      const { losses, seconds, tokens, last } = await this.epoch(epoch, hooks);
      metrics.push({ ...last, trainLoss: mean(losses), seconds, tokensPerSecond: tokens / seconds });
      await hooks.onEpoch?.(metrics[metrics.length - 1]);
    }
    return metrics;
  }

  private async epoch(
    epoch: number,
    hooks: TrainingHooks,
  ): Promise<{ losses: number[]; seconds: number; tokens: number; last: EvaluationMetrics }> {
    const { sentences } = this.train;
    const { batch: size, seed, evaluations } = this.settings;
    const batches = shuffledBatches(sentences.length, size, seed, epoch);
    const losses: number[] = [];
    const meter = new Meter();
    const evaluationsBy = (steps: number) => Math.floor((steps * evaluations) / batches.length);
    let last: EvaluationMetrics | undefined;
    let milliseconds = 0;
    let began = performance.now();
    let tokens = 0;
    for (const [index, indexes] of batches.entries()) {
      const batchTokens = await this.trainOn(indexes);
      tokens += batchTokens;
      meter.add(batchTokens);
      const unread = index + 1 - losses.length;
      if (unread === REPORT_STEPS || index === batches.length - 1) {
        losses.push(...(await this.readLosses(unread)));
        hooks.onProgress?.({
          epoch,
          step: this.step,
          totalSteps: this.schedule.totalSteps,
          loss: mean(losses.slice(-unread)),
          rate: rateAt(this.schedule, this.step),
          tokensPerSecond: meter.read(),
        });
      }
      if (evaluationsBy(index + 1) > evaluationsBy(index)) {
        await this.classifier.device.finish();
        milliseconds += performance.now() - began;
        last = await this.evaluate(epoch, hooks);
        began = performance.now();
        meter.restart();
      }
    }
    return { losses, seconds: milliseconds / 1000, tokens, last: last! };
  }

  private async evaluate(epoch: number, hooks: TrainingHooks): Promise<EvaluationMetrics> {
    const { accuracy, loss, predicted } = await evaluate(this.classifier, this.planner, this.dev);
    const metrics = {
      epoch,
      step: this.step,
      devLoss: loss,
      devAccuracy: accuracy,
      devPredicted: predicted,
    };
    await hooks.onEvaluation?.(metrics);
    return metrics;
  }

  private async trainOn(indexes: number[]): Promise<number> {
    const group = indexes.map((index) => this.train.sentences[index]);
    const labels = indexes.map((index) => this.train.labels[index]);
    const plan = this.planner.plan(group);
    const batch = makeBatch(group, plan, labels);
    this.step++;
    const training = { seed: this.settings.seed, step: this.step };
    this.classifier.trainStep(batch, training, rateAt(this.schedule, this.step), this.settings);
    this.inFlight.push(this.classifier.device.submittedWorkDone());
    if (this.inFlight.length > STEPS_IN_FLIGHT) await this.inFlight.shift();
    return plan.tokens;
  }

  private async readLosses(count: number): Promise<number[]> {
    return this.classifier.readLosses(this.step - count + 1, this.step);
  }
}
