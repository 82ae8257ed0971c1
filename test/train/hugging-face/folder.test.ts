import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referenceTokenBias } from '../../../bench/reference-pairs.js';
import { PAPER_RULES } from '../../../src/grammar/presets.js';
import { TOKEN_TAGS } from '../../../src/grammar/tags.js';
import type { ModelConfig } from '../../../src/nn/model-config.js';
import { loadDescription } from '../../../src/train/model-folder.js';
import { loadWeights } from '../../../src/train/model-weights.js';
import { parseSafetensors } from '../../../src/train/safetensors.js';
import { SentenceClassifier } from '../../../src/train/sentence-classifier.js';
import { exact, plainInStrides } from '../../reference/arithmetic.js';
import { referenceBert } from '../../reference/bert.js';
import {
  huggingFaceConfig,
  rounded,
  tensorsOf,
  VOCABULARY_TOKENS,
  type WRITERS,
  writeCheckpoint,
} from '../../support/checkpoint-folder.js';
import { testDevice } from '../../support/device.js';
import { expectWithinBound } from '../../support/error-bound.js';
import { randomWeights, SMALL_DISTILBERT, SMALL_MODEL } from '../../support/model-cases.js';
import { encodedText } from '../../support/tagged-text.js';
import { temporaryFolder } from '../../support/temporary-folder.js';
import { withModel } from '../models.js';

const root = temporaryFolder();

const TEXTS = ['The brilliant film likes the dull hero.', 'it is not funny and it is dull .', 'playing'];

const BERT: ModelConfig = { ...SMALL_MODEL, vocabulary: VOCABULARY_TOKENS.length };
const DISTILBERT: ModelConfig = { ...SMALL_DISTILBERT, vocabulary: VOCABULARY_TOKENS.length };

/** The logits of a checkpoint's model in float64, and in plain f32. */
function referenceLogits(
  config: ModelConfig,
  weights: Map<string, Float32Array>,
  strategy: 'none' | 'hard',
  folder: string,
) {
  return loadDescription(folder).then(({ tokenizer: { vocabulary } }) => {
    const sentences = TEXTS.map((text) => encodedText(text, vocabulary));
    const tags = sentences.flatMap((sentence) => Array.from(sentence.tags, (tag) => TOKEN_TAGS[tag]));
    const batch = {
      sentences: sentences.map(({ ids }) => ids),
      labels: TEXTS.map(() => 0),
      bias: referenceTokenBias(PAPER_RULES, strategy, tags, { learned: () => 0 }),
    };
    const logits = (round: (x: number) => number) =>
      referenceBert(config, weights, batch, round).logits.values;
    return {
      exactly: logits(exact),
      plainly: [1, 2, 3, 5].map((strides) => logits(plainInStrides(strides))),
    };
  });
}

/** The tensors in which any bit differs. */
function changed(
  actual: ReadonlyMap<string, Float32Array>,
  expected: ReadonlyMap<string, Float32Array>,
): string[] {
  const bytes = (values: Float32Array) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const names = [...new Set([...actual.keys(), ...expected.keys()])];
  return names.filter((name) => {
    const [a, b] = [actual.get(name), expected.get(name)];
    return !a || !b || Buffer.compare(bytes(a), bytes(b)) !== 0;
  });
}

const CASES: [keyof typeof WRITERS, Partial<ModelConfig> & Pick<ModelConfig, 'family'>, 'none' | 'hard'][] = [
  ['safetensors', { family: 'bert' }, 'none'],
  ['bin, zip', { family: 'bert', layers: 1, heads: 4, feedForward: 36, positions: 20 }, 'hard'],
  ['bin, zip, f16', { family: 'bert', hidden: 32, heads: 1 }, 'none'],
  ['bin in two files', { family: 'bert', classes: 3 }, 'hard'],
  ['bin before 1.6', { family: 'distilbert' }, 'hard'],
  ['safetensors in two files', { family: 'distilbert', layers: 3, heads: 1, classes: 5 }, 'none'],
];

