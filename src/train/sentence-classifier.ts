import { type KernelChoices, tilesOn } from '../attention/kernel-choices.js';
import { checkArgument, device as deviceArgument, folderName, number } from '../base/argument-schemas.js';
import { checkExamples, checkText, checkTexts } from '../data/data-arguments.js';
import type { Example, Text } from '../data/dataset.js';
import { encodeExamples, encodeTexts, type Reading } from '../data/encoded-data.js';
import type { Device } from '../gpu/device.js';
import { modelRulesOf } from '../grammar/grammar-arguments.js';
import { checkHeads, type ModelRules } from '../grammar/head-rules.js';
import { pieceTags } from '../grammar/own-tags.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { SeededRelabelling } from '../grammar/relabelling.js';
import type { Strategy } from '../grammar/rules.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { makeBatch } from '../nn/batch.js';
import { Classifier } from '../nn/classifier.js';
import { initialWeights } from '../nn/initial-weights.js';
import { checkConfig } from '../nn/model-checks.js';
import { BERT_TINY, type ModelConfig } from '../nn/model-config.js';
import { checkFits } from '../nn/model-size.js';
import { AttentionMask } from '../plan/mask.js';
import { LONGEST_SEQUENCE } from '../plan/plan.js';
import type { TileShape } from '../plan/tiles.js';
import { checkedLogits, type Evaluation, evaluate, logitsOf, mostProbable, softmax } from './evaluation.js';
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
import { checkBuildOptions, checkContinuation, checkModel, checkReading } from './train-arguments.js';
import { type Checkpoint, type EpochMetrics, Trainer, type TrainingHooks } from './trainer.js';

export interface BuildOptions {
  vocabulary: Vocabulary;
  /** Whatever differs from bert-tiny. */
  shape?: Partial<Omit<ModelConfig, 'vocabulary' | 'classes' | 'biasTags'>>;
  /** Names of the classes, by label; `negative` and `positive` where left out. */
  classes?: readonly string[];
  /** `none` where left out. */
  strategy?: Strategy;
  /** Rules, or the name of a preset; the paper's where left out. */
  rules?: string | ModelRules;
  /** What soft pairs add to their score; the rule set's own β where left out. */
  beta?: number;
  /** "own" where the examples carry the tags of their words; wink-nlp tags them where left out. */
  tags?: 'own';
  /**
   * Pieces at which sentences are cut, [CLS] and [SEP] included; 128 where left out. The model has so many positions where
   * its shape does not name another number, and 512 at least.
   */
  mostPieces?: number;
  /** Of the initial weights; 42 where left out. */
  seed?: number;
  /** Variants of the kernels that were measured to be the fastest; the expected ones where left out. */
  kernels?: KernelChoices;
  /** A control: other tags than the tagger's, for every sentence that the model reads. */
  relabelling?: SeededRelabelling;
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

/** A prediction with what led to it. Pieces are those of `encodeSentence`, [CLS] and [SEP] included, in the text's order. */
export interface ModelExplanation extends Prediction {
  /** [layers][heads] of [pieces, pieces] by query, then key: probabilities, 0 where a pair does not exist. */
  attention: Float32Array[][];
  /** For each piece, gradient times input for the logit of the predicted class (see `Classifier.attribution`). */
  attribution: number[];
  /** The tiles that the plan had. */
  tile: TileShape;
}

/** How a model reads texts. */
export interface ReadsWith {
  vocabulary: Vocabulary;
  mostPieces: number;
  rules: ModelRules;
  strategy: Strategy;
  beta: number;
  ownTags: boolean;
  relabelling?: SeededRelabelling;
}

function textOf(text: string | Text): Text {
  return typeof text === 'string' ? { text } : text;
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
    this.planner = this.plannerOf(description.strategy, description.rules, description.beta);
  }

