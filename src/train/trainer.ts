import { batchesInOrder, shuffledBatches } from '../data/batches.js';
import type { Classifier, UpdateOptions } from '../nn/classifier.js';
import type { TrainingState } from '../nn/parameters.js';
import type { TrainingStep } from '../nn/pass.js';
import { afterEvaluation, type DevScores } from './best.js';
import { Background, Clock, Meter } from './clock.js';
import { type Evaluation, evaluate, type TagLoss } from './evaluation.js';
import { checkWeights, firstNotFinite, notFiniteError } from './finite-checks.js';
import { RunInterrupted } from './interruption.js';
import type { Planner } from './planner.js';
import { meanOf, NO_LOSSES, startOfEpoch, type TrainingPosition, withMore } from './position.js';
import { lossesBeforeDivergence } from './rate-sweep.js';
import { rateAt, type Schedule } from './schedule.js';
import { stepsPerEpoch, type TrainingSettings } from './settings-schema.js';
import { penalise } from './sparsity.js';
import type { EpochMasks, TaskExamples } from './task-examples.js';

/** The metrics of an evaluation. */
export interface EvaluationMetrics extends DevScores {
  /** The epoch that it is in, from 1. */
  epoch: number;
  /** Steps of the run that were done, earlier epochs included. */
  step: number;
  /** The most probable class of each row of dev; for a task about tokens, 1 where it is the label, else 0. */
  devPredicted: number[];
  /** The mean loss on dev by the tag of the token, for a task about tokens. */
  devLossByTag?: Record<string, TagLoss>;
}

/** The metrics of an epoch. */
export interface EpochMetrics extends EvaluationMetrics {
  /** Mean loss over the epoch's steps, dropout included. */
  trainLoss: number;
  /** Training alone in this epoch, without the evaluations. */
  seconds: number;
  /** Tokens that were trained on over `seconds`. */
  tokensPerSecond: number;
  /** In precision f16, the steps of the run so far that were skipped because a gradient was too large. */
  skippedSteps?: number;
}

/** The progress of a run. */
export interface Progress {
  /** The current epoch, from 1. */
  epoch: number;
  /** Steps of the run that are done, earlier epochs included. */
  step: number;
  /** Steps of the whole run, all epochs together. */
  totalSteps: number;
  /** Mean loss since the last report. */
  loss: number;
  /** The learning rate of the last step. */
  rate: number;
  /** Tokens trained on a second since the last report or evaluation. */
  tokensPerSecond: number;
}

/** The state from which a run resumes with the bits of an uninterrupted one. */
export interface Checkpoint {
  /** Where the run continues, as `onCheckpoint` gets it. */
  position: TrainingPosition;
  /** Parameters and moments, as the promise of `onCheckpoint` gives them. */
  state: TrainingState;
}

/** Hooks are awaited, except `onCheckpoint`; an error in one ends the run. */
export interface TrainingHooks {
  /** Once it is aborted, the run ends after the current step, with a checkpoint; a current evaluation is stopped. */
  signal?: AbortSignal;
  /** Called every 20 steps, and after the last of an epoch. */
  onProgress?(progress: Progress): Promise<void> | void;
  /** Called after each evaluation; the model is as it is then. */
  onEvaluation?(metrics: EvaluationMetrics): Promise<void> | void;
  /** Called after each epoch, after its last evaluation. */
  onEpoch?(metrics: EpochMetrics): Promise<void> | void;
  /**
   * Called when a checkpoint is due, after evaluation and epoch, but not after the last step. The state is still on its way
   * from the GPU. The run continues: only the next checkpoint and the run's end await the result.
   */
  onCheckpoint?(position: TrainingPosition, state: Promise<TrainingState>): Promise<void>;
}

/** Steps between two read-backs of the losses; fewer than LOSS_HISTORY, so that none is overwritten before. */
const REPORT_STEPS = 20;

/** Batches in flight: the next is planned while the GPU works. */
const BATCHES_IN_FLIGHT = 2;

