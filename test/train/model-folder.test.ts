import { cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { STRATEGIES } from '../../src/grammar/rules.js';
import { parseRules } from '../../src/grammar/rules-file.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { formatSafetensors, parseSafetensors } from '../../src/train/safetensors.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { logitsOf, smallModel, withModel } from './models.js';

const root = temporaryFolder();

async function loaded(folder: string): Promise<SentenceClassifier> {
  return SentenceClassifier.load(await testDevice(), folder);
}

describe('a model folder', () => {
  it.each(STRATEGIES)('gives back the same model: %s', async (strategy) => {
    const folder = join(root, strategy);
    const tagEmbeddings = strategy === 'none' || strategy === 'learned';
    const { logits, description } = await withModel(
      smallModel(strategy, { tagEmbeddings }),
      async (model) => {
        await model.save(folder);
        return { logits: await logitsOf(model), description: model.description };
      },
    );
    expect(new Set(logits.map((row) => row.join())).size, 'each text has other logits').toBe(logits.length);
    await withModel(loaded(folder), async (model) => {
      expect(await logitsOf(model)).toEqual(logits);
      expect(model.description).toEqual(description);
      const mask = AttentionMask.fromRules(
        parseRules('{ "name": "other", "tags": ["X1"], "hard": {} }'),
        'hard',
      );
      const useMask = () => model.useMask(mask);
      if (tagEmbeddings) expect(useMask).toThrow(/"other" are about other tags than those .* embeddings of/);
      else expect(useMask).not.toThrow();
    });
  });

  it('keeps its rules, bias, classes and length', async () => {
    const rules = parseRules(
      '{ "name": "custom", "beta": 2, "hard": { "*": ["=", "NOUN"] }, "soft": [["ADJ", "VERB"]] }',
    );
    const options = { rules, beta: 3.5, classes: ['no', 'maybe', 'yes'], maxLength: 9 };
    const folder = join(root, 'options');
    const logits = await withModel(smallModel('guided', options), async (model) => {
      await model.save(folder);
      return logitsOf(model);
    });
    await withModel(loaded(folder), async (model) => {
      const { mask, classes, tokenizer } = model.description;
      const { maxLength } = tokenizer;
      expect({ beta: mask.beta, classes, maxLength, rules: mask.rules }).toEqual(options);
      expect(await logitsOf(model)).toEqual(logits);
    });
  });

  it('has only complete files, with the names of Hugging Face', async () => {
    const folder = join(root, 'names');
    await withModel(smallModel('none'), (model) => model.save(folder));
    expect(readdirSync(folder).sort()).toEqual([
      'config.json',
      'model.safetensors',
      'rules.json',
      'tokenizer_config.json',
      'vocab.txt',
    ]);
    expect(JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8'))).toMatchObject({
      architectures: ['BertForSequenceClassification'],
      hidden_size: 32,
      num_hidden_layers: 2,
      num_attention_heads: 2,
      intermediate_size: 32,
      max_position_embeddings: 64,
      id2label: { 0: 'negative', 1: 'positive' },
    });
    const tensors = parseSafetensors(readFileSync(join(folder, 'model.safetensors')), 'f');
    expect(tensors.get('bert.encoder.layer.1.attention.self.query.weight')?.shape).toEqual([32, 32]);
    expect(tensors.get('classifier.bias')?.shape).toEqual([2]);
    expect(tensors.size).toBe(5 + 2 * 16 + 4);
  });
});

describe('a model folder is refused', () => {
  const whole = join(root, 'whole');
  const broken = join(root, 'broken');

  beforeAll(() => withModel(smallModel('hard'), (model) => model.save(whole)));

  async function expectRefused(file: string, change: (path: string) => void, says: RegExp): Promise<void> {
    rmSync(broken, { recursive: true, force: true });
    cpSync(whole, broken, { recursive: true });
    change(join(broken, file));
    const error = await loaded(broken).then(
      (model) => model.release(),
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(CallerError);
    const { message } = error as CallerError;
    expect(message.startsWith(join(broken, file)), message).toBe(true);
    expect(message).toMatch(says);
  }

  it.each(['config.json', 'rules.json', 'vocab.txt', 'model.safetensors'])('without its %s', async (file) => {
    await expectRefused(file, (path) => rmSync(path), /cannot be read \(ENOENT\)/);
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['a text for a number', { hidden_size: '32' }, /"hidden_size" is "32"; expected a number/],
    ['heads that do not fit', { num_attention_heads: 5 }, /over 5 heads; expected/],
    ['half a layer', { num_hidden_layers: 1.5 }, /"num_hidden_layers" is 1\.5; expected a whole number/],
    ['a negative epsilon of norms', { layer_norm_eps: -1 }, /-1.*expected/],
    ['one class', { id2label: { 0: 'all' } }, /1 class; expected at least two/],
    ['classes that are not counted from 0', { id2label: { 1: 'a', 2: 'b' } }, /"id2label" does not name/],
    ['an unknown strategy', { parsimony: { strategy: 'x', beta: 5, max_length: 9 } }, /"x"; expected one of/],
    ['no bias', { parsimony: { strategy: 'hard', max_length: 9 } }, /no "parsimony\.beta"/],
    ['sentences over its positions', { parsimony: { strategy: 'hard', beta: 5, max_length: 65 } }, /65.*64/],
    ['the same by the former name', { parsimony: { strategy: 'hard', beta: 5, most_pieces: 65 } }, /65.*64/],
    [
      'tag noise without a seed, by the former name',
      { parsimony: { strategy: 'hard', beta: 5, max_length: 9, relabel: 'shuffled' } },
      /"tag_noise" without "tag_noise_seed"/,
    ],
    ['sentences of no tokens', { parsimony: { strategy: 'hard', beta: 5, max_length: 0 } }, /is 0; expected/],
  ])('where its configuration has %s', async (_, changes, says) => {
    const change = (path: string) => {
      writeFileSync(path, JSON.stringify({ ...JSON.parse(readFileSync(path, 'utf8')), ...changes }));
    };
    await expectRefused('config.json', change, says);
  });

  it('where its weights lack a tensor, have one too many, or one of another shape', async () => {
    const withTensors =
      (change: (tensors: ReturnType<typeof parseSafetensors>) => void) => (path: string) => {
        const tensors = parseSafetensors(readFileSync(path), path);
        change(tensors);
        writeFileSync(path, formatSafetensors(tensors));
      };
    const name = 'bert.pooler.dense.bias';
    const lacking = withTensors((tensors) => tensors.delete(name));
    await expectRefused('model.safetensors', lacking, /tensor "bert\.pooler\.dense\.bias" is missing/);
    const extra = withTensors((tensors) => tensors.set('other', { shape: [1], values: Float32Array.of(1) }));
    await expectRefused('model.safetensors', extra, /tensor "other" is none of this model's/);
    const reshaped = withTensors((tensors) =>
      tensors.set(name, { shape: [4, 8], values: new Float32Array(32) }),
    );
    await expectRefused('model.safetensors', reshaped, /"bert\.pooler\.dense\.bias" is 4 x 8; expected 32/);
  });
});
