import { type KernelChoices, tilesOn } from '../attention/kernel-choices.js';
import type { Example } from '../data/dataset.js';
import { type EncodedData, encodeExamples } from '../data/encoded-data.js';
import type { Device } from '../gpu/device.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { relabelled } from '../grammar/relabelling.js';
import type { Strategy } from '../grammar/rules.js';
import { type EncodedSentence, encodeSentence } from '../grammar/tagged-pieces.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { splitPieces } from '../grammar/word-pieces.js';
import { Classifier } from '../nn/classifier.js';
import { BERT_TINY, checkConfig, type ModelConfig } from '../nn/config.js';
import { initialWeights } from '../nn/initial-weights.js';
import type { RelabellingOfModel } from './control-rules.js';
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
import { type PrunedRules, pruneHeads } from './prune.js';
import { completeSettings, DEFAULT_SEED, type TrainingOptions } from './settings.js';
import { type Checkpoint, type EpochMetrics, Trainer, type TrainingHooks } from './trainer.js';

export interface BuildOptions {
  vocabulary: Vocabulary;
  /** Whatever differs from bert-tiny. */
  shape?: Partial<Omit<ModelConfig, 'vocabulary' | 'classes' | 'biasTags'>>;
  /** Names of the classes, by label; `negative` and `positive` where left out. */
  classes?: readonly string[];
  /** `none` where left out. */
  strategy?: Strategy;
  /** The paper's where left out. */
  rules?: ModelRules;
  /** What soft pairs add to their score; the rule set's own β where left out. */
  beta?: number;
  /** Pieces at which sentences are cut, [CLS] and [SEP] included; 128 where left out. */
  mostPieces?: number;
  /** Of the initial weights; 42 where left out. */
  seed?: number;
  /** Variants of the kernels that were measured to be the fastest; the expected ones where left out. */
  kernels?: KernelChoices;
  /** A control: other tags than the tagger's, for every sentence that the model reads. */
  relabelling?: RelabellingOfModel;
}

export interface Prediction {
  text: string;
  /** The name of the most probable class. */
  label: string;
  logits: number[];
  probabilities: number[];
  /** Whether the text was longer than the model's sentences may be, and only its beginning was read. */
  cut: boolean;
}

/** [CLS] and [SEP]. */
const SPECIAL_PIECES = 2;

/** A BERT classifier of sentences with its vocabulary, its rules and its strategy. */
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

  /** A model from a folder that `save` or `train` wrote. @throws CallerError where a file is not what it should be. */
  static async load(device: Device, folder: string): Promise<SentenceClassifier> {
    const description = await loadDescription(folder);
    return new SentenceClassifier(device, description, await loadWeights(folder, description.config), folder);
  }

  /**
   * Reads on under other rules than before: strategy, rules and β take effect with the next call. Where rules are given
   * and β is not, it is theirs; where neither is, the model's own.
   * @throws CallerError where the rules are for other layers or heads than the model's.
   */
  useRules(strategy: Strategy, rules?: ModelRules, beta?: number): void {
    const own = this.description;
    if (rules) checkHeads(rules, own.config);
    this.planner = new Planner(
      rules ?? own.rules,
      strategy,
      beta ?? rules?.beta ?? own.beta,
      tilesOn(this.classifier.device, own.kernels),
    );
  }

  /**
   * Trains on `train`, and evaluates on `dev` after each epoch, or more often where asked to. The weights stay those of the last epoch.
   * @param from A checkpoint that `hooks.onCheckpoint` was given in a run with the same model, data and options.
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
    const settings = completeSettings(options, train.length);
    const trainer = new Trainer(
      this.classifier,
      this.planner,
      this.encode(train),
      this.encode(dev),
      settings,
      this.description.vocabulary.idOf('[MASK]'),
    );
    return trainer.run(hooks, from);
  }

  /** Accuracy, F1, Matthews' correlation and mean loss on labelled examples. */
  async evaluate(examples: readonly Example[]): Promise<Evaluation> {
    return evaluate(this.classifier, this.planner, this.encode(examples));
  }

  /** The share of all pairs of tokens that the strategy lets exist, over some examples. */
  density(examples: readonly Example[]): number {
    const { ledger } = this.planner.plan(this.encode(examples).sentences);
    return ledger.useful / ledger.dense;
  }

  /**
   * Hard rules for each head, made of what its attention does on some texts (see `pruneHeads`); with `strategy: 'hard'`, a
   * model of this shape can be trained with them.
   * @param density The share of all pairs that shall exist, in each head.
   * @throws CallerError where it is no share, or the model's own rules forbid pairs already.
   */
  async prune(
    texts: readonly string[],
    density: number,
    onProgress?: (done: number) => void,
  ): Promise<PrunedRules> {
    const { vocabulary, mostPieces } = this.description;
    const sentences = texts.map((text) => this.tagged(encodeSentence(text, vocabulary, mostPieces)));
    return pruneHeads(this.classifier, this.planner, sentences, density, onProgress);
  }

  async predict(texts: readonly string[]): Promise<Prediction[]> {
    const { vocabulary, mostPieces, classes } = this.description;
    const sentences = texts.map((text) => this.tagged(encodeSentence(text, vocabulary, mostPieces)));
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

  private encode(examples: readonly Example[]): EncodedData {
    const { vocabulary, mostPieces } = this.description;
    const { sentences, labels } = encodeExamples(examples, vocabulary, mostPieces);
    return { sentences: sentences.map((sentence) => this.tagged(sentence)), labels };
  }

  /** The sentence with the tags that the model reads it under. */
  private tagged(sentence: EncodedSentence): EncodedSentence {
    const { relabelling, vocabulary } = this.description;
    return relabelling ? relabelled(sentence, relabelling.how, vocabulary, relabelling.seed) : sentence;
  }
}

/** What a new model will be, with defaults for what is left out. @throws CallerError where the kernels or the rules do not fit its shape. */
export function describeModel(options: BuildOptions): ModelDescription {
  const { vocabulary, shape, strategy = 'none', rules = PAPER_RULES, beta = rules.beta } = options;
  const { classes = ['negative', 'positive'], mostPieces = 128, kernels, relabelling } = options;
  const config = {
    ...BERT_TINY,
    ...shape,
    vocabulary: vocabulary.size,
    classes: classes.length,
    biasTags: biasTags(rules, strategy),
  };
  checkConfig(config);
  checkHeads(rules, config);
  checkedMostPieces(mostPieces, config);
  return { config, vocabulary, classes, strategy, rules, beta, mostPieces, kernels, relabelling };
}
