import { type KernelChoices, tilesOn } from '../attention/kernel-choices.js';
import type { Example } from '../data/dataset.js';
import { encodeExamples } from '../data/encoded-data.js';
import type { Device } from '../gpu/device.js';
import { CallerError } from '../gpu/errors.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { RuleSet, Strategy } from '../grammar/rules.js';
import { encodeSentence } from '../grammar/tagged-pieces.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { splitPieces } from '../grammar/word-pieces.js';
import { ADAMW_DEFAULTS } from '../nn/adamw.js';
import { Classifier } from '../nn/classifier.js';
import { BERT_TINY, checkConfig, type ModelConfig } from '../nn/config.js';
import { initialWeights } from '../nn/initial-weights.js';
import { type Evaluation, evaluate, logitsOf, mostProbable, softmax } from './evaluation.js';
import {
  checkedMostPieces,
  loadDescription,
  loadWeights,
  type ModelDescription,
  saveDescription,
  saveWeights,
} from './model-folder.js';
import { biasTags, Planner } from './planner.js';
import {
  type EpochMetrics,
  stepsPerEpoch,
  Trainer,
  type TrainingHooks,
  type TrainingSettings,
} from './trainer.js';

export interface BuildOptions {
  vocabulary: Vocabulary;
  /** Whatever differs from bert-tiny. */
  shape?: Partial<Omit<ModelConfig, 'vocabulary' | 'classes' | 'biasTags'>>;
  /** Names of the classes, by label; `negative` and `positive` where left out. */
  classes?: readonly string[];
  /** `none` where left out. */
  strategy?: Strategy;
  /** The paper's where left out. */
  rules?: RuleSet;
  /** What soft pairs add to their score; the rule set's own β where left out. */
  beta?: number;
  /** Pieces at which sentences are cut, [CLS] and [SEP] included; 128 where left out. */
  mostPieces?: number;
  /** Of the initial weights; 42 where left out. */
  seed?: number;
  /** Variants of the kernels that were measured to be the fastest; the expected ones where left out. */
  kernels?: KernelChoices;
}

export type TrainingOptions = Partial<TrainingSettings>;

export interface Prediction {
  text: string;
  /** The name of the most probable class. */
  label: string;
  logits: number[];
  probabilities: number[];
  /** Whether the text was longer than the model's sentences may be, and only its beginning was read. */
  cut: boolean;
}

export const DEFAULT_SEED = 42;

/** [CLS] and [SEP]. */
const SPECIAL_PIECES = 2;

/** The paper's run, but for what suits training from scratch: batch 32 at rate 2e-4. */
export const TRAINING_DEFAULTS = {
  ...ADAMW_DEFAULTS,
  epochs: 3,
  batch: 32,
  rate: 2e-4,
  seed: DEFAULT_SEED,
  evaluations: 1,
};

/** The paper warms up for 500 steps; a short run for a tenth of its own. */
function warmUpSteps(totalSteps: number): number {
  return Math.min(500, Math.ceil(totalSteps / 10));
}

/** A BERT or DistilBERT classifier of sentences with its vocabulary, its rules and its strategy. */
export class SentenceClassifier {
  private readonly classifier: Classifier;
  private planner: Planner;

  private constructor(
    device: Device,
    readonly description: ModelDescription,
    weights: ReadonlyMap<string, Float32Array>,
    where?: string,
  ) {
    this.classifier = new Classifier(device, description.config);
    this.classifier.parameters.write(weights, where);
    const { rules, strategy, beta, kernels } = description;
    this.planner = new Planner(rules, strategy, beta, tilesOn(device, kernels));
  }

  /** A new model with random weights. @throws CallerError where the kernels cannot run its shape. */
  static build(device: Device, options: BuildOptions): SentenceClassifier {
    const description = describeModel(options);
    const weights = initialWeights(description.config, options.seed ?? DEFAULT_SEED);
    return new SentenceClassifier(device, description, weights);
  }

  /** A model of given weights, by name: of those that `startFrom` read. @throws CallerError where a tensor is missing. */
  static of(
    device: Device,
    description: ModelDescription,
    weights: ReadonlyMap<string, Float32Array>,
  ): SentenceClassifier {
    return new SentenceClassifier(device, description, weights);
  }

  /** A model from a folder that `save`, `train` or Hugging Face's `save_pretrained` wrote. @throws CallerError where a file is not what it should be. */
  static async load(device: Device, folder: string): Promise<SentenceClassifier> {
    const description = await loadDescription(folder);
    return new SentenceClassifier(device, description, await loadWeights(folder, description.config), folder);
  }

  /**
   * Reads on under other rules than before: strategy, rules and β take effect with the next call. Where rules are given
   * and β is not, it is theirs; where neither is, the model's own.
   */
  useRules(strategy: Strategy, rules?: RuleSet, beta?: number): void {
    const own = this.description;
    this.planner = new Planner(
      rules ?? own.rules,
      strategy,
      beta ?? rules?.beta ?? own.beta,
      tilesOn(this.classifier.device, own.kernels),
    );
  }

