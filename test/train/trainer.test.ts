import { beforeAll, describe, expect, it } from 'vitest';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { tilesOn } from '../../src/attention/kernel-choices.js';
import { shuffledBatches } from '../../src/data/batches.js';
import type { TokenizedExamples } from '../../src/data/dataset.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { NO_SENTENCE } from '../../src/grammar/scope.js';
import { TOKEN_TAGS, UNIVERSAL_TAGS } from '../../src/grammar/tags.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { Planner } from '../../src/train/planner.js';
import { completeSettings, type TrainingOptions } from '../../src/train/settings-schema.js';
import { TaskExamples } from '../../src/train/task-examples.js';
import { type EvaluationMetrics, type Progress, Trainer } from '../../src/train/trainer.js';
import { exact, plainInStrides, type Round } from '../reference/arithmetic.js';
import type { BertBatch, Factors } from '../reference/bert.js';
import { attentionFactor, hiddenFactor, streamOf } from '../reference/dropout.js';
import { ReferenceTrainer } from '../reference/trainer.js';
import { testDevice } from '../support/device.js';
import { randomWeights, SMALL_MODEL, withClassifier } from '../support/model-cases.js';
import { generator, randomInteger } from '../support/random.js';

const CONFIG = {
  ...SMALL_MODEL,
  hidden: 32,
  feedForward: 32,
  layers: 1,
  hiddenDropout: 0.1,
  attentionDropout: 0.2,
};
const MASK = 3;
/** Two steps an epoch, of three batches each. The last batch of an epoch has one example instead of two. */
const OPTIONS = {
  epochs: 2,
  batchSize: 2,
  gradientAccumulationSteps: 3,
  learningRate: 4e-3,
  warmupSteps: 2,
  weightDecay: 0.3,
  maxGradNorm: 0.5,
  maskProbability: 0.4,
  evalSteps: 1,
  seed: 11,
} satisfies TrainingOptions;

function someData(seed: number, rows: number): TokenizedExamples {
  const random = generator(seed);
  const sentences = Array.from({ length: rows }, () => {
    const length = randomInteger(random, 4, 9);
    const specialTag = (i: number) => (i === 0 ? '[CLS]' : i === length - 1 ? '[SEP]' : undefined);
    return {
      ids: Uint32Array.from({ length }, () => randomInteger(random, 4, CONFIG.vocabulary - 1)),
      tags: Uint8Array.from({ length }, (_, i) =>
        TOKEN_TAGS.indexOf(
          specialTag(i) ?? UNIVERSAL_TAGS[randomInteger(random, 0, UNIVERSAL_TAGS.length - 1)],
        ),
      ),
      sentences: Uint32Array.from({ length }, (_, i) => (specialTag(i) ? NO_SENTENCE : 0)),
    };
  });
  const labels = sentences.map(() => randomInteger(random, 0, CONFIG.classes - 1));
  return { sentences, labels, cut: sentences.map(() => false) } as unknown as TokenizedExamples;
}

const TRAIN = someData(1, 11);
const DEV = someData(2, 8);
const WEIGHTS = randomWeights(CONFIG, 3);

/** The bytes of "mask": they separate the draws of masks from others with the same seed. */
const MASKING = 0x6d61736b;

/** Whether a token would be masked if it were not [CLS] or [SEP]. */
function drawsMask(epoch: number, example: number, position: number): boolean {
  const word = streamOf(streamOf(MASKING, OPTIONS.seed, epoch, example), position);
  return word < OPTIONS.maskProbability * 2 ** 32;
}

/** The rows of some data as the reference reads them; in training, with their masks. */
function batchOf(data: TokenizedExamples, rows: readonly number[], epoch?: number): BertBatch {
  const texts = rows.map((row) => data.sentences[row]);
  const sentences = texts.map(({ ids }, i) =>
    Array.from(ids, (id, position) => {
      const isWord = position > 0 && position < ids.length - 1;
      return isWord && epoch !== undefined && drawsMask(epoch, rows[i], position) ? MASK : id;
    }),
  );
  const tags = texts.flatMap((sentence) => Array.from(sentence.tags, (tag) => TOKEN_TAGS[tag]));
  const bias = referenceTokenBias(PAPER_RULES, 'guided', tags, {});
  return { sentences, labels: rows.map((row) => data.labels[row]), bias };
}

/** The dropout masks of a batch of a step. From the second batch on, they depend on its number in the step. */
function factorsOf(step: number, part: number): Factors {
  const sites = ['embeddings', 'attention', 'attention output', 'feed-forward output', 'pooled'];
  const mask = (site: string, layer: number, probability: number) => {
    const path = [OPTIONS.seed, step, layer, sites.indexOf(site), ...(part > 0 ? [part] : [])];
    return { probability, stream: streamOf(...path) };
  };
  return {
    hidden: (site, layer, row, channel) =>
      hiddenFactor(mask(site, layer, CONFIG.hiddenDropout), row, channel),
    attention: (layer, head, query, key) =>
      attentionFactor(mask('attention', layer, CONFIG.attentionDropout), head, query, key),
  };
}

