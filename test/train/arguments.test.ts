import { describe, expect, it } from 'vitest';
import * as library from '../../src/index.js';
import { SMALL_CONFIG } from '../../src/nn/model-config.js';
import { AttentionMask } from '../../src/plan/mask.js';
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
const attended = { q, k: q, v: q, heads: 1, headDim: 16, tags: ['NOUN', 'DET'], mask };

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
  ['fromRules: options', (given) => Mask.fromRules('paper', 'hard', given), [OTHER]],
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
  ['attend: mask', (value) => functions.attend(device, { ...attended, mask: value })],
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
