import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import { parseRules } from '../../src/grammar/rules-file.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { AttentionMask } from '../../src/plan/mask.js';
import type { Tensor } from '../../src/train/safetensors.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { type StartOptions, startFrom } from '../../src/train/starting-point.js';
import {
  huggingFaceConfig,
  tensorsOf,
  VOCABULARY_TOKENS,
  writeCheckpoint,
} from '../support/checkpoint-folder.js';
import { testDevice } from '../support/device.js';
import { randomWeights, SMALL_DISTILBERT, SMALL_MODEL } from '../support/model-cases.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { withModel } from './models.js';

const folder = join(temporaryFolder(), 'checkpoint');

const BERT: ModelConfig = { ...SMALL_MODEL, vocabulary: VOCABULARY_TOKENS.length };
const DISTILBERT: ModelConfig = { ...SMALL_DISTILBERT, vocabulary: VOCABULARY_TOKENS.length };

const one: Tensor = { shape: [1], values: Float32Array.of(1) };

/** Writes a checkpoint of one architecture. The names of a bare encoder's tensors have no prefix. */
function write(
  config: ModelConfig,
  architecture: string,
  change: (tensors: Map<string, Tensor>) => void = () => {},
) {
  const weights = randomWeights(config, 7);
  const tensors = tensorsOf(config, weights);
  change(tensors);
  const bare = architecture.endsWith('Model');
  const named = [...tensors].map(([name, tensor]) => {
    return [bare ? name.replace(`${config.family}.`, '') : name, tensor] as const;
  });
  writeCheckpoint(folder, { ...huggingFaceConfig(config), architectures: [architecture] }, new Map(named));
  return weights;
}

const without =
  (...parts: string[]) =>
  (tensors: Map<string, Tensor>) => {
    for (const name of [...tensors.keys()])
      if (parts.some((part) => name.startsWith(part))) tensors.delete(name);
  };

const start = (options: StartOptions = {}) => startFrom(folder, { maxLength: 40, ...options });

