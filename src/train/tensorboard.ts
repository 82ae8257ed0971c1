import { EventFile } from './event-file.js';
import type { TrainingRunHooks } from './training-run.js';

/** Hooks that also write a run's curves for TensorBoard into a folder, under the tags of Hugging Face's `Trainer`. */
export function withTensorBoard(folder: string, hooks: TrainingRunHooks): TrainingRunHooks {
  let file: EventFile | undefined;
  return {
    ...hooks,
    onStart(start) {
      hooks.onStart?.(start);
      if (start.step < start.totalSteps) file = EventFile.create(folder, start.step + 1);
    },
    onProgress(progress) {
      const { step, loss, rate, tokensPerSecond } = progress;
      file?.scalars(step, {
        'train/loss': loss,
        'train/learning_rate': rate,
        'train/tokens_per_second': tokensPerSecond,
      });
      hooks.onProgress?.(progress);
    },
    onEvaluation(metrics) {
      const { step, devLoss, devAccuracy, devF1, devMatthews } = metrics;
      file?.scalars(step, {
        'eval/loss': devLoss,
        'eval/accuracy': devAccuracy,
        'eval/f1': devF1,
        'eval/matthews': devMatthews,
      });
      hooks.onEvaluation?.(metrics);
    },
    onEnd() {
      file?.close();
      hooks.onEnd?.();
    },
  };
}
