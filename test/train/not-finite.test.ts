import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { EngineError } from '../../src/base/errors.js';
import type { Device } from '../../src/gpu/device.js';
import { checkedLogits, crossEntropy } from '../../src/train/evaluation.js';
import { checkWeights } from '../../src/train/finite-checks.js';
import { parseSafetensors } from '../../src/train/safetensors.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { completeSettings, type TrainingOptions } from '../../src/train/settings-schema.js';
import { runTraining, type TrainingRun } from '../../src/train/training-run.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { smallModel, TEXTS, withModel } from './models.js';

const folder = temporaryFolder();
const EXAMPLES = TEXTS.flatMap((text) =>
  [0, 1, 2].map((i) => ({ text: text.slice(0, 20 + 9 * i), label: i % 2 })),
);

/** A model with one changed weight. */
async function modelWith(
  name: string,
  at: number,
  value: number,
  device?: Device,
): Promise<SentenceClassifier> {
  const model = await smallModel('none');
  const weights = await model.weights();
  weights.get(name)![at] = value;
  model.release();
  return SentenceClassifier.of(device ?? (await testDevice()), model.description, weights);
}

async function errorOf(action: Promise<unknown>): Promise<Error> {
  const error = await action.then(
    () => expect.unreachable('it should have ended'),
    (thrown) => thrown,
  );
  expect(error).toBeInstanceOf(EngineError);
  expect(error.message).not.toContain('\n');
  return error;
}

const OPTIONS: TrainingOptions = { epochs: 1, batchSize: 2, evaluationsPerEpoch: 1 };

describe('a training step that is not finite', () => {
  it.each([
    ['classifier.bias', 0, Number.NaN],
    ['bert.encoder.layer.1.attention.self.query.weight', 5, Number.POSITIVE_INFINITY],
  ])('ends the run, and names the weight it came from: %s', async (name, at, value) => {
    await withModel(modelWith(name, at, value), async (model) => {
      const error = await errorOf(model.train(EXAMPLES, EXAMPLES, OPTIONS));
      expect(error.message).toMatch(
        /^step \d+: the (loss|norm of the gradient) is (NaN|-?Infinity); weight "/,
      );
      expect(error.message).toContain(`weight "${name}" holds ${value}; expected finite numbers; lower the`);
    });
  });

  it('is named where the cause is one text of one of its batches', async () => {
    const affected = [{ text: 'dull .', label: 0 }];
    const plain = Array.from({ length: 5 }, (_, i) => ({ text: 'the man tells', label: i % 2 }));
    const model = await smallModel('none');
    const id = model.description.tokenizer.vocabulary.idOf('dull');
    const weights = await model.weights();
    const table = weights.get('bert.embeddings.word_embeddings.weight')!;
    table[id * model.description.config.hidden] = Number.NaN;
    model.release();
    const broken = SentenceClassifier.of(await testDevice(), model.description, weights);
    await withModel(Promise.resolve(broken), async (classifier) => {
      const options = { ...OPTIONS, batchSize: 1, gradientAccumulationSteps: 3 };
      const { message } = await errorOf(classifier.train([...plain, ...affected], plain, options));
      expect(message).toMatch(
        /^step [12]: the loss is NaN; weight "bert\.embeddings\.word_embeddings\.weight"/,
      );
      for (const [name, values] of await classifier.weights()) {
        if (name.includes('word_embeddings')) continue;
        expect(values.every(Number.isFinite), `${name} is unchanged`).toBe(true);
      }
    });
  });

  it('ends a run into a folder, and only finite numbers are saved', async () => {
    const { description } = await withModel(smallModel('none'), async (model) => model);
    const run: TrainingRun = {
      data: { name: 'texts', train: EXAMPLES, dev: EXAMPLES },
      vocabulary: description.tokenizer.vocabulary,
      maxLength: 32,
      shape: { hidden: 32, heads: 2, layers: 1, feedForward: 32, positions: 64 },
      ...OPTIONS,
      epochs: 3,
      seed: 5,
      learningRate: 1e6,
      lrScheduler: 'constant',
      warmupSteps: 0,
      evalSteps: 1,
      evaluationsPerEpoch: undefined,
      weightDecay: 1,
    };
    const out = join(folder, 'run');
    const { message } = await errorOf(runTraining(await testDevice(), run, out));
    expect(message).toMatch(/^(step|evaluation after step) \d+: /);
    expect(existsSync(join(out, 'last.safetensors'))).toBe(false);
    const saved = readdirSync(out).filter((file) => file.endsWith('.safetensors'));
    expect(saved).toContain('model.safetensors');
    for (const file of saved) {
      const path = join(out, file);
      for (const [name, { values }] of parseSafetensors(readFileSync(path), path)) {
        expect(values.every(Number.isFinite), `${file}: ${name}`).toBe(true);
      }
    }
  });
});

describe('a number elsewhere that is not finite', () => {
  it('gives no evaluation, no prediction and no explanation', async () => {
    await withModel(modelWith('classifier.weight', 1, Number.NaN), async (model) => {
      for (const action of [model.evaluate(EXAMPLES), model.predict(TEXTS), model.explain(TEXTS[0])]) {
        expect((await errorOf(action)).message).toMatch(/^the logits of text 1 are not finite/);
      }
    });
  });

  it('is not saved', async () => {
    await withModel(modelWith('classifier.bias', 1, Number.NEGATIVE_INFINITY), async (model) => {
      const { message } = await errorOf(model.save(join(folder, 'saved')));
      expect(message).toMatch(
        /model\.safetensors: tensor "classifier\.bias" holds -Infinity, and is not saved/,
      );
      expect(existsSync(join(folder, 'saved', 'model.safetensors'))).toBe(false);
    });
  });

  it('is named with its text or its tensor', () => {
    const rows = [Float32Array.of(1, 2), Float32Array.of(1, Number.NaN)];
    expect(() => checkedLogits(rows, 65, 'there')).toThrow(
      /^there: the logits of text 66 are not finite \(1, NaN\)/,
    );
    const tensors = new Map([
      ['a', Float32Array.of(0)],
      ['b', Float32Array.of(1, Number.NaN)],
    ]);
    expect(() => checkWeights(tensors, 'file')).toThrow(/^file: tensor "b" holds NaN/);
  });

  it.each([
    [{ learningRate: 1e39 }, /options\.learningRate is 1e\+39; expected a positive number of 32 bits/],
    [{ learningRate: 1e-50 }, /options\.learningRate is 1e-50; expected a positive number/],
    [{ biasLearningRate: 1e39 }, /options\.biasLearningRate is 1e\+39/],
    [{ weightDecay: 1e39 }, /options\.weightDecay is 1e\+39; expected a number of 0 or more, of 32 bits/],
    [{ maxGradNorm: 1e39 }, /options\.maxGradNorm is 1e\+39/],
    [{ sparsity: 1e39 }, /options\.sparsity is 1e\+39/],
    [{ learningRate: Number.NaN }, /options\.learningRate is NaN/],
  ] as const)('is not a setting: %o', (options, says) => {
    expect(() => completeSettings(options, 10)).toThrow(says);
  });
});

describe('the loss of an evaluation', () => {
  it('is that of its logits, for any small probability', () => {
    expect(crossEntropy([1e4, 0], 1)).toBe(1e4);
    expect(crossEntropy([0, 0], 1)).toBeCloseTo(Math.LN2, 15);
    expect(crossEntropy([-3, 3e38], 1)).toBe(0);
  });
});
