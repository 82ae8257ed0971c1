import { type KernelChoices, tilesOn } from '../src/attention/kernel-choices.js';
import type { Precision } from '../src/base/precision.js';
import type { Example } from '../src/data/dataset.js';
import type { Device } from '../src/gpu/device.js';
import { tokenTags } from '../src/grammar/custom-tags.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import { TaggedTokenizer, type TaggedTokens } from '../src/grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../src/grammar/vocabulary.js';
import { ADAMW_DEFAULTS } from '../src/nn/adamw.js';
import { makeBatch } from '../src/nn/batch.js';
import { Classifier } from '../src/nn/classifier.js';
import { initialWeights } from '../src/nn/initial-weights.js';
import { BERT_TINY, type ModelConfig } from '../src/nn/model-config.js';
import { AttentionMask } from '../src/plan/mask.js';
import type { PairCounts } from '../src/plan/pair-counts.js';
import { biasTags, Planner } from '../src/train/planner.js';

/** A part of a step on the CPU, in milliseconds of `performance.now()`. */
export interface Stage {
  name: 'tag' | 'plan' | 'upload' | 'record and submit' | 'wait';
  begin: number;
  end: number;
}

export type ModelShape = Pick<ModelConfig, 'hidden' | 'heads' | 'layers' | 'feedForward'>;

interface SetupOptions {
  shape: ModelShape;
  vocabulary: Vocabulary;
  /** The longest sequence of the model. */
  positions: number;
  /** Two by default. */
  classes?: number;
  strategy: Strategy;
  rules: RuleSet;
  /** Draws weights and dropout. */
  seed: number;
  kernels?: KernelChoices;
  /** f32 by default. */
  precision?: Precision;
}

/** A model and its training steps, which can be run one by one and are timed stage by stage. */
export class TrainingSetup {
  private readonly classifier: Classifier;
  private readonly planner: Planner;
  private step = 0;
  private lastPairCounts: PairCounts | undefined;

  constructor(
    device: Device,
    private readonly options: SetupOptions,
  ) {
    const { shape, vocabulary, positions, strategy, rules, seed, kernels, precision = 'f32' } = options;
    const { classes = BERT_TINY.classes } = options;
    const config: ModelConfig = {
      ...BERT_TINY,
      ...shape,
      vocabulary: vocabulary.size,
      positions,
      classes,
      biasTags: biasTags(strategy, tokenTags(rules.tags)),
    };
    this.classifier = new Classifier(device, config);
    this.classifier.parameters.write(initialWeights(config, seed));
    this.classifier.usePrecision(precision);
    const tiles = tilesOn(device, kernels, precision);
    this.planner = new Planner(AttentionMask.fromRules(rules, strategy), tiles);
  }

  get strategy(): Strategy {
    return this.options.strategy;
  }

  /** The pair counts of the last step's plan. */
  get pairCounts(): PairCounts {
    return this.lastPairCounts!;
  }

  /** One training step to its end on the GPU. @returns Its stages in order. */
  async run(sentences: readonly TaggedTokens[], labels: readonly number[]): Promise<Stage[]> {
    const stages: Stage[] = [];
    const stage = <T>(name: Stage['name'], action: () => T): T => {
      const begin = performance.now();
      const result = action();
      stages.push({ name, begin, end: performance.now() });
      return result;
    };
    const batch = stage('plan', () => {
      const layout = this.planner.layout(sentences);
      this.lastPairCounts = layout.pairCounts;
      return makeBatch(sentences, layout, labels);
    });
    stage('upload', () => this.classifier.upload(batch));
    this.step++;
    const training = { seed: this.options.seed, step: this.step };
    stage('record and submit', () => this.classifier.trainStep(batch, training, 1e-4, ADAMW_DEFAULTS));
    const begin = performance.now();
    await this.classifier.device.finish();
    stages.push({ name: 'wait', begin, end: performance.now() });
    return stages;
  }

  release(): void {
    this.classifier.release();
  }
}

/** Tags some examples as a stage. */
export function taggedStage(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  maxLength: number,
): { sentences: TaggedTokens[]; stage: Stage } {
  const begin = performance.now();
  const sentences = new TaggedTokenizer({ vocabulary, maxLength }).encode(examples.map(({ text }) => text));
  return { sentences, stage: { name: 'tag', begin, end: performance.now() } };
}
