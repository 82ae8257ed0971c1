import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as harness from '../../bench/harness.js';
import * as library from '../../src/index.js';
import { SMALL_CONFIG } from '../../src/nn/model-config.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { VOCABULARY_TOKENS } from '../support/checkpoint-folder.js';
import { testDevice } from '../support/device.js';

/** What a caller without TypeScript may pass by mistake. */
const OTHER = { a: 1 };
const ODD: readonly unknown[] = [null, 5, Number.NaN, 'x', true, () => 1, 1n, Symbol('s'), OTHER, [[]]];

type Call = (value: unknown) => unknown;
type Loose = Record<string, (...args: unknown[]) => unknown>;

const { Vocabulary, SentenceClassifier, Attention, TaggedTokenizer } = library;
const functions = { ...library, ...harness } as unknown as Loose;
const device = await testDevice();
const vocabulary = new Vocabulary(VOCABULARY_TOKENS);
const options = { vocabulary, shape: { ...SMALL_CONFIG, layers: 1 }, maxLength: 16 };
const tokenizerOf = (more: object) => new TaggedTokenizer({ vocabulary, ...more });
const Model = SentenceClassifier as unknown as Loose;
const model = SentenceClassifier.build(device, options);
const loose = model as unknown as Loose;
const examples = [0, 1].map((label) => ({ text: 'the film is dull', label }));
const q = new Float32Array(32);
const mask = AttentionMask.fromRules('paper');
const Mask = AttentionMask as unknown as Loose;
const looseMask = mask as unknown as Loose;
const buffer = library.uploadFloats(device, 16);
const attended = { q, k: q, v: q, heads: 1, headDim: 16, tags: ['NOUN', 'DET'], mask };

/** Calls by the name of the function and the field, with those of the odd values that are allowed. */
const CALLS: readonly [string, Call, (readonly unknown[])?][] = [
  ['openDevice', (value) => functions.openDevice(value), [OTHER]],
  ['openDevice: adapter', (adapter) => functions.openDevice({ adapter })],
  ['openDevice: device', (gpu) => functions.openDevice({ device: gpu })],
  ['openDevice: checked', (checked) => functions.openDevice({ device: device.gpu, checked }), [true]],
  ['build: device', (value) => Model.build(value, options)],
  ['build', (value) => Model.build(device, value)],
  ['build: vocabulary', (value) => Model.build(device, { ...options, vocabulary: value })],
  ['build: classes', (classes) => Model.build(device, { ...options, classes })],
  ['build: mask', (value) => Model.build(device, { ...options, mask: value })],
  ['build: family', (family) => Model.build(device, { ...options, shape: { family } })],
  [
    'build: layers',
    (layers) => Model.build(device, { ...options, shape: { ...options.shape, layers } }),
    [5],
  ],
  ['build: maxLength', (maxLength) => Model.build(device, { ...options, maxLength }), [5]],
  ['build: seed', (seed) => Model.build(device, { ...options, seed }), [5]],
  ['build: kernels', (kernels) => Model.build(device, { ...options, kernels })],
  ['load', (folder) => Model.load(device, folder)],
  ['of: weights', (weights) => Model.of(device, model.description, weights)],
  ['useMask', (value) => loose.useMask(value)],
  ['fromRules', (rules) => Mask.fromRules(rules)],
  ['fromRules: strategy', (strategy) => Mask.fromRules('paper', strategy)],
  ['fromRules: options', (value) => Mask.fromRules('paper', 'hard', value), [OTHER]],
  ['fromRules: beta', (beta) => Mask.fromRules('paper', 'hard', { beta }), [5]],
  ['perHead', (masks) => Mask.perHead(masks)],
  ['perHead: a mask', (value) => Mask.perHead([value])],
  ['window', (tokens) => Mask.window(tokens), [5]],
  ['and', (value) => looseMask.and(value)],
  ['or', (value) => looseMask.or(value)],
  ['layout', (tokens) => looseMask.layout(tokens)],
  ['predict', (texts) => loose.predict(texts)],
  ['predict: text', (text) => loose.predict([{ text }]), ['x']],
  ['predict: words', (words) => loose.predict([{ text: 'the film', words }])],
  ['evaluate: label', (label) => loose.evaluate([{ text: 'the film', label }])],
  ['prune', (texts) => loose.prune(texts, 0.5)],
  ['explain', (text) => loose.explain(text), ['x']],
  ['train', (train) => loose.train(train, examples)],
  ['train: dev', (dev) => loose.train(examples, dev)],
  ['train: options', (value) => loose.train([], examples, value)],
  [
    'train: learningRate',
    (learningRate) => loose.train(examples, examples, { epochs: 1, learningRate }),
    [5],
  ],
  ['train: beta1', (beta1) => loose.train(examples, examples, { epochs: 1, beta1 })],
  ['train: hooks', (hooks) => loose.train([], examples, {}, hooks)],
  ['train: from', (from) => loose.train(examples, examples, {}, {}, from)],
  ['save', (folder) => loose.save(folder), ['x']],
  ['startFrom', (folder) => functions.startFrom(folder)],
  ['attend: device', (value) => functions.attend(value, attended)],
  ['attend', (value) => functions.attend(device, value)],
  ['attend: q', (value) => functions.attend(device, { ...attended, q: value })],
  ['attend: tags', (tags) => functions.attend(device, { ...attended, tags })],
  ['attend: mask', (value) => functions.attend(device, { ...attended, mask: value })],
  ['attend: heads', (heads) => functions.attend(device, { ...attended, heads })],
  ['attend: dropout', (dropout) => functions.attend(device, { ...attended, dropout })],
  [
    'attend: dropout, probability',
    (probability) => functions.attend(device, { ...attended, dropout: { probability, seed: 1 } }),
  ],
  ['fromPredicate', (allows) => Mask.fromPredicate(allows), [ODD[5]]],
  ['fromMatrix', (matrix) => Mask.fromMatrix(matrix)],
  ['uploadFloats', (content) => functions.uploadFloats(device, content), [5]],
  ['downloadFloats', (buffer) => functions.downloadFloats(device, buffer)],
  ['downloadFloats: length', (length) => functions.downloadFloats(device, buffer, length), [5]],
  ['tune', (value) => functions.tune(device, value)],
  ['tune: headDim', (headDim) => functions.tune(device, { headDim })],
  ['benchmarkAttention', (value) => functions.benchmarkAttention(device, value), [OTHER]],
  ['benchmarkAttention: contenders', (contenders) => functions.benchmarkAttention(device, { contenders })],
  ['benchmarkAttention: rules', (rules) => functions.benchmarkAttention(device, { rules })],
  ['build: rules', (rules) => Model.build(device, { ...options, rules })],
  ['Attention', (value) => new Attention(device, value as never)],
  ['Vocabulary', (tokens) => new Vocabulary(tokens as never)],
  ['Vocabulary: source', (source) => new Vocabulary(VOCABULARY_TOKENS, source as never), ['x']],
  ['new SentenceClassifier', (value) => Reflect.construct(SentenceClassifier, [device, value])],
  ['new AttentionMask', (value) => Reflect.construct(AttentionMask, [value])],
  ['TaggedTokenizer', (value) => new TaggedTokenizer(value as never)],
  ['TaggedTokenizer: vocabulary', (value) => new TaggedTokenizer({ vocabulary: value as never })],
  ['TaggedTokenizer: maxLength', (maxLength) => tokenizerOf({ maxLength }), [5]],
  ['tokens', (text) => tokenizerOf({}).tokens(text as never), ['x']],
  ['encode', (texts) => tokenizerOf({}).encode(texts as never), [[[]]]],
  ['presetRules', (name) => functions.presetRules(name)],
  ['formatRules', (rules) => functions.formatRules(rules)],
  ['parseRules', (text) => functions.parseRules(text)],
  ['explainText', (value) => functions.explainText('the film', value)],
  ['explainPage', (explanation) => functions.explainPage(explanation)],
  ['runTraining', (run) => functions.runTraining(device, run, 'x')],
];

