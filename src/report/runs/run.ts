import type { Settings } from '../../train/experiment/experiment.js';
import { type Look, MARKERS } from '../page/plot-frame.js';

/** What a model did on dev at one step; a loss that is no number is NaN. */
export interface DevReading {
  step: number;
  accuracy: number;
  loss: number;
}

/** Mean loss over the steps since the last report. */
export interface TrainingLoss {
  step: number;
  loss: number;
}

/** One training, as a page shows it. */
export interface Run {
  /** What is called so here: a folder, or a cell of an experiment. */
  name: string;
  /** Runs of one condition differ by their seed alone. */
  condition: string;
  seed: string;
  evaluations: readonly DevReading[];
  /** Empty where only dev was kept. */
  trainingLosses: readonly TrainingLoss[];
  /** The evaluation whose weights were kept; undefined before the first. */
  best?: DevReading;
  /** Share of dev's pairs that exist; undefined where nobody counted them. */
  density?: number;
  /** False where it was interrupted. */
  isFinished: boolean;
  settings: Settings;
  adapter: string;
  /** Names the data, so that only what was trained on the same is compared. */
  data: string;
  /** Repeats it; undefined where nobody wrote it down. */
  command?: string;
}

/** All runs of one name, and how they are drawn. */
export interface Condition {
  name: string;
  runs: readonly Run[];
  look: Look;
}

/** The condition that others are held against, where it takes part. */
export const BASELINE = 'none';

const COLOURS = 8;
const DASHES = ['none', '6 3', '2 3', '8 3 2 3'];

/** A look of its own for each of several conditions: with these colours and shapes, no two of the first 56 are alike. */
function lookOf(at: number): Look {
  return {
    colour: `var(--series-${at % COLOURS})`,
    marker: MARKERS[at % MARKERS.length],
    dashes: DASHES[Math.floor(at / COLOURS) % DASHES.length],
  };
}

/** Runs by condition, in the order in which these first appear, those of a condition by seed. */
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

/** The step at which a loss is first no number, or at which evaluations end without one; undefined where all is well. */
export function divergedAt({ evaluations, trainingLosses }: Run): number | undefined {
  const steps = [...evaluations, ...trainingLosses]
    .filter(({ loss }) => !Number.isFinite(loss))
    .map(({ step }) => step);
  return steps.length > 0 ? Math.min(...steps) : undefined;
}