describe('startFrom', () => {
  it.each<[string, ModelConfig, (tensors: Map<string, Tensor>) => void, string[], string[]]>([
    ['BertModel', BERT, without('classifier'), ['classifier.weight', 'classifier.bias'], []],
    [
      'BertForMaskedLM',
      BERT,
      (tensors) => {
        without('classifier', 'bert.pooler')(tensors);
        tensors.set('cls.predictions.bias', one);
      },
      ['bert.pooler.dense.weight', 'bert.pooler.dense.bias', 'classifier.weight', 'classifier.bias'],
      ['cls.predictions.bias'],
    ],
    [
      'BertForTokenClassification',
      BERT,
      without('bert.pooler'),
      ['bert.pooler.dense.weight', 'bert.pooler.dense.bias', 'classifier.weight', 'classifier.bias'],
      ['classifier.weight', 'classifier.bias'],
    ],
    [
      'DistilBertModel',
      DISTILBERT,
      without('classifier', 'pre_classifier'),
      ['pre_classifier.weight', 'pre_classifier.bias', 'classifier.weight', 'classifier.bias'],
      [],
    ],
    [
      'DistilBertForMaskedLM',
      DISTILBERT,
      (tensors) => {
        without('classifier', 'pre_classifier')(tensors);
        tensors.set('vocab_projector.bias', one);
      },
      ['pre_classifier.weight', 'pre_classifier.bias', 'classifier.weight', 'classifier.bias'],
      ['vocab_projector.bias'],
    ],
    ['DistilBertForSequenceClassification', DISTILBERT, () => {}, [], []],
  ])(
    'takes the weights of %s, and draws those that are missing',
    async (architecture, config, change, drawn, left) => {
      const expected = write(config, architecture, change);
      const { weights, notes, description } = await start({ seed: 3 });
      expect(description.classes).toEqual(['negative', 'positive']);
      expect(notes).toEqual([
        ...(left.length > 0 ? [`not used: ${left.join(', ')}`] : []),
        ...(drawn.length > 0 ? [`drawn from seed 3: ${drawn.join(', ')}`] : []),
      ]);
      expect([...weights.keys()].sort()).toEqual([...expected.keys()].sort());
      const fresh = [...weights.keys()].filter((name) => !same(weights.get(name), expected.get(name)));
      expect(fresh.sort()).toEqual([...drawn].sort());
      expect((await start({ seed: 3 })).weights.get('classifier.weight')).toEqual(
        weights.get('classifier.weight'),
      );
      if (drawn.length === 0) return;
      const other = await start({ seed: 4 });
      expect(other.weights.get('classifier.weight')).not.toEqual(weights.get('classifier.weight'));
    },
  );

  it.each<[string, Record<string, unknown>, StartOptions, RegExp | undefined]>([
    ['the same number, without names', {}, {}, undefined],
    [
      'more',
      {},
      { classes: ['a', 'b', 'c'] },
      /classifier has 2 classes \(LABEL_0, LABEL_1\) and the data 3$/,
    ],
    ['the same in capitals', { id2label: { 0: 'NEGATIVE', 1: 'POSITIVE' } }, {}, undefined],
    [
      'the same in another order',
      { id2label: { 0: 'Positive', 1: 'Negative' } },
      {},
      /classes are Positive, Neg/,
    ],
  ])('draws a classifier only where the data has other classes: %s', async (_, labels, options, says) => {
    const expected = randomWeights(BERT, 7);
    writeCheckpoint(folder, { ...huggingFaceConfig(BERT), ...labels }, tensorsOf(BERT, expected));
    const { notes, weights } = await start(options);
    if (says) expect(notes[0]).toMatch(says);
    expect(notes).toHaveLength(says ? 2 : 0);
    expect(same(weights.get('classifier.weight'), expected.get('classifier.weight'))).toBe(
      says === undefined,
    );
    expect(same(weights.get('bert.pooler.dense.weight'), expected.get('bert.pooler.dense.weight'))).toBe(
      true,
    );
  });

  it('takes dropout from the checkpoint, or the same everywhere', async () => {
    write(DISTILBERT, 'DistilBertModel', without('classifier', 'pre_classifier'));
    expect((await start()).description.config).toMatchObject({ hiddenDropout: 0.1, headDropout: 0.2 });
    const { config } = (await start({ dropout: 0.3 })).description;
    expect(config).toMatchObject({ hiddenDropout: 0.3, attentionDropout: 0.3, headDropout: 0.3 });
  });

  it('keeps learned biases and embeddings of tags for the same tags, and drops them for other tags', async () => {
    write(DISTILBERT, 'DistilBertForSequenceClassification');
    const learned = { mask: AttentionMask.fromRules('paper', 'learned'), tagEmbeddings: true };
    const first = await start(learned);
    const embeddings = 'distilbert.embeddings.tag_embeddings.weight';
    const table = 'distilbert.transformer.layer.1.attention.tag_bias';
    const values = first.weights.get(table)!;
    expect(values.every((value) => value === 0)).toBe(true);
    values.fill(0.5);
    const saving = async () => SentenceClassifier.of(await testDevice(), first.description, first.weights);
    await withModel(saving(), (model) => model.save(folder));
    const again = await start(learned);
    expect(again.notes).toEqual([]);
    expect(same(again.weights.get(table), values)).toBe(true);
    expect(same(again.weights.get(embeddings), first.weights.get(embeddings))).toBe(true);
    const rules = parseRules('{ "name": "own", "tags": ["ADJ", "own"], "hard": { "*": ["="] } }');
    const dropped = ['its learned biases are left out', 'its embeddings of tags are left out'];
    const other = await start({ mask: AttentionMask.fromRules(rules, 'learned') });
    expect(other.notes).toEqual(dropped);
    expect(other.weights.get(table)!.every((value) => value === 0)).toBe(true);
    const none = await start();
    expect(none.notes).toEqual(dropped);
    expect(none.weights.has(table) || none.weights.has(embeddings)).toBe(false);
  });

  it.each<[string, (tensors: Map<string, Tensor>) => void, RegExp]>([
    [
      'an encoder that lacks a tensor',
      without('bert.encoder.layer.1.output.dense.bias'),
      /output\.dense\.bias" is missing$/,
    ],
    ['half a classifier', without('classifier.bias'), /"classifier\.bias" is missing$/],
    ['a tensor too many', (tensors) => tensors.set('adapter.weight', one), /"adapter\.weight" is none of/],
    [
      'a word table of another size',
      (tensors) => tensors.set('bert.embeddings.word_embeddings.weight', one),
      /is 1; exp/,
    ],
  ])('refuses %s', async (_, change, says) => {
    write(BERT, 'BertForSequenceClassification', change);
    const error = await start().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(CallerError);
    expect((error as CallerError).message).toMatch(says);
  });

  it('refuses sentences that are longer than its positions', async () => {
    write(BERT, 'BertForSequenceClassification');
    await expect(start({ maxLength: 49 })).rejects.toThrow(/up to 49 tokens; expected 3 to 48/);
  });
});

function same(a?: Float32Array, b?: Float32Array): boolean {
  return (
    a !== undefined &&
    b !== undefined &&
    a.length === b.length &&
    a.every((value, i) => Object.is(value, b[i]))
  );
}