/** Trains a classifier, epoch by epoch, from the beginning or from a checkpoint. */
export class Trainer {
  private readonly schedule: Schedule;
  private readonly update: UpdateOptions;
  private readonly inFlight: Promise<void>[] = [];
  private readonly clock = new Clock();
  private readonly meter = new Meter();
  private readonly saving = new Background();
  private position = startOfEpoch(1, 0);
  /** Whether an evaluation was the last by the settings `until` or `earlyStoppingPatience`. */
  private isOver = false;
  /** The batches of the steps whose outcomes are not read yet. */
  private unread: number[][][] = [];

  constructor(
    private readonly classifier: Classifier,
    private readonly planner: Planner,
    private readonly train: TaskExamples,
    private readonly dev: TaskExamples,
    private readonly settings: TrainingSettings,
  ) {
    const { epochs, learningRate, biasLearningRate = learningRate } = settings;
    penalise(classifier, settings.sparsity, planner, train.sentences);
    const totalSteps = epochs * stepsPerEpoch(train.sentences.length, settings);
    this.update = { ...settings, biasRateFactor: biasLearningRate / learningRate };
    this.schedule = { ...settings, totalSteps };
  }

  /**
   * Runs to the end, or to the evaluation at which the setting `until` or `earlyStoppingPatience` ends it.
   * @param from A checkpoint of a run with the same model, data and settings; its weights replace the model's.
   * @returns The metrics of every epoch that ended in this call.
   * @throws CallerError where the checkpoint is of another model; EngineError where the GPU fails, or a loss, a gradient norm, an
   * evaluation or a checkpoint is not finite: no hook has then received such a value; RunInterrupted where the signal
   * of the hooks is aborted before the last step's evaluation has ended.
   */
  async run(hooks: TrainingHooks = {}, from?: Checkpoint): Promise<EpochMetrics[]> {
    this.classifier.beginRun(from?.position.lossScale);
    if (from) {
      this.classifier.parameters.writeState(from.state, 'checkpoint');
      this.position = from.position;
    }
    const metrics: EpochMetrics[] = [];
    try {
      if (hooks.signal?.aborted) throw this.interruption();
      while (this.position.epoch <= this.settings.epochs && !this.isOver)
        metrics.push(await this.epoch(hooks));
    } finally {
      await this.saving.end();
    }
    this.saving.check();
    return metrics;
  }

  /**
   * Trains a step at each of these rates, on the batches of a run from its start, without evaluations.
   * @returns The losses of the steps: fewer where they diverged.
   */
  async sweep(rates: readonly number[]): Promise<number[]> {
    const losses: number[] = [];
    this.classifier.beginRun();
    for (let epoch = 1; ; epoch++) {
      this.position = startOfEpoch(epoch, this.position.step);
      for (const batches of this.stepsOf(epoch)) {
        await this.trainOn(batches, rates[this.position.step]);
        const { step } = this.position;
        if (this.unread.length < REPORT_STEPS && step < rates.length) continue;
        losses.push(...(await this.classifier.readLosses(step - this.unread.length + 1, step)));
        this.unread = [];
        if (step === rates.length || lossesBeforeDivergence(losses) < losses.length) return losses;
      }
    }
  }

  /** The batches of each step of an epoch. */
  private stepsOf(epoch: number): number[][][] {
    const { batchSize, gradientAccumulationSteps, seed } = this.settings;
    const batches = shuffledBatches(this.train.sentences.length, batchSize, seed, epoch);
    return batchesInOrder(batches.length, gradientAccumulationSteps).map((indexes) =>
      indexes.map((i) => batches[i]),
    );
  }