  /** A new model with random weights. @throws CallerError where the kernels cannot run its shape. */
  static build(device: Device, options: BuildOptions): SentenceClassifier {
    checkArgument(deviceArgument, device, 'device');
    const description = describeModel(options);
    checkFits(description.config, device, false);
    const weights = initialWeights(description.config, options.seed ?? DEFAULT_SEED);
    return new SentenceClassifier(device, description, weights);
  }

  /** A model of given weights, by name: of those that `startFrom` read. @throws CallerError where a tensor is missing. */
  static of(
    device: Device,
    description: ModelDescription,
    weights: ReadonlyMap<string, Float32Array>,
  ): SentenceClassifier {
    checkArgument(deviceArgument, device, 'device');
    checkModel(description, weights);
    modelRulesOf(description.rules);
    return new SentenceClassifier(device, description, weights);
  }

  /** A model from a folder that `save`, `train` or Hugging Face's `save_pretrained` wrote. @throws CallerError where a file is not what it should be. */
  static async load(device: Device, folder: string): Promise<SentenceClassifier> {
    checkArgument(deviceArgument, device, 'device');
    checkArgument(folderName, folder, 'folder');
    const description = await loadDescription(folder);
    checkFits(description.config, device, false);
    return new SentenceClassifier(device, description, await loadWeights(folder, description.config), folder);
  }

  /**
   * Reads on under other rules than before: strategy, rules and β take effect with the next call. Where rules are given
   * and β is not, it is theirs; where neither is, the model's own.
   * @throws CallerError where the rules are for other layers or heads than the model's.
   */
  useRules(strategy: Strategy, rules?: string | ModelRules, beta?: number): void {
    checkReading(strategy, beta);
    const own = this.description;
    const given = rules === undefined ? undefined : modelRulesOf(rules);
    if (given) checkHeads(given, own.config);
    this.planner = this.plannerOf(strategy, given ?? own.rules, beta ?? given?.beta ?? own.beta);
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
    const { length } = this.description.classes;
    checkExamples(train, length, 'train');
    checkExamples(dev, length, 'dev');
    checkContinuation(hooks, from);
    const settings = completeSettings(options, train.length);
    checkFits(this.description.config, this.classifier.device, true);
    const trainer = new Trainer(
      this.classifier,
      this.planner,
      encodeExamples(train, this.reading),
      encodeExamples(dev, this.reading),
      settings,
      this.description.vocabulary.idOf('[MASK]'),
    );
    return trainer.run(hooks, from);
  }

  /**
   * Accuracy, F1, Matthews' correlation and mean loss on labelled examples.
   * @throws CallerError for words with tags that the rules do not have, or without, where the model needs them.
   */
  async evaluate(examples: readonly Example[]): Promise<Evaluation> {
    checkExamples(examples, this.description.classes.length, 'examples');
    return evaluate(this.classifier, this.planner, encodeExamples(examples, this.reading));
  }

  /** The share of all pairs of tokens that the strategy lets exist, over some examples. */
  density(examples: readonly Example[]): number {
    checkExamples(examples, this.description.classes.length, 'examples');
    const { ledger } = this.planner.plan(encodeTexts(examples, this.reading).sentences);
    return ledger.useful / ledger.dense;
  }

  /**
   * Hard rules for each head, made of what its attention does on some texts (see `pruneHeads`); with `strategy: 'hard'`, a
   * model of this shape can be trained with them.
   * @param density The share of all pairs that shall exist, in each head.
   * @throws CallerError where it is no share, or the model's own rules forbid pairs already.
   */
  async prune(
    texts: readonly (string | Text)[],
    density: number,
    onProgress?: (done: number) => void,
  ): Promise<PrunedRules> {
    checkTexts(texts, 'texts');
    checkArgument(number, density, 'density');
    const { sentences } = encodeTexts(texts.map(textOf), this.reading);
    return pruneHeads(this.classifier, this.planner, sentences, density, onProgress);
  }

