import { tilesOn } from '../attention/kernel-choices.js';
import { checkArgument, device as deviceArgument, folderName, number } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { type Precision, precision as precisionArgument } from '../base/precision.js';
import { checkExamples, type Example, tokenizeExamples } from '../data/dataset.js';
import type { Device } from '../gpu/device.js';
import type { Text } from '../grammar/custom-tags.js';
import { checkText } from '../grammar/grammar-arguments.js';
import { checkHeads } from '../grammar/head-rules.js';
import type { TaggedTokenizer, TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { makeBatch } from '../nn/batch.js';
import { Classifier } from '../nn/classifier.js';
import { initialWeights } from '../nn/initial-weights.js';
import type { Task } from '../nn/model-config.js';
import { checkFits } from '../nn/model-size.js';
import { closureOf, densityOf } from '../plan/closure.js';
import type { RuleMask } from '../plan/mask.js';
import type { TileConfig } from '../plan/tiles.js';
import { checkedLogits, type Evaluation, evaluate, logitsOf, mostProbable, softmax } from './evaluation.js';
import { type BuildOptions, describeModel, type ModelDescription } from './model-description.js';
import { loadDescription, saveDescription } from './model-folder.js';
import { loadWeights, saveWeights } from './model-weights.js';
import { Planner } from './planner.js';
import { type PrunedRules, pruneHeads } from './prune.js';
import { type RateSweep, sweepOf, sweptRates } from './rate-sweep.js';
import { DEFAULT_SEED } from './settings.js';
import { completeSettings, type TrainingOptions } from './settings-schema.js';
import { checkLogits, TaskExamples } from './task-examples.js';
import { checkContinuation, checkModel, ruleMask } from './train-arguments.js';
import { type Checkpoint, type EpochMetrics, Trainer, type TrainingHooks } from './trainer.js';

/** The most tokens of a text whose closure is computed. */
const LONGEST_CLOSURE = 2048;

/** A text, the class that a model gives it, and the probability of each class. */
export interface Prediction {
  /** The text that was read. */
  text: string;
  /** The name of the most probable class. */
  label: string;
  /** The logit of each class, in the order of the model's classes. */
  logits: number[];
  /** The probability of each class, the softmax of the logits. */
  probabilities: number[];
  /** Whether the text was cut to the maximum length of the model. */
  cut: boolean;
}

/** A prediction with its attention and attribution. Tokens are in the text's order, [CLS] and [SEP] included. */
export interface ModelExplanation extends Prediction {
  /** [layers][heads] of [tokens, tokens] by query, then key: probabilities, 0 where a pair does not exist. */
  attention: Float32Array[][];
  /** For each token, gradient times input for the logit of the predicted class (see `Classifier.attribution`). */
  attribution: number[];
  /** The tiles that the plan had. */
  tile: TileConfig;
}

/** A BERT or DistilBERT classifier of sentences with its vocabulary and its mask. */
export class SentenceClassifier {
  private readonly classifier: Classifier;
  private tokenizer: TaggedTokenizer;
  private planner: Planner;

  private constructor(
    device: Device,
    readonly description: ModelDescription,
    weights: ReadonlyMap<string, Float32Array>,
    where?: string,
  ) {
    if (!description || !weights) {
      const expected = 'SentenceClassifier.build or SentenceClassifier.load';
      throw new CallerError({ what: 'new SentenceClassifier', expected });
    }
    this.classifier = new Classifier(device, description.config);
    this.classifier.parameters.write(weights, where);
    this.tokenizer = description.tokenizer;
    this.planner = this.plannerOf(description.mask);
  }

  /** A new model with random weights. @throws CallerError where the kernels cannot run its shape. */
  static build(device: Device, options: BuildOptions): SentenceClassifier {
    checkArgument(deviceArgument, device, 'device');
    const description = describeModel(options);
    checkFits(description.config, device, false);
    const weights = initialWeights(description.config, options.seed ?? DEFAULT_SEED);
    const model = new SentenceClassifier(device, description, weights);
    model.usePrecision(options.precision ?? 'f32');
    return model;
  }

  /** A model with weights by name, as `startFrom` reads them. @throws CallerError where a tensor is missing. */
  static of(
    device: Device,
    description: ModelDescription,
    weights: ReadonlyMap<string, Float32Array>,
  ): SentenceClassifier {
    checkArgument(deviceArgument, device, 'device');
    checkModel(description, weights);
    return new SentenceClassifier(device, description, weights);
  }

  /**
   * A model from a folder that `save`, `train` or Hugging Face's `save_pretrained` wrote.
   * @param tasks What it may be for; classes of texts by default.
   * @throws CallerError where a file is not what it should be. */
  static async load(device: Device, folder: string, tasks?: readonly Task[]): Promise<SentenceClassifier> {
    checkArgument(deviceArgument, device, 'device');
    checkArgument(folderName, folder, 'folder');
    const description = await loadDescription(folder, tasks);
    checkFits(description.config, device, false);
    return new SentenceClassifier(device, description, await loadWeights(folder, description.config), folder);
  }

  /**
   * Replaces the mask, from the next call on: `description.mask.with({ strategy: 'hard' })`, say.
   * @throws CallerError where its rules are for other layers or heads than the model's.
   */
  useMask(mask: RuleMask): void {
    checkArgument(ruleMask, mask, 'mask');
    const { config, tokenizer } = this.description;
    checkHeads(mask.rules, config);
    const read = tokenizer.withTags(mask.rules.tags);
    if (config.tagEmbeddings && read.tags.join() !== tokenizer.tags.join()) {
      throw new CallerError({
        what: `rules "${mask.rules.name}" are about other tags than those that the model has embeddings of`,
        expected: `rules about: ${tokenizer.tags.join(', ')}`,
      });
    }
    this.tokenizer = read;
    this.planner = this.plannerOf(mask);
  }

  /**
   * Sets the precision of products, from the next call on; weights and sums are f32 in all.
   * @throws CallerError for f16, where the device was not opened for it.
   */
  usePrecision(precision: Precision): void {
    checkArgument(precisionArgument, precision, 'precision');
    this.classifier.usePrecision(precision);
    this.planner = this.plannerOf(this.planner.mask);
  }

  /**
   * Trains on `train`, and evaluates on `dev` after each epoch, or more often by `options`. The model keeps the weights of the last epoch.
   * @param from A checkpoint that `hooks.onCheckpoint` received in a run with the same model, data and options.
   * @returns The metrics of every epoch that ended in this call.
   * @throws CallerError where a setting makes no sense; EngineError where the GPU fails.
   */
  async train(
    train: readonly Example[],
    dev: readonly Example[],
    options: TrainingOptions = {},
    hooks: TrainingHooks = {},
    from?: Checkpoint,
  ): Promise<EpochMetrics[]> {
    checkContinuation(hooks, from);
    return this.trainerOf(train, dev, options).run(hooks, from);
  }

  /**
   * Finds a learning rate: trains a hundred steps, at rates that grow from 1e-8 to 1, until the loss diverges. The model and its
   * optimizer are then as they were.
   * @param options As for `train`; its learning rate and schedule are not used.
   * @throws CallerError where a setting makes no sense; EngineError where the GPU fails.
   */
  async findLearningRate(train: readonly Example[], options: TrainingOptions = {}): Promise<RateSweep> {
    const trainer = this.trainerOf(train, [], options);
    const { parameters } = this.classifier;
    const state = await parameters.readState();
    try {
      const rates = sweptRates();
      return sweepOf(rates, await trainer.sweep(rates));
    } finally {
      parameters.writeState(state);
    }
  }

  /** @throws CallerError where an example or a setting makes no sense. */
  private trainerOf(train: readonly Example[], dev: readonly Example[], options: TrainingOptions): Trainer {
    const { length } = this.description.classes;
    const count = this.task === 'mlm' ? 1 : length;
    checkExamples(train, count, 'train');
    checkExamples(dev, count, 'dev');
    const settings = completeSettings(options, train.length);
    checkFits(this.description.config, this.classifier.device, true);
    if (settings.precision) this.usePrecision(settings.precision);
    const examples = this.examplesOf(train, 'train');
    checkLogits(this.classifier, examples, settings);
    return new Trainer(this.classifier, this.planner, examples, this.examplesOf(dev, 'dev'), settings);
  }

  /**
   * Accuracy, F1, Matthews' correlation and mean loss on labelled examples.
   * @throws CallerError for words with tags that the rules do not have, or without, where the model needs them.
   */
  async evaluate(examples: readonly Example[]): Promise<Evaluation> {
    checkExamples(examples, Math.max(1, this.description.classes.length), 'examples');
    return evaluate(this.classifier, this.tokenizer.tags, this.examplesOf(examples, 'examples'));
  }

  /** The share of all pairs of tokens that the strategy lets exist, over some examples, from 0 to 1. */
  density(examples: readonly Example[]): number {
    checkExamples(examples, Math.max(1, this.description.classes.length), 'examples');
    return densityOf(this.planner.layout(this.tokenizer.encode(examples)));
  }

  /**
   * The share of all pairs of tokens, over some examples, that the model's layers join: see `closureOf`. Undefined where a text is
   * longer than 2,048 tokens: under a window, the work grows with the cube of the length.
   */
  closure(examples: readonly Example[]): number | undefined {
    checkExamples(examples, Math.max(1, this.description.classes.length), 'examples');
    const { layers } = this.description.config;
    const sentences = this.tokenizer.encode(examples);
    if (sentences.some(({ ids }) => ids.length > LONGEST_CLOSURE)) return undefined;
    return closureOf(this.planner.layout(sentences), layers)[layers - 1];
  }

  /**
   * Hard rules for each head, from its attention on some texts (see `pruneHeads`); with strategy `hard`, a
   * model of this shape can be trained with them.
   * @param density The share of all pairs that should exist, in each head: above 0, 1 at most.
   * @param onProgress Called after each batch with the number of texts that are done.
   * @throws CallerError where it is not a share, or the model's own rules forbid pairs already.
   */
  async prune(
    texts: readonly (string | Text)[],
    density: number,
    onProgress?: (done: number) => void,
  ): Promise<PrunedRules> {
    checkArgument(number, density, 'density');
    return pruneHeads(this.classifier, this.planner, this.tokenizer.encode(texts), density, onProgress);
  }

  /**
   * Classifies texts, with or without tags of their words.
   * @throws CallerError for words with tags that the rules do not have, or without, where the model needs them.
   */
  async predict(texts: readonly (string | Text)[]): Promise<Prediction[]> {
    this.requireClassifier();
    const sentences = this.tokenizer.encode(texts);
    const logits = await logitsOf(this.classifier, this.planner, sentences);
    return logits.map((row, index) => this.predictionOf(texts[index], sentences[index], row));
  }

  private predictionOf(
    text: string | Text,
    { isCut = false }: TaggedTokens,
    logits: Float32Array,
  ): Prediction {
    return {
      text: typeof text === 'string' ? text : text.text,
      label: this.description.classes[mostProbable(logits)],
      logits: Array.from(logits),
      probabilities: softmax(logits),
      cut: isCut,
    };
  }

  /** The current tokenizer and mask, those of `useMask` included. */
  get readsWith(): Pick<ModelDescription, 'tokenizer' | 'mask'> {
    return { tokenizer: this.tokenizer, mask: this.planner.mask };
  }

  /**
   * Classifies a text, and returns its attention and the attribution of its tokens to the predicted class.
   * @param maxLength Tokens after which the text is cut, if the model does not cut it earlier.
   * @throws CallerError as `predict` does.
   */
  async explain(text: string | Text, maxLength = Number.POSITIVE_INFINITY): Promise<ModelExplanation> {
    checkText(text, 'text');
    this.requireClassifier();
    checkArgument(number, maxLength, 'maxLength');
    const most = Math.min(maxLength, this.tokenizer.maxLength);
    const sentences = this.tokenizer.withTags(this.tokenizer.wordTags, most).encode([text]);
    const layout = this.planner.layout(sentences);
    const batch = makeBatch(sentences, layout);
    const [logits] = checkedLogits(await this.classifier.logits(batch));
    return {
      ...this.predictionOf(text, sentences[0], logits),
      attention: await this.classifier.attentionProbabilities(batch),
      attribution: Array.from(await this.classifier.attribution(batch, mostProbable(logits))),
      tile: layout.tileConfig,
    };
  }

  /** All weights by Hugging Face's names, flat. */
  async weights(): Promise<Map<string, Float32Array>> {
    return this.classifier.parameters.read();
  }

  /** Writes configuration, rules, vocabulary and weights to a folder. @throws EngineError where the disk refuses. */
  async save(folder: string): Promise<void> {
    checkArgument(folderName, folder, 'folder');
    await saveDescription(folder, this.description);
    await this.saveWeights(folder);
  }

  /** Writes the weights only, into a folder that has the description. */
  async saveWeights(folder: string): Promise<void> {
    checkArgument(folderName, folder, 'folder');
    await saveWeights(folder, this.description.config, await this.weights());
  }

  /** Destroys what the model holds on the GPU. */
  release(): void {
    this.classifier.release();
  }

  private requireClassifier(): void {
    if (this.task === 'classification') return;
    throw new CallerError({
      what: 'a model that finds masked tokens',
      expected: 'a classifier of texts',
      remedy: 'train one from it with `parsimony train --init`',
    });
  }

  private get task(): Task {
    return this.description.config.task ?? 'classification';
  }

  /** @throws CallerError where a text has no token that could be masked, and the model finds masked tokens. */
  private examplesOf(examples: readonly Example[], name: string): TaskExamples {
    const { task, tokenizer, planner } = this;
    const tokenized = tokenizeExamples(examples, tokenizer);
    const read = new TaskExamples(task, planner, tokenized, tokenizer.vocabulary);
    const empty = tokenized.sentences.findIndex((_, index) => read.rowsOf(index) === 0);
    if (empty < 0) return read;
    throw new CallerError({
      what: 'a text without a word',
      where: `${name}, text ${empty + 1}`,
      expected: 'a token that can be masked',
      remedy: 'leave it out',
    });
  }

  private plannerOf(mask: RuleMask): Planner {
    const { device, precision } = this.classifier;
    const tiles = tilesOn(device, this.description.kernels, precision);
    return new Planner(mask, tiles, this.tokenizer.tags);
  }
}