  private async epoch(hooks: TrainingHooks): Promise<EpochMetrics> {
    const { evaluationDue, ...position } = this.position;
    const { epoch, batches: done, seconds } = position;
    const steps = this.stepsOf(epoch);
    this.position = position;
    this.clock.start(seconds);
    this.meter.restart();
    let last: EvaluationMetrics | undefined;
    const stepsDone = Math.ceil(done / this.settings.gradientAccumulationSteps);
    for (let index = evaluationDue ? stepsDone - 1 : stepsDone; index < steps.length; index++) {
      const isLast = index === steps.length - 1;
      if (index >= stepsDone) {
        await this.trainOn(steps[index]);
        if (this.position.unreported.count + this.unread.length === REPORT_STEPS || isLast)
          await this.report(hooks);
      }
      const isEvaluated = this.evaluationIsDue(index + 1, steps.length);
      if (isEvaluated) last = await this.evaluate(hooks);
      if (this.isOver) {
        if (this.position.unreported.count > 0) await this.report(hooks);
        break;
      }
      // At the end of an epoch, the checkpoint comes after the hook of the epoch.
      if (!isLast) await this.endStep(hooks, isEvaluated);
    }
    const metrics = this.epochMetrics(last!);
    await hooks.onEpoch?.(metrics);
    const { step, earlyStopping } = this.position;
    this.position = { ...startOfEpoch(epoch + 1, step), ...(earlyStopping && { earlyStopping }) };
    if (epoch < this.settings.epochs && !this.isOver) await this.endStep(hooks, true);
    return metrics;
  }

  /** Writes a checkpoint where one is due, and ends the run where its signal is aborted. */
  private async endStep(hooks: TrainingHooks, isEvaluated: boolean): Promise<void> {
    if (hooks.signal?.aborted) return this.stop(hooks);
    if (this.checkpointIsDue(isEvaluated)) await this.checkpoint(hooks);
  }

  private interruption(): RunInterrupted {
    const { totalSteps } = this.schedule;
    return new RunInterrupted({ step: this.position.step, totalSteps });
  }

  private async stop(hooks: TrainingHooks): Promise<never> {
    await this.checkpoint(hooks);
    await this.saving.end();
    this.saving.check();
    throw this.interruption();
  }

  private epochMetrics(last: EvaluationMetrics): EpochMetrics {
    const { losses, seconds, tokens } = this.position;
    const skippedSteps = this.classifier.lossScale?.skipped;
    return {
      ...last,
      trainLoss: meanOf(losses),
      seconds,
      tokensPerSecond: tokens / seconds,
      ...(skippedSteps !== undefined && { skippedSteps }),
    };
  }

  private evaluationIsDue(stepOfEpoch: number, steps: number): boolean {
    const { evaluationsPerEpoch = 1, evalSteps } = this.settings;
    if (evalSteps) return this.position.step % evalSteps === 0 || stepOfEpoch === steps;
    const evaluationsBy = (step: number) => Math.floor((step * evaluationsPerEpoch) / steps);
    return evaluationsBy(stepOfEpoch) > evaluationsBy(stepOfEpoch - 1);
  }

  private checkpointIsDue(isEvaluated: boolean): boolean {
    const { saveSteps } = this.settings;
    if (saveSteps === undefined) return isEvaluated;
    return saveSteps > 0 && this.position.step % saveSteps === 0;
  }

  private async trainOn(batches: number[][], rate?: number): Promise<void> {
    this.saving.check();
    const step = this.position.step + 1;
    const count = batches.length;
    let tokens = 0;
    for (const [index, indexes] of batches.entries()) {
      const batch = this.batchOf(indexes);
      const training = this.passOf(step, batches, index);
      this.classifier.trainStep(batch, training, rate ?? rateAt(this.schedule, step), this.update);
      this.inFlight.push(this.classifier.device.submittedWorkDone());
      if (this.inFlight.length > BATCHES_IN_FLIGHT) await this.inFlight.shift();
      tokens += batch.layout.tokens;
    }
    this.meter.add(tokens);
    this.unread.push(batches);
    const { position } = this;
    this.position = {
      ...position,
      step,
      batches: position.batches + count,
      tokens: position.tokens + tokens,
    };
  }

  /** The pass over a batch of a step: its masks, and its share in the step. */
  private passOf(step: number, batches: readonly number[][], index: number): TrainingStep {
    const rows = batches.flat().reduce((total, example) => total + this.train.rowsOf(example, this.masks), 0);
    return { seed: this.settings.seed, step, microBatch: { index, count: batches.length, rows } };
  }

  private get masks(): EpochMasks {
    return { ...this.settings, epoch: this.position.epoch };
  }