interface Run {
  losses: number[];
  dev: { loss: number; predicted: number[] }[];
  weights: ReadonlyMap<string, ArrayLike<number>>;
}

function referenceRun(round: Round): Run {
  const trainer = new ReferenceTrainer(CONFIG, WEIGHTS, { ...OPTIONS, totalSteps: 4 }, round);
  const run: Run = { losses: [], dev: [], weights: trainer.weights };
  for (const epoch of [1, 2]) {
    const batches = shuffledBatches(TRAIN.sentences.length, OPTIONS.batchSize, OPTIONS.seed, epoch);
    for (const first of [0, 3]) {
      const ofStep = batches.slice(first, first + 3);
      const examples = ofStep.flat().length;
      const step = run.losses.length + 1;
      const parts = ofStep.map((rows, index) => ({
        batch: { ...batchOf(TRAIN, rows, epoch), factors: factorsOf(step, index) },
        share: rows.length / examples,
      }));
      run.losses.push(trainer.take(parts));
      run.dev.push(trainer.evaluate(batchOf(DEV, [...DEV.sentences.keys()])));
    }
  }
  return run;
}

async function engineRun(): Promise<Run> {
  const run: Run = { losses: [], dev: [], weights: new Map() };
  await withClassifier(CONFIG, WEIGHTS, async (classifier) => {
    const planner = new Planner(
      AttentionMask.fromRules(PAPER_RULES, 'guided'),
      tilesOn(await testDevice('wide')),
    );
    const settings = completeSettings(OPTIONS, TRAIN.sentences.length);
    const vocabulary = { size: CONFIG.vocabulary, idOf: () => MASK };
    const [train, dev] = [TRAIN, DEV].map(
      (data) => new TaskExamples('classification', planner, data, vocabulary),
    );
    const trainer = new Trainer(classifier, planner, train, dev, settings);
    await trainer.run({
      async onEvaluation({ step, devLoss, devPredicted }: EvaluationMetrics) {
        run.losses.push(...(await classifier.readLosses(step, step)));
        run.dev.push({ loss: devLoss, predicted: devPredicted });
      },
      onProgress: ({ rate }: Progress) => expect(rate).toBeGreaterThan(0),
    });
    run.weights = await classifier.parameters.read();
  });
  return run;
}

/** The length of the difference of two tensors. */
function distance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
  return Math.sqrt(squares);
}

describe('a run of four steps, compared with a trainer in float64,', () => {
  let [engine, float64]: Run[] = [];
  let plain: Run[];

  beforeAll(async () => {
    float64 = referenceRun(exact);
    plain = [1, 2, 3].map((strides) => referenceRun(plainInStrides(strides)));
    engine = await engineRun();
  });

  /** A multiple of the error of the worst plain f32 run: four steps add up, and each order of sums is one draw. */
  const allowed = (error: (run: Run) => number, scale: number) =>
    8 * Math.max(...plain.map(error)) + 64 * 2 ** -24 * scale;

  it('draws masks for [CLS] and [SEP] too, which are then not masked', () => {
    const drawn = TRAIN.sentences.map(({ ids }, row) => [
      drawsMask(1, row, 0),
      drawsMask(1, row, ids.length - 1),
    ]);
    expect(drawn.filter(([first]) => first).length).toBeGreaterThan(2);
    expect(drawn.filter(([, last]) => last).length).toBeGreaterThan(2);
  });

  it('has the same losses in every step', () => {
    expect(engine.losses).toHaveLength(4);
    engine.losses.forEach((_, step) => {
      const error = (run: Run) => Math.abs(run.losses[step] - float64.losses[step]);
      expect(error(engine), `step ${step + 1}`).toBeLessThanOrEqual(allowed(error, 1));
    });
  });

  it('has the same loss and predictions in every evaluation', () => {
    expect(engine.dev).toHaveLength(4);
    engine.dev.forEach(({ loss, predicted }, index) => {
      const error = (run: Run) => Math.abs(run.dev[index].loss - float64.dev[index].loss);
      expect(Math.abs(loss - float64.dev[index].loss)).toBeLessThanOrEqual(allowed(error, 1));
      expect(predicted).toEqual(float64.dev[index].predicted);
    });
  });

  it('ends with the same weights', () => {
    expect(engine.weights.size).toBe(WEIGHTS.size);
    for (const [name, values] of engine.weights) {
      // Softmax ignores an offset of all keys: this gradient is only rounding, and AdamW turns it into steps.
      if (name.endsWith('key.bias')) continue;
      const expected = float64.weights.get(name)!;
      const error = (run: Run) => distance(run.weights.get(name)!, expected);
      const size = distance(expected, new Float64Array(expected.length));
      expect(distance(values, expected), name).toBeLessThanOrEqual(allowed(error, size));
      expect(distance(WEIGHTS.get(name)!, expected), `${name} was trained`).toBeGreaterThan(
        20 * allowed(error, size),
      );
    }
  });
});
