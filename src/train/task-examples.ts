import { CallerError } from '../base/errors.js';
import type { TokenizedExamples } from '../data/dataset.js';
import { type Masking, masked, mlmMasked, mlmTokens } from '../data/masking.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { type Batch, makeBatch } from '../nn/batch.js';
import type { Classifier } from '../nn/classifier.js';
import { paddedOutputs, type Task } from '../nn/model-config.js';
import type { Planner } from './planner.js';
import { MLM_PROBABILITY } from './settings.js';
import type { TrainingSettings } from './settings-schema.js';

/** How tokens are masked in an epoch of training, which counts from 1. */
export interface EpochMasks extends Pick<TrainingSettings, 'maskProbability' | 'mlmProbability' | 'seed'> {
  epoch: number;
}

/** Masks of evaluations: the same for all runs, so that their losses compare. */
const EVALUATION: EpochMasks = { maskProbability: 0, seed: 0, epoch: 0 };

/** A batch with its labels, and what each row with logits is. */
export interface LabelledBatch {
  batch: Batch;
  labels: number[];
  /** For each row the tag of its token, an index into the tokenizer's tags. */
  tags: number[];
}

/** Examples as batches of a task: each text has a class, or each masked token is a class. */
export class TaskExamples {
  constructor(
    readonly task: Task,
    private readonly planner: Planner,
    private readonly data: TokenizedExamples,
    private readonly vocabulary: Pick<Vocabulary, 'size' | 'idOf'>,
  ) {}

  get sentences(): readonly TaggedTokens[] {
    return this.data.sentences;
  }

  /** The rows with logits of an example. */
  rowsOf(
    index: number,
    { mlmProbability = MLM_PROBABILITY }: Pick<EpochMasks, 'mlmProbability'> = EVALUATION,
  ): number {
    return this.task === 'mlm' ? mlmTokens(this.data.sentences[index], mlmProbability) : 1;
  }

  /** @param masks Those of evaluations by default. */
  batchOf(indexes: readonly number[], masks: EpochMasks = EVALUATION): LabelledBatch {
    const { mlmProbability = MLM_PROBABILITY, maskProbability, seed, epoch } = masks;
    const masking: Masking = { probability: maskProbability, maskId: this.vocabulary.idOf('[MASK]'), seed };
    if (this.task !== 'mlm') {
      const sentences = indexes.map((index) => masked(this.data.sentences[index], masking, epoch, index));
      const labels = indexes.map((index) => this.data.labels[index]);
      const batch = makeBatch(sentences, this.planner.layout(sentences), labels);
      return { batch, labels, tags: sentences.map(({ tags }) => tags[0]) };
    }
    const { size: vocabularySize } = this.vocabulary;
    const mlm = { ...masking, probability: mlmProbability, vocabularySize };
    const read = indexes.map((index) => mlmMasked(this.data.sentences[index], mlm, epoch, index));
    const sentences = read.map(({ sentence }) => sentence);
    const labels = read.flatMap((each) => each.labels);
    const tags = read.flatMap(({ sentence, positions }) => positions.map((at) => sentence.tags[at]));
    let start = 0;
    const outputs = read.flatMap(({ sentence, positions }) => {
      const first = start;
      start += sentence.ids.length;
      return positions.map((position) => first + position);
    });
    return { batch: makeBatch(sentences, this.planner.layout(sentences), labels, outputs), labels, tags };
  }
}

/**
 * Checks that the logits of the longest batch fit a buffer of the adapter.
 * @throws CallerError where they do not.
 */
export function checkLogits(
  { device, config }: Pick<Classifier, 'device' | 'config'>,
  examples: TaskExamples,
  { batchSize, mlmProbability }: Pick<TrainingSettings, 'batchSize' | 'mlmProbability'>,
): void {
  const counts = Float64Array.from(examples.sentences, (_, index) =>
    examples.rowsOf(index, { mlmProbability }),
  );
  const rows = counts
    .sort()
    .subarray(-batchSize)
    .reduce((total, count) => total + count, 0);
  const bytes = 4 * rows * paddedOutputs(config);
  if (bytes <= device.largestBuffer) return;
  throw new CallerError({
    what: `${rows} masked tokens in a batch of ${batchSize} texts: their logits take ${bytes} bytes`,
    expected: `at most ${device.largestBuffer}, the adapter's limit for one buffer`,
    remedy: 'use a smaller --batch-size with --gradient-accumulation-steps',
  });
}