  private batchOf(indexes: readonly number[]) {
    return this.train.batchOf(indexes, this.masks).batch;
  }

  /** Reads the outcomes of the steps that are not read yet. @throws EngineError where one is not finite. */
  private async readOutcomes(): Promise<void> {
    const { position, unread } = this;
    if (unread.length === 0) return;
    this.unread = [];
    const first = position.step - unread.length + 1;
    const outcomes = await this.classifier.readOutcomes(first, position.step);
    const bad = firstNotFinite(outcomes);
    if (bad !== undefined) {
      const [step, batches] = [first + bad, unread[bad]];
      const again = batches.map((indexes, index) => () => {
        this.classifier.computeGradients(this.batchOf(indexes), this.passOf(step, batches, index));
      });
      throw await notFiniteError(this.classifier, step, outcomes[bad], again);
    }
    const values = outcomes.map(({ loss }) => loss);
    this.position = {
      ...position,
      losses: withMore(position.losses, values),
      unreported: withMore(position.unreported, values),
    };
  }

  private async report(hooks: TrainingHooks): Promise<void> {
    await this.readOutcomes();
    const { epoch, step, unreported } = this.position;
    this.position = { ...this.position, unreported: NO_LOSSES };
    await hooks.onProgress?.({
      epoch,
      step,
      totalSteps: this.schedule.totalSteps,
      loss: meanOf(unreported),
      rate: rateAt(this.schedule, step),
      tokensPerSecond: this.meter.read(),
    });
  }

  private async evaluate(hooks: TrainingHooks): Promise<EvaluationMetrics> {
    await this.readOutcomes();
    await this.classifier.device.finish();
    this.position = { ...this.position, seconds: this.clock.read() };
    const { accuracy, f1, matthews, loss, predicted, lossByTag } = await this.readDev(hooks);
    const metrics = {
      epoch: this.position.epoch,
      step: this.position.step,
      devLoss: loss,
      devAccuracy: accuracy,
      devF1: f1,
      devMatthews: matthews,
      devPredicted: predicted,
      ...(lossByTag && { devLossByTag: lossByTag }),
    };
    await hooks.onEvaluation?.(metrics);
    this.isOver = this.endsAfter(metrics);
    this.clock.start(this.position.seconds);
    this.meter.restart();
    return metrics;
  }

  private endsAfter(metrics: EvaluationMetrics): boolean {
    const { until = Number.POSITIVE_INFINITY, earlyStoppingPatience, metricForBestModel } = this.settings;
    if (metrics.devAccuracy >= until) return true;
    if (earlyStoppingPatience === undefined) return false;
    const earlyStopping = afterEvaluation(metricForBestModel, metrics, this.position.earlyStopping);
    this.position = { ...this.position, earlyStopping };
    return earlyStopping.since >= earlyStoppingPatience;
  }

  private async readDev(hooks: TrainingHooks): Promise<Evaluation> {
    try {
      const where = `evaluation after step ${this.position.step}`;
      return await evaluate(this.classifier, this.planner.tags, this.dev, where, hooks.signal);
    } catch (error) {
      if (!hooks.signal?.aborted || error !== hooks.signal.reason) throw error;
      this.position = { ...this.position, evaluationDue: true };
      this.clock.start(this.position.seconds);
      return this.stop(hooks);
    }
  }

  private async checkpoint(hooks: TrainingHooks): Promise<void> {
    if (!hooks.onCheckpoint) return;
    await this.readOutcomes();
    await this.saving.end();
    this.saving.check();
    const { lossScale } = this.classifier;
    const position = {
      ...this.position,
      ...(this.position.batches > 0 && { seconds: this.clock.read() }),
      ...(lossScale && { lossScale }),
    };
    const { step } = position;
    const state = this.classifier.parameters.readState().then((read) => {
      for (const part of Object.values(read)) checkWeights(part, `checkpoint of step ${step}`);
      return read;
    });
    // A hook may ignore the promise: a rejection must not end the process.
    state.catch(() => {});
    this.saving.begin(hooks.onCheckpoint(position, state));
  }
}
