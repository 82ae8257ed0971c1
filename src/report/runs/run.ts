import type { Settings } from '../../train/experiment/experiment.js';
import type { StepsToThreshold } from '../../train/experiment/steps-to-threshold.js';
import { type Look, MARKERS } from '../page/plot-frame.js';

/** An evaluation on dev at one step. The loss of a run that diverged is NaN. */
export interface DevEvaluation {
  step: number;
  accuracy: number;
  loss: number;
}

/** Mean loss over the steps since the last report. */
export interface TrainingLoss {
  step: number;
  loss: number;
}

/** A training run, as a page shows it. */
export interface Run {
  /** A folder, or a cell of an experiment. */
  name: string;
  /** Runs of one condition differ only by their seed. */
  condition: string;
  seed: string;
  evaluations: readonly DevEvaluation[];
  /** Empty where only evaluations on dev were stored. */
  trainingLosses: readonly TrainingLoss[];
  /** The evaluation of the best checkpoint; undefined before the first. */
  best?: DevEvaluation;
  /** Accuracy of the best checkpoint on test; undefined where it was not measured. */
  test?: number;
  /** Steps to the dev accuracy of `until`; undefined where it is not set. */
  toThreshold?: StepsToThreshold;
  /** Share of dev's pairs that exist; undefined where they were not counted. */
  density?: number;
  /** Share of dev's pairs that the layers join; undefined where it was not counted. */
  closure?: number;
  /** False where it was interrupted. */
  isFinished: boolean;
  settings: Settings;
  adapter: string;
  /** The fingerprint of the data: only runs with the same data are compared. */
  data: string;
  /** The command that repeats the run; undefined where it was not stored. */
  command?: string;
}

/** The runs of one condition, and how they are drawn. */
export interface Condition {
  name: string;
  runs: readonly Run[];
  look: Look;
}

/** The name of the condition that others are compared with. */
export const BASELINE = 'none';

const COLOURS = 8;
const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/** The look of a condition by its number. The first 56 all differ. */
function lookOf(at: number): Look {
  return {
    colour: `var(--series-${at % COLOURS})`,
    marker: MARKERS[at % MARKERS.length],
    dashes: DASHES[Math.floor(at / COLOURS) % DASHES.length],
  };
}

/** Groups runs by condition, in the order of their first appearance. The runs of a condition are sorted by seed. */
export function conditionsOf(runs: readonly Run[]): Condition[] {
  const names = [...new Set(runs.map(({ condition }) => condition))];
  return names.map((name, at) => ({
    name,
    runs: runs
      .filter(({ condition }) => condition === name)
      .sort((a, b) => a.seed.localeCompare(b.seed, 'en', { numeric: true })),
    look: lookOf(at),
  }));
}

/** The first step whose loss is not a number; undefined where all are numbers. */
export function divergedAt({ evaluations, trainingLosses }: Run): number | undefined {
  const steps = [...evaluations, ...trainingLosses]
    .filter(({ loss }) => !Number.isFinite(loss))
    .map(({ step }) => step);
  return steps.length > 0 ? Math.min(...steps) : undefined;
}
