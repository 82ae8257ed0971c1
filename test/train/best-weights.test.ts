import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { adapterKey, type KernelChoices, kernelVariants } from '../../src/attention/kernel-choices.js';
import type { Example } from '../../src/data/dataset.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { loadWeights } from '../../src/train/model-weights.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { runTraining, type TrainingRun } from '../../src/train/training-run.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();
let run: TrainingRun;

beforeAll(async () => {
  const source = dataSource('embedded');
  const train = (await source.examples('train')).slice(0, 24);
  // The other label for each training text: learning makes dev worse.
  const dev = train.slice(0, 12).map((example) => ({ ...example, label: 1 - example.label }));
  const tokens = train.flatMap(({ text }) => splitTokens(text, bertVocabulary())).map(({ text }) => text);
  run = {
    data: { name: 'embedded', train, dev },
    vocabulary: bertVocabulary().restrictedTo(new Set(tokens)),
    shape: { hidden: 32, heads: 2, layers: 2, feedForward: 32, positions: 32 },
    maxLength: 32,
    mask: AttentionMask.fromRules('paper', 'guided'),
    epochs: 2,
    batchSize: 4,
    learningRate: 1e-2,
    warmupSteps: 0,
    evalSteps: 2,
    metricForBestModel: 'loss',
    seed: 3,
  };
});

describe('the weights of a finished run', () => {
  it('are those of its best evaluation, and those of the last step', async () => {
    const device = await testDevice();
    const folder = join(root, 'best');
    const { best, final: last } = await runTraining(device, run, folder);
    expect(best.step).toBeLessThan(last.step);
    expect(best.devLoss).toBeLessThan(last.devLoss);
    const model = await SentenceClassifier.load(device, folder);
    try {
      expect((await model.evaluate(run.data.dev)).loss).toBe(best.devLoss);
      const stored = await loadWeights(folder, model.description.config);
      expect(stored).toEqual(await model.weights());
    } finally {
      model.release();
    }
    const bytes = (name: string) => readFileSync(join(folder, name));
    expect(bytes('model.safetensors').equals(bytes('last.safetensors'))).toBe(false);
  });
});

describe('a resumed run', () => {
  it('has the kernels that it started with, not those that would be chosen now', async () => {
    const device = await testDevice();
    const variants = kernelVariants(device, 'sparse');
    const chosen = (name: string): KernelChoices => ({
      adapter: adapterKey(device),
      headDim: 16,
      variants: { 'sparse, up to 64': name },
    });
    const other = variants.find(({ tile }) => tile.tileCost < variants[0].tile.tileCost)!;
    // Texts that are long enough that the assumed cost of a tile decides where a tile ends.
    const joined = (examples: readonly Example[]) =>
      examples.map((example, index) => {
        const texts = [0, 1, 2].map((next) => examples[(index + next) % examples.length].text);
        return { ...example, text: texts.join(' ') };
      });
    const { name, train, dev } = run.data;
    const longRun = {
      ...run,
      data: { name, train: joined(train), dev: joined(dev) },
      shape: { ...run.shape, positions: 64 },
      maxLength: 64,
      saveSteps: 2,
      kernels: chosen(other.name),
    };
    const weightsOf = (folder: string) => readFileSync(join(folder, 'last.safetensors'));
    await runTraining(device, longRun, join(root, 'whole'));
    const folder = join(root, 'interrupted');
    const interruption = new Error('interrupted');
    const hooks = {
      onEvaluation({ step }: { step: number }) {
        if (step === 6) throw interruption;
      },
    };
    await expect(runTraining(device, longRun, folder, hooks)).rejects.toBe(interruption);
    await runTraining(device, { ...longRun, kernels: chosen(variants[0].name) }, folder);
    expect(weightsOf(folder).equals(weightsOf(join(root, 'whole')))).toBe(true);
    await runTraining(device, { ...longRun, kernels: chosen(variants[0].name) }, join(root, 'others'));
    expect(weightsOf(join(root, 'others')).equals(weightsOf(folder)), 'other kernels give other bits').toBe(
      false,
    );
  });
});