describe('a folder of Hugging Face has the logits of the reference, and keeps its bits', () => {
  it.each(CASES)('%s, %o, strategy %s', async (format, shape, strategy) => {
    const config = { ...(shape.family === 'bert' ? BERT : DISTILBERT), ...shape };
    const drawn = [
      ...randomWeights(
        config,
        CASES.findIndex(([name]) => name === format),
      ),
    ];
    const weights = new Map(drawn.map(([name, values]) => [name, rounded(values)]));
    const [folder, copy] = [join(root, format), join(root, `${format}, copy`)];
    const json = { ...huggingFaceConfig(config), num_labels: config.classes };
    writeCheckpoint(folder, json, tensorsOf(config, weights), format);

    const load = async () => SentenceClassifier.load(await testDevice('wide'), folder);
    await withModel(load(), async (model) => {
      expect(model.description).toMatchObject({
        mask: { strategy: 'none', rules: PAPER_RULES },
        tokenizer: { maxLength: config.positions },
      });
      expect(model.description.classes).toEqual(
        Array.from({ length: config.classes }, (_, i) => `LABEL_${i}`),
      );
      model.useMask(model.description.mask.with({ strategy }));
      const logits = (await model.predict(TEXTS)).flatMap((prediction) => prediction.logits);
      const { exactly, plainly } = await referenceLogits(config, weights, strategy, folder);
      const error = (plain: ArrayLike<number>) =>
        Math.max(...exactly.map((value, i) => Math.abs(value - plain[i])));
      const worst = plainly.reduce((a, b) => (error(b) > error(a) ? b : a));
      expectWithinBound('logits', logits, exactly, worst, undefined, 8);
      await model.save(copy);
    });

    const saved = parseSafetensors(readFileSync(join(copy, 'model.safetensors')), 'f');
    expect([...saved.keys()]).toEqual([...weights.keys()]);
    expect(changed(new Map([...saved].map(([name, { values }]) => [name, values])), weights)).toEqual([]);
    const written = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8'));
    const {
      classifier_dropout: _,
      tie_weights_: __,
      num_labels: ___,
      ...expected
    } = json as Record<string, unknown>;
    expect(written).toMatchObject(expected);
    const again = await loadDescription(copy);
    expect(again).toEqual({ ...(await loadDescription(folder)), kernels: undefined });
    expect(changed(await loadWeights(copy, again.config), weights)).toEqual([]);
  });
});

