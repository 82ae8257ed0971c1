import { escapeControls } from '../base/errors.js';
import type { Example } from '../data/dataset.js';
import { percent } from '../report/page/numbers.js';
import { scoreOf } from '../train/best.js';
import { stepsTo } from '../train/experiment/steps-to-threshold.js';
import { readWrittenRecord } from '../train/run-record.js';
import { completeSettings, stepsPerEpoch } from '../train/settings-schema.js';
import {
  descriptionOf,
  type TrainingOutcome,
  type TrainingRun,
  type TrainingRunHooks,
} from '../train/training-run.js';
import { type JsonTarget, wroteJson } from './output-files.js';
import { note, type ProgressDisplay, print, printTable, progress } from './terminal.js';

/** Shows the progress of a run on standard error. @param introduction Called before the first step. */
export function runDisplay(folder: string, introduction: () => void): TrainingRunHooks {
  let display: ProgressDisplay | undefined;
  let total = 0;
  return {
    onNote: note,
    onEnd: () => display?.stop(),
    onStart({ step, totalSteps }) {
      total = totalSteps;
      if (step === totalSteps) {
        note(`The run in ${folder} is finished: all of its ${totalSteps} steps are done.`);
        return;
      }
      introduction();
      if (step > 0) note(`Continuing after step ${step} of ${totalSteps}.`);
      display = progress({ label: 'training', total: totalSteps, unit: 'steps', done: step });
    },
    onProgress({ epoch, step, loss, tokensPerSecond }) {
      display?.update(
        step,
        `epoch ${epoch} | loss ${loss.toFixed(4)} | ${Math.round(tokensPerSecond)} tokens/s`,
      );
    },
    onEpoch(metrics, { devAccuracy, step }) {
      if (metrics.step === total) display?.stop();
      const best =
        step === metrics.step
          ? 'the best so far, saved'
          : `the best: ${devAccuracy.toFixed(4)}, at step ${step}`;
      const { skippedSteps } = metrics;
      note(
        `epoch ${metrics.epoch}: train loss ${metrics.trainLoss.toFixed(4)}, dev loss ${metrics.devLoss.toFixed(4)}, ` +
          `dev accuracy ${metrics.devAccuracy.toFixed(4)} (${best})` +
          (skippedSteps
            ? `, ${skippedSteps} ${skippedSteps === 1 ? 'step' : 'steps'} skipped so far: a gradient exceeded f16`
            : ''),
      );
    },
  };
}

/** The largest number of classes that are listed. */
const MOST_CLASSES = 20;

/** The classes of a run by number, how often train has each, and how often dev where the two differ. */
export function classCounts(
  classes: readonly string[],
  { train, dev }: Pick<TrainingRun['data'], 'train' | 'dev'>,
): string {
  const counts = (examples: readonly Example[]) => {
    const count = new Array<number>(classes.length).fill(0);
    for (const { label } of examples) count[label]++;
    return count;
  };
  const [ofTrain, ofDev] = [counts(train), counts(dev)];
  const counted = classes.slice(0, MOST_CLASSES).map((name, label) => {
    return `${label} ${escapeControls(JSON.stringify(name))} ${ofTrain[label]} (${ofDev[label]})`;
  });
  const rest = classes.length - counted.length;
  return `Classes, with their rows in train (and dev): ${counted.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** A sentence on a run that `earlyStoppingPatience` ended; undefined for others. */
function earlyStop(run: TrainingRun, { epochs, final }: TrainingOutcome): string | undefined {
  const rows = run.data.train.length;
  const {
    earlyStoppingPatience: patience,
    metricForBestModel,
    until = 2,
    ...settings
  } = completeSettings(run, rows);
  const totalSteps = settings.epochs * stepsPerEpoch(rows, settings);
  if (patience === undefined || final.step === totalSteps || final.devAccuracy >= until) return undefined;
  const when = `in epoch ${epochs.length} of ${settings.epochs}, after step ${final.step} of ${totalSteps}`;
  return `stopped ${when}: dev ${metricForBestModel} has not improved in ${patience} evaluations`;
}

/** Prints the result of a run on standard output, or writes it as JSON. */
export async function printOutcome(
  folder: string,
  run: TrainingRun,
  outcome: TrainingOutcome,
  json?: JsonTarget,
): Promise<void> {
  const { epochs, evaluations, best } = outcome;
  const { metricForBestModel = 'accuracy', until } = run;
  const accuracies = evaluations.map(({ step, devAccuracy: accuracy }) => ({ step, accuracy }));
  const toThreshold = until === undefined ? undefined : { until, ...stepsTo(until, accuracies) };
  const { strategy } = descriptionOf(run).mask;
  const { density, closure } = await readWrittenRecord(folder);
  const pairs = { density, closure };
  const result = { model: folder, strategy, metricForBestModel, ...pairs, best, epochs, ...toThreshold };
  if (await wroteJson(json, result)) return;
  const { epoch, step, devAccuracy } = best;
  const by =
    metricForBestModel === 'accuracy'
      ? ''
      : `, dev ${metricForBestModel} ${scoreOf(metricForBestModel, best).toFixed(4)}`;
  if (best.devLossByTag) {
    print('Mean loss of dev by the tag of the masked token:');
    printTable(
      ['tag', 'tokens', 'loss'],
      Object.entries(best.devLossByTag).map(([tag, { rows, loss }]) => [tag, rows, loss.toFixed(4)]),
    );
  }
  print(`dev accuracy ${devAccuracy.toFixed(4)}${by} (epoch ${epoch}, step ${step}, saved in ${folder})`);
  if (density !== undefined && closure !== undefined && density < 1) {
    const { layers } = descriptionOf(run).config;
    note(
      `${percent(density)} of dev's pairs exist (density), ${layers} ${layers === 1 ? 'layer joins' : 'layers join'} ${percent(closure)} (closure)`,
    );
  }
  const stopped = earlyStop(run, outcome);
  if (stopped !== undefined) print(stopped);
  if (!toThreshold) return;
  const { steps, isReached } = toThreshold;
  print(isReached ? `${until} was reached at step ${steps}` : `${until} was not reached in ${steps} steps`);
}