  /**
   * Trains on `train`, and evaluates on `dev` after each epoch, or more often where asked to. The weights stay those of the last epoch.
   * @throws CallerError where a setting makes no sense; EngineError where the GPU fails.
   */
  async train(
    train: readonly Example[],
    dev: readonly Example[],
    options: TrainingOptions = {},
    hooks: TrainingHooks = {},
  ): Promise<EpochMetrics[]> {
    const settings = completeSettings(options, train.length);
    const trainer = new Trainer(
      this.classifier,
      this.planner,
      this.encode(train),
      this.encode(dev),
      settings,
    );
    return trainer.run(hooks);
  }

  /** Accuracy and mean loss on labelled examples. */
  async evaluate(examples: readonly Example[]): Promise<Evaluation> {
    return evaluate(this.classifier, this.planner, this.encode(examples));
  }

  /** The share of all pairs of tokens that the strategy lets exist, over some examples. */
  density(examples: readonly Example[]): number {
    const { ledger } = this.planner.plan(this.encode(examples).sentences);
    return ledger.useful / ledger.dense;
  }

  async predict(texts: readonly string[]): Promise<Prediction[]> {
    const { vocabulary, mostPieces, classes } = this.description;
    const sentences = texts.map((text) => encodeSentence(text, vocabulary, mostPieces));
    const logits = await logitsOf(this.classifier, this.planner, sentences);
    return logits.map((row, index) => ({
      text: texts[index],
      label: classes[mostProbable(row)],
      logits: Array.from(row),
      probabilities: softmax(row),
      // Only a sentence of the full length can have been cut: the others need not be split a second time.
      cut:
        sentences[index].ids.length === mostPieces &&
        splitPieces(texts[index], vocabulary).length + SPECIAL_PIECES > mostPieces,
    }));
  }

  /** All weights by Hugging Face's names, flat. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.classifier.parameters.read();
  }

  /** Writes configuration, rules, vocabulary and weights to a folder. @throws EngineError where the disk refuses. */
  async save(folder: string): Promise<void> {
    await saveDescription(folder, this.description);
    await this.saveWeights(folder);
  }

  /** Writes the weights alone: for a folder that has the description already. */
  async saveWeights(folder: string): Promise<void> {
    await saveWeights(folder, this.description.config, await this.weights());
  }

  /** Destroys what the model holds on the GPU. */
  release(): void {
    this.classifier.release();
  }

  private encode(examples: readonly Example[]) {
    return encodeExamples(examples, this.description.vocabulary, this.description.mostPieces);
  }
}

/** What a new model will be, with defaults for what is left out. @throws CallerError where the kernels cannot run its shape. */
export function describeModel(options: BuildOptions): ModelDescription {
  const { vocabulary, shape, strategy = 'none', rules = PAPER_RULES, beta = rules.beta } = options;
  const { classes = ['negative', 'positive'], mostPieces = 128, kernels } = options;
  const config = {
    ...BERT_TINY,
    ...shape,
    vocabulary: vocabulary.size,
    classes: classes.length,
    biasTags: biasTags(rules, strategy),
  };
  checkConfig(config);
  checkedMostPieces(mostPieces, config);
  return { config, vocabulary, classes, strategy, rules, beta, mostPieces, kernels };
}

/** @throws CallerError where a setting makes no sense. */
export function completeSettings(options: TrainingOptions, rows: number): TrainingSettings {
  const settings = { ...TRAINING_DEFAULTS, ...options };
  const { epochs, batch, rate, seed, evaluations, weightDecay, clipNorm } = settings;
  const check = (holds: boolean, what: string, expected: string) => {
    if (!holds) throw new CallerError({ what, expected });
  };
  check(Number.isInteger(epochs) && epochs >= 1, `${epochs} epochs`, 'a positive integer');
  check(Number.isInteger(batch) && batch >= 1, `a batch of ${batch}`, 'a positive integer');
  check(Number.isFinite(rate) && rate > 0, `a learning rate of ${rate}`, 'a positive number');
  for (const [name, value] of Object.entries({
    'a weight decay': weightDecay,
    'a gradient norm': clipNorm,
  })) {
    check(Number.isFinite(value) && value >= 0, `${name} of ${value}`, 'a number of 0 or more');
  }
  check(
    Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32,
    `seed ${seed}`,
    'a whole number from 0 to 2³² - 1',
  );
  check(
    Number.isInteger(evaluations) && evaluations >= 1,
    `${evaluations} evaluations an epoch`,
    'a positive integer',
  );
  check(rows > 0, 'no training examples', 'at least one');
  const totalSteps = epochs * stepsPerEpoch(rows, batch);
  return { ...settings, warmUpSteps: options.warmUpSteps ?? warmUpSteps(totalSteps) };
}