  /**
   * Classifies texts, with or without tags of their words.
   * @throws CallerError for words with tags that the rules do not have, or without, where the model needs them.
   */
  async predict(texts: readonly (string | Text)[]): Promise<Prediction[]> {
    checkTexts(texts, 'texts');
    const { classes } = this.description;
    const read = texts.map(textOf);
    const { sentences, cut } = encodeTexts(read, this.reading);
    const logits = await logitsOf(this.classifier, this.planner, sentences);
    return logits.map((row, index) => ({
      text: read[index].text,
      label: classes[mostProbable(row)],
      logits: Array.from(row),
      probabilities: softmax(row),
      cut: cut[index],
    }));
  }

  /** How texts are read now: what the model was made with, and the rules, strategy and β that `useRules` set. */
  get readsWith(): ReadsWith {
    const { vocabulary, mostPieces, tags, relabelling } = this.description;
    const { rules, strategy, beta } = this.planner.mask;
    return { vocabulary, mostPieces, rules, strategy, beta, ownTags: tags === 'own', relabelling };
  }

  /**
   * Classifies a text, and says what its attention did and which of its pieces spoke for the predicted class.
   * @param mostPieces Where the text is cut, if that is earlier than the model cuts.
   * @throws CallerError as `predict` does.
   */
  async explain(text: string | Text, mostPieces = Number.POSITIVE_INFINITY): Promise<ModelExplanation> {
    checkText(text, 'text');
    checkArgument(number, mostPieces, 'mostPieces');
    const { classes } = this.description;
    const read = textOf(text);
    const most = Math.min(mostPieces, this.description.mostPieces);
    const { sentences, cut } = encodeTexts([read], { ...this.reading, mostPieces: most });
    const plan = this.planner.plan(sentences);
    const batch = makeBatch(sentences, plan);
    const [logits] = checkedLogits(await this.classifier.logits(batch));
    const label = mostProbable(logits);
    return {
      text: read.text,
      label: classes[label],
      logits: Array.from(logits),
      probabilities: softmax(logits),
      cut: cut[0],
      attention: await this.classifier.attentionProbabilities(batch),
      attribution: Array.from(await this.classifier.attribution(batch, label)),
      tile: plan.shape,
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

  /** Writes the weights alone: for a folder that has the description already. */
  async saveWeights(folder: string): Promise<void> {
    checkArgument(folderName, folder, 'folder');
    await saveWeights(folder, this.description.config, await this.weights());
  }

  /** Destroys what the model holds on the GPU. */
  release(): void {
    this.classifier.release();
  }

  private get reading(): Reading {
    const { vocabulary, mostPieces, tags, relabelling } = this.description;
    const { mask, tags: pieceTags } = this.planner;
    return {
      vocabulary,
      mostPieces,
      rules: mask.rules,
      tags: pieceTags,
      ownTags: tags === 'own',
      relabelling,
    };
  }

  private plannerOf(strategy: Strategy, rules: ModelRules, beta: number): Planner {
    const { kernels, tags } = this.description;
    const shape = tilesOn(this.classifier.device, kernels);
    const mask = AttentionMask.fromRules(rules, strategy, { beta });
    return new Planner(mask, shape, pieceTags(rules, tags === 'own'));
  }
}

/** What a new model will be, with defaults for what is left out. @throws CallerError where the kernels or the rules do not fit its shape. */
export function describeModel(options: BuildOptions): ModelDescription {
  checkBuildOptions(options);
  const rules = modelRulesOf(options.rules ?? PAPER_RULES);
  const { vocabulary, shape, strategy = 'none', beta = rules.beta } = options;
  const { classes = ['negative', 'positive'], mostPieces = 128, kernels, tags, relabelling } = options;
  const config = {
    ...BERT_TINY,
    positions: Math.min(Math.max(BERT_TINY.positions, mostPieces), LONGEST_SEQUENCE),
    ...shape,
    vocabulary: vocabulary.size,
    classes: classes.length,
    biasTags: biasTags(rules, strategy, tags === 'own'),
  };
  checkConfig(config);
  checkHeads(rules, config);
  checkedMostPieces(mostPieces, config);
  return { config, vocabulary, classes, strategy, rules, beta, tags, mostPieces, kernels, relabelling };
}
