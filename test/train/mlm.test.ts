import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Example } from '../../src/data/dataset.js';
import type { Device } from '../../src/gpu/device.js';
import { loadDescription } from '../../src/train/model-folder.js';
import { loadWeights } from '../../src/train/model-weights.js';
import { formatSafetensors, parseSafetensors } from '../../src/train/safetensors.js';
import { startFrom } from '../../src/train/starting-point.js';
import { checkLogits } from '../../src/train/task-examples.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { smallModel, TEXTS, withModel } from './models.js';

const folder = join(temporaryFolder(), 'mlm');

const EXAMPLES: Example[] = TEXTS.map((text) => ({ text, label: 0 }));

const OPTIONS = { epochs: 12, batchSize: 4, learningRate: 0.01, warmupSteps: 1, evaluationsPerEpoch: 1 };

describe('a model that finds masked tokens', () => {
  it('learns, reports the loss by tag, and is a starting point of a classifier', async () => {
    const weights = await withModel(smallModel('hard', { task: 'mlm' }), async (model) => {
      const before = await model.evaluate(EXAMPLES);
      const epochs = await model.train(EXAMPLES, EXAMPLES, OPTIONS);
      const after = await model.evaluate(EXAMPLES);
      expect(after.loss).toBeLessThan(before.loss - 0.3);
      expect(after.loss).toBe(epochs.at(-1)!.devLoss);
      // 15 % of 8, 10, 14 and 2 tokens, one at least.
      expect(after.rows).toBe(1 + 2 + 2 + 1);
      const byTag = Object.values(after.lossByTag!);
      expect(byTag.reduce((sum, { rows, loss }) => sum + rows * loss, 0) / 6).toBeCloseTo(after.loss, 12);
      expect(epochs.at(-1)!.devPredicted).toEqual(after.predicted);
      await model.save(folder);
      await expect(model.predict(TEXTS)).rejects.toThrow(
        /finds masked tokens; expected a classifier of texts/,
      );
      return model.weights();
    });
    const config = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'));
    expect(config.architectures).toEqual(['BertForMaskedLM']);
    const file = join(folder, 'model.safetensors');
    const tensors = parseSafetensors(readFileSync(file), file);
    expect([...tensors.keys()].filter((name) => /^(cls|classifier|bert\.pooler)/.test(name))).toEqual([
      'cls.predictions.transform.dense.weight',
      'cls.predictions.transform.dense.bias',
      'cls.predictions.transform.LayerNorm.weight',
      'cls.predictions.transform.LayerNorm.bias',
      'cls.predictions.bias',
    ]);
    await expect(loadDescription(folder)).rejects.toThrow(/no classifier of sentences.*train --init/);

    const start = await startFrom(folder, { maxLength: 32 });
    const encoder = [...weights].filter(([name]) => name.startsWith('bert.'));
    for (const [name, values] of encoder) expect(start.weights.get(name), name).toEqual(values);
    expect(start.weights.get('classifier.weight')).toHaveLength(2 * 32);
    expect(start.notes.join()).toMatch(
      /not used: cls\.predictions\.transform.*drawn from seed 42: bert\.pooler/,
    );
  });

  it('continues from a checkpoint of BertForMaskedLM, whose decoder is the word table', async () => {
    const file = join(folder, 'model.safetensors');
    const tensors = parseSafetensors(readFileSync(file), file);
    tensors.set('cls.predictions.decoder.bias', tensors.get('cls.predictions.bias')!);
    tensors.set('cls.seq_relationship.bias', { shape: [2], values: new Float32Array(2) });
    writeFileSync(file, formatSafetensors(tensors));
    const { weights, notes } = await startFrom(folder, { maxLength: 32, task: 'mlm' });
    const { config } = await loadDescription(folder, ['mlm']);
    expect(weights).toEqual(await loadWeights(folder, config));
    expect(notes).toEqual(['not used: cls.predictions.decoder.bias, cls.seq_relationship.bias']);
  });

  it('is refused where logits are too many for a buffer, and for a text without a word', async () => {
    await withModel(smallModel('none', { task: 'mlm' }, await testDevice()), async (model) => {
      const empty = [...EXAMPLES, { text: ' ', label: 0 }];
      const long = { ...OPTIONS, batchSize: 2, mlmProbability: 0.5 };
      const examples = EXAMPLES.map(() => ({ length: 9 }));
      const read = { sentences: examples, rowsOf: (index: number) => [4, 5, 7, 1][index] } as never;
      const device = { largestBuffer: 1000 } as Device;
      const check = () => checkLogits({ device, config: model.description.config }, read, long);
      expect(check).toThrow(
        /^12 masked tokens in a batch of 2 texts: .* at most 1000, .* smaller --batch-size/,
      );
      await expect(model.train(empty, EXAMPLES, OPTIONS)).rejects.toThrow(
        /^train, text 5: a text without a word/,
      );
    });
  });
});