describe('a folder of Hugging Face', () => {
  const folder = join(root, 'changed');
  const weights = randomWeights(BERT, 70);

  it('may have the names of TensorFlow, buffers, no model_type, and heads of other tasks', async () => {
    const { model_type: _, architectures: __, ...config } = huggingFaceConfig(BERT);
    const tensors = [...tensorsOf(BERT, weights)].map(([name, tensor]) => {
      const old = name
        .replace('LayerNorm.weight', 'LayerNorm.gamma')
        .replace('LayerNorm.bias', 'LayerNorm.beta');
      return [old, tensor] as const;
    });
    const one = { shape: [1], values: Float32Array.of(1) };
    const others = ['bert.embeddings.position_ids', 'cls.predictions.bias', 'cls.seq_relationship.weight'];
    writeCheckpoint(folder, config, new Map([...tensors, ...others.map((name) => [name, one] as const)]));
    const description = await loadDescription(folder);
    expect(description.config).toMatchObject({ family: 'bert', hiddenDropout: 0.1 });
    expect(description.config).not.toHaveProperty('headDropout');
    expect(changed(await loadWeights(folder, description.config), weights)).toEqual([]);
  });

  it('has the defaults of its family', async () => {
    writeCheckpoint(folder, { ...huggingFaceConfig(DISTILBERT), attention_dropout: 0.3 }, new Map());
    const { config } = await loadDescription(folder);
    expect(config).toMatchObject({ hiddenDropout: 0.1, attentionDropout: 0.3, headDropout: 0.2, types: 0 });
  });

  it.each<[string, Record<string, unknown>, RegExp]>([
    ['another family', { model_type: 'roberta' }, /"model_type" is "roberta"; expected bert or distilbert/],
    ['another activation', { hidden_act: 'gelu_new' }, /"hidden_act" is "gelu_new", which is not supported/],
    [
      'relative positions',
      { position_embedding_type: 'relative_key' },
      /"position_embedding_type" is "relative_key"/,
    ],
    ['a decoder', { is_decoder: true }, /"is_decoder" is true, which is not supported; expected false/],
    ['pruned heads', { pruned_heads: { 0: [1] } }, /"pruned_heads" names heads/],
    ['a head of tokens', { architectures: ['BertForTokenClassification'] }, /no classifier of sentences/],
    ['no head', { architectures: ['BertModel'] }, /no classifier of sentences.*parsimony train --init/],
    ['many labels a sentence', { problem_type: 'multi_label_classification' }, /no classifier of sentences/],
    ['a regression', { num_labels: 1 }, /1 class; expected at least two/],
    ['half a class', { num_labels: 2.5 }, /"num_labels" is 2\.5; expected a whole number/],
    [
      'names that are objects',
      { id2label: { 0: { a: 1 }, 1: [] } },
      /"id2label\.0" is \{"a":1\}; expected the name/,
    ],
    [
      'two classes of one name',
      { id2label: { 0: 'a', 1: 'b', 2: 'a' } },
      /names classes 0 and 2 "a"; expected/,
    ],
    [
      'two numbers of a class',
      { id2label: { 0: 'a', 1: 'b' }, label2id: { b: 0, a: 1 } },
      /"label2id" gives "b" number 0; expected 1, as "id2label" does/,
    ],
    [
      'two counts of classes',
      { id2label: { 0: 'a', 1: 'b' }, num_labels: 3 },
      /"num_labels" is 3; expected 2, as/,
    ],
    [
      'more classes than any',
      { num_labels: 1e9 },
      /"num_labels" is 1000000000; expected a whole number up to 65536/,
    ],
    [
      'a million layers',
      { num_hidden_layers: 1e6 },
      /1000000 layers; expected at most 1024; use fewer layers/,
    ],
    [
      'a table that no memory holds',
      { vocab_size: 1e12 },
      /weights of 256,000 GB; expected at most 2\.15 GB.*; use a smaller vocabulary/,
    ],
    ['a list for a number', { hidden_size: [[7]] }, /"hidden_size" is \[\[7\]\]; expected a number/],
    [
      'a dropout that is a text',
      { classifier_dropout: 'x' },
      /"classifier_dropout" is "x"; expected a number/,
    ],
    ['a family that is a list', { model_type: ['bert'] }, /"model_type" is \["bert"\]; expected text/],
    ['a part of ours that is none', { parsimony: 5 }, /"parsimony" is 5; expected an object/],
    ['fewer rows than tokens', { vocab_size: 10 }, /vocab\.txt: 20 tokens; expected at most 10/],
  ])('is refused with %s', async (_, changes, says) => {
    writeCheckpoint(folder, { ...huggingFaceConfig(BERT), ...changes }, tensorsOf(BERT, weights));
    const message = await loadDescription(folder).then(String, (error: Error) => error.message);
    expect(message).toMatch(says);
  });

  it.each([
    [
      'twice in it',
      '"hidden_size": 64, "hidden_size": 32',
      /config\.json:2: "hidden_size" is here a second time/,
    ],
    [
      'beyond f64',
      '"layer_norm_eps": 1e999',
      /config\.json:2: "layer_norm_eps" is Infinity; expected a finite number/,
    ],
    [
      'in 20,000 lists',
      `"hidden_size": ${'['.repeat(20_000)}`,
      /config\.json:2: more than 100 objects and lists/,
    ],
  ])('is refused with a number %s', async (_, field, says) => {
    const { hidden_size: __, ...config } = huggingFaceConfig(BERT);
    writeCheckpoint(folder, config, new Map());
    writeFileSync(join(folder, 'config.json'), `${JSON.stringify(config).slice(0, -1)},\n${field}}`);
    const message = await loadDescription(folder).then(String, (error: Error) => error.message);
    expect(message).toMatch(says);
  });

  it.each<[string, (tensors: ReturnType<typeof tensorsOf>) => void, RegExp]>([
    [
      'has no classifier',
      (tensors) => ['classifier.weight', 'classifier.bias'].forEach((name) => void tensors.delete(name)),
      /tensor "classifier\.weight" is missing \(and 1 more: classifier\.bias\)$/,
    ],
    [
      'has a tensor too many',
      (tensors) => tensors.set('bert.more', { shape: [1], values: new Float32Array(1) }),
      /tensor "bert\.more" is none of this model's/,
    ],
    [
      'has a tensor twice',
      (tensors) => tensors.set('pooler.dense.bias', { shape: [64], values: new Float32Array(64) }),
      /tensor "bert\.pooler\.dense\.bias" appears twice, as "bert\.pooler\.dense\.bias" and "pooler\.dense\.bias"/,
    ],
    [
      'has a classifier of other classes',
      (tensors) => tensors.set('classifier.bias', { shape: [3], values: new Float32Array(3) }),
      /tensor "classifier\.bias" is 3; expected 2, as config\.json says/,
    ],
  ])('is refused where it %s', async (_, change, says) => {
    const tensors = tensorsOf(BERT, weights);
    change(tensors);
    writeCheckpoint(folder, huggingFaceConfig(BERT), tensors);
    const message = await loadWeights(folder, BERT).then(String, (error: Error) => error.message);
    expect(message.startsWith(join(folder, 'model.safetensors')), message).toBe(true);
    expect(message).toMatch(says);
  });

  it.each<[string, string, RegExp]>([
    [
      'is a pointer of git-lfs',
      'version https://git-lfs.github.com/spec/v1\noid sha256:0\n',
      /only a pointer to the file/,
    ],
    ['leads elsewhere', '{"weight_map":{"a":"../secret.bin"}}', /does not name the file of each tensor/],
    ['names nothing', '{}', /does not name the file of each tensor/],
  ])('is refused where its file of weights %s', async (_, content, says) => {
    writeCheckpoint(folder, huggingFaceConfig(BERT), new Map(), 'safetensors in two files');
    const isIndex = content.startsWith('{');
    writeFileSync(join(folder, isIndex ? 'model.safetensors.index.json' : 'model.safetensors'), content);
    const message = await loadWeights(folder, BERT).then(String, (error: Error) => error.message);
    expect(message).toMatch(says);
  });
});