/** Methods that are private, or that would change files or the instance. */
const LEFT_OUT =
  /^(constructor|release|save|saveWeights|useMask|usePrecision|train|combinedWith|plannerOf|predictionOf|tablesOf|read|winkTagged|customTagged)$/;

/** Every function that a caller has: exported ones, those of classes, and methods of their instances. */
function everyFunction(): [name: string, call: (...values: unknown[]) => unknown][] {
  const found: [string, (...values: unknown[]) => unknown][] = [];
  const methods = (owner: object, name: string, names: string[]) => {
    for (const method of names) {
      const value = (owner as Loose)[method];
      if (typeof value !== 'function' || LEFT_OUT.test(method)) continue;
      found.push([`${name}.${method}`, (...values) => value.apply(owner, values)]);
    }
  };
  for (const [name, value] of Object.entries(functions)) {
    if (name === 'openDevice' || typeof value !== 'function') continue;
    const isClass = /^class /.test(Function.prototype.toString.call(value));
    if (!isClass) found.push([name, value]);
    else if (!(value.prototype instanceof Error)) methods(value, name, Object.getOwnPropertyNames(value));
  }
  for (const instance of [mask, AttentionMask.window(1), model, vocabulary, tokenizerOf({})]) {
    const prototype = Object.getPrototypeOf(instance);
    methods(instance, prototype.constructor.name, Object.getOwnPropertyNames(prototype));
  }
  return found;
}

describe('any values as arguments', () => {
  const values = [...ODD, undefined, ...fc.sample(fc.anything(), { seed: 7, numRuns: 12 })];

  it.each(everyFunction())('give a result or one line: %s', async (_, call) => {
    for (const value of values) {
      for (const count of [1, 2, 3]) {
        const error = await (async () => call(...Array(count).fill(value)))().then(
          () => undefined,
          (reason: Error) => reason,
        );
        if (error !== undefined) expect(error, fc.stringify(value)).toBeInstanceOf(library.ParsimonyError);
      }
    }
  });
});

describe('an argument of the public library that is not what it should be', () => {
  it.each(CALLS)('is refused in one line: %s', async (_, call, accepted = []) => {
    for (const value of ODD) {
      if (accepted.includes(value)) continue;
      const error = await (async () => call(value))().catch((reason: Error) => reason);
      expect(error, `${String(value)}`).toBeInstanceOf(library.ParsimonyError);
      expect((error as Error).message).not.toMatch(/\n|undefined is not|Cannot read|not a function/);
    }
  });

  it('is named with its path', () => {
    const message = (call: () => unknown) => {
      try {
        return call();
      } catch (error) {
        return (error as Error).message;
      }
    };
    expect(message(() => Model.build(device, { ...options, classes: ['a', 7] }))).toBe(
      'options.classes[1] is 7; expected the name of a class',
    );
    expect(message(() => Mask.fromRules({ name: 'x', tags: 5 }))).toBe(
      'rules.tags is 5; expected a list of tags',
    );
  });

  it('may be the name of a preset where rules are asked for', async () => {
    expect(mask.rules).toEqual(library.PAPER_RULES);
    model.useMask(model.description.mask.with({ strategy: 'hard', rules: 'floor' }));
    expect(model.readsWith.mask.rules.name).toBe('floor');
  });
});
