import { describe, expect, it } from 'vitest';
import * as library from '../../src/index.js';
import { SMALL_SHAPE } from '../../src/nn/model-config.js';
import { PIECES } from '../support/checkpoint-folder.js';
import { testDevice } from '../support/device.js';

/** What a caller without TypeScript may pass by mistake. */
const OTHER = { a: 1 };
const ODD: readonly unknown[] = [null, 5, Number.NaN, 'x', true, () => 1, 1n, Symbol('s'), OTHER, [[]]];

type Call = (value: unknown) => unknown;
type Loose = Record<string, (...args: unknown[]) => unknown>;

const { Vocabulary, SentenceClassifier, Attention, TaggedTokenizer } = library;
const functions = library as unknown as Loose;
const device = await testDevice();
const vocabulary = new Vocabulary(PIECES);
const options = { vocabulary, shape: { ...SMALL_SHAPE, layers: 1 }, maxLength: 16 };
const tokenizerOf = (more: object) => new TaggedTokenizer({ vocabulary, ...more });
const Model = SentenceClassifier as unknown as Loose;
const model = SentenceClassifier.build(device, options);
const loose = model as unknown as Loose;
const examples = [0, 1].map((label) => ({ text: 'the film is dull', label }));
const q = new Float32Array(32);
const attended = { q, k: q, v: q, heads: 1, headDim: 16, tags: ['NOUN', 'DET'], strategy: 'hard' };

/** By what the error calls the argument, or its field; each with what it accepts of the odd values. */
const CALLS: readonly [string, Call, (readonly unknown[])?][] = [
  ['openDevice', (value) => functions.openDevice(value), [OTHER]],
  ['openDevice: adapter', (adapter) => functions.openDevice({ adapter })],
  ['openDevice: device', (gpu) => functions.openDevice({ device: gpu })],
  ['openDevice: checked', (checked) => functions.openDevice({ device: device.gpu, checked }), [true]],
  ['build: device', (value) => Model.build(value, options)],
  ['build', (value) => Model.build(device, value)],
  ['build: vocabulary', (value) => Model.build(device, { ...options, vocabulary: value })],
  ['build: classes', (classes) => Model.build(device, { ...options, classes })],
  ['build: strategy', (strategy) => Model.build(device, { ...options, strategy })],
  ['build: rules', (rules) => Model.build(device, { ...options, rules }), [null]],
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
  ['useRules: strategy', (strategy) => loose.useRules(strategy)],
  ['useRules: rules', (rules) => loose.useRules('none', rules)],
  ['predict', (texts) => loose.predict(texts)],
  ['predict: text', (text) => loose.predict([{ text }]), ['x']],
  ['predict: words', (words) => loose.predict([{ text: 'the film', words }])],
  ['evaluate: label', (label) => loose.evaluate([{ text: 'the film', label }])],
  ['prune', (texts) => loose.prune(texts, 0.5)],
  ['explain', (text) => loose.explain(text), ['x']],
  ['train', (train) => loose.train(train, examples)],
  ['train: dev', (dev) => loose.train(examples, dev)],
  ['train: options', (given) => loose.train([], examples, given)],
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
  ['attend: rules', (rules) => functions.attend(device, { ...attended, rules })],
  ['attend: causal', (causal) => functions.attend(device, { ...attended, causal }), [true]],
  ['attend: heads', (heads) => functions.attend(device, { ...attended, heads })],
  ['Attention', (value) => new Attention(device, value as never)],
  ['Vocabulary', (tokens) => new Vocabulary(tokens as never)],
  ['TaggedTokenizer', (given) => new TaggedTokenizer(given as never)],
  ['TaggedTokenizer: vocabulary', (value) => new TaggedTokenizer({ vocabulary: value as never })],
  ['TaggedTokenizer: maxLength', (maxLength) => tokenizerOf({ maxLength }), [5]],
  ['tokens', (text) => tokenizerOf({}).tokens(text as never), ['x']],
  ['encode', (texts) => tokenizerOf({}).encode(texts as never), [[[]]]],
  ['presetRules', (name) => functions.presetRules(name)],
  ['formatRules', (rules) => functions.formatRules(rules)],
  ['parseRules', (text) => functions.parseRules(text)],
  ['explainText', (given) => functions.explainText('the film', given)],
  ['explainPage', (explanation) => functions.explainPage(explanation)],
  ['runTraining', (run) => functions.runTraining(device, run, 'x')],
];

describe('an argument of the public library that is not what it should be', () => {
  it.each(CALLS)('is refused in one line: %s', async (_, call, accepted = []) => {
    for (const value of ODD) {
      if (accepted.includes(value)) continue;
      const error = await (async () => call(value))().catch((reason: Error) => reason);
      expect(error, `${String(value)}`).toBeInstanceOf(library.ParsimonyError);
      expect((error as Error).message).not.toMatch(/\n|undefined is not|Cannot read|not a function/);
    }
  });

  it('names its place', () => {
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
    expect(message(() => Model.build(device, { ...options, rules: { name: 'x', tags: 5 } }))).toBe(
      'rules.tags is 5; expected a list of tags',
    );
  });

  it('may be the name of a preset where rules are asked for', async () => {
    const named = SentenceClassifier.build(device, { ...options, strategy: 'hard', rules: 'paper' });
    const given = SentenceClassifier.build(device, {
      ...options,
      strategy: 'hard',
      rules: library.PAPER_RULES,
    });
    expect(named.description.rules).toEqual(given.description.rules);
    model.useRules('hard', 'floor');
    expect(model.readsWith.rules.name).toBe('floor');
    named.release();
    given.release();
  });
});
