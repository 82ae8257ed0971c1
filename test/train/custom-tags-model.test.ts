import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { allowedPairs } from '../../bench/allowed-pairs.js';
import { CallerError } from '../../src/base/errors.js';
import type { Example } from '../../src/data/dataset.js';
import { wordsWithTags } from '../../src/grammar/custom-tags.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import type { RuleSet, Strategy } from '../../src/grammar/rules.js';
import { loadDescription } from '../../src/train/model-folder.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { SMALL_SHAPE, smallModel, withModel } from './models.js';

const root = temporaryFolder();

const device = await testDevice();

/** Rules over tags that are not universal. */
function pennRules(further: number): RuleSet {
  return {
    name: 'penn',
    tags: [
      'NN',
      'VBZ',
      'DT',
      '[CLS]',
      '[SEP]',
      ...Array.from({ length: further }, (_, index) => `T${index}`),
    ],
    hard: [
      ['NN', 'DT'],
      ['VBZ', 'NN'],
      ['[CLS]', 'NN'],
      ['[CLS]', '[CLS]'],
    ],
    soft: [['DT', 'DT']],
    beta: 5,
  };
}

/** Fifty tags: together with the universal ones they are too many. */
const PENN = pennRules(45);

/** As many tags as the preset rules have, so that training takes the kernels of other tests. */
const FEWER = pennRules(15);

function example(text: string, tags: string, label = 0): Example {
  return { text, label, words: wordsWithTags(text, tags.split(' '), 'here') };
}

/** Without dropout, training and prediction have the same kernels. */
const SHAPE = { ...SMALL_SHAPE, attentionDropout: 0 };

/** Every word is one token. */
const EXAMPLES = [
  example('the hero likes the woman .', 'DT NN VBZ DT NN T14', 1),
  example('dull man .', 'T0 NN T14'),
];

async function messageOf(made: Promise<unknown>): Promise<string> {
  const error = await made.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CallerError);
  return (error as CallerError).message;
}

function expectDensity(model: SentenceClassifier, rules: RuleSet, strategy: Strategy): void {
  const tags = EXAMPLES.flatMap(({ words }) => ['[CLS]', ...words!.map(({ tag }) => tag), '[SEP]']);
  const lengths = EXAMPLES.map(({ words }) => words!.length + 2);
  const pairs = lengths.reduce((sum, length) => sum + length * length, 0);
  const sentences = tags.map(() => 0);
  expect(model.density(EXAMPLES)).toBe(allowedPairs({ tags, sentences, lengths }, rules, strategy) / pairs);
}

describe('a model of custom tags', () => {
  it.each(['hard', 'learned'] as const)(
    'follows them, trains, and predicts the same when loaded: %s',
    async (strategy) => {
      const folder = join(root, strategy);
      const predicted = await withModel(
        smallModel(strategy, { rules: FEWER, customTags: true, shape: SHAPE }, device),
        async (model) => {
          expectDensity(model, FEWER, strategy);
          await model.train(EXAMPLES, EXAMPLES, { epochs: 1, batchSize: 2 });
          await model.save(folder);
          return model.predict(EXAMPLES);
        },
      );
      expect((await loadDescription(folder)).tokenizer.customTags).toBe(true);
      await withModel(SentenceClassifier.load(device, folder), async (model) => {
        expect(await model.predict(EXAMPLES)).toEqual(predicted);
        const others = [
          { ...EXAMPLES[0], words: EXAMPLES[0].words!.map((word) => ({ ...word, tag: 'T3' })) },
        ];
        expect((await model.predict(others))[0].logits).not.toEqual(predicted[0].logits);
      });
    },
  );

  it('refuses texts without tags, and tags that are not of its rules', async () => {
    await withModel(smallModel('hard', { rules: PENN, customTags: true }, device), async (model) => {
      expectDensity(model, PENN, 'hard');
      expect(await messageOf(model.predict(['dull .']))).toMatch(
        /^text 1: no tags, and this model was trained on custom tags; expected .*NN, VBZ.*--tags-column/,
      );
      const [first] = EXAMPLES;
      expect(await messageOf(model.evaluate([first, { text: 'dull', label: 0 }]))).toMatch(
        /^text 2: no tags/,
      );
      expect(await messageOf(model.predict([first, example('dull man', 'T0 NOUN')]))).toMatch(
        /^text 2: unknown tag "NOUN"; expected a tag of the rules: NN/,
      );
    });
  });

  it('takes the tags of wink-nlp for a text without tags, if its rules are about those', async () => {
    await withModel(smallModel('hard', { rules: PAPER_RULES, customTags: true }, device), async (model) => {
      const [tagged, custom] = await model.predict(['the hero', example('the hero', 'DET NOUN')]);
      expect(custom.logits).toEqual(tagged.logits);
    });
  });
});

describe('a model of the tags of wink-nlp', () => {
  it('follows the tags that a text has', async () => {
    await withModel(smallModel('hard', {}, device), async (model) => {
      const [tagged, same, other] = await model.predict([
        'the hero likes it',
        example('the hero likes it', 'DET NOUN VERB PRON'),
        example('the hero likes it', 'X SYM INTJ PART'),
      ]);
      expect(same.logits).toEqual(tagged.logits);
      expect(other.logits).not.toEqual(tagged.logits);
    });
  });
});

it.each([
  [600, 600],
  [64, 512],
])('a new model for texts of %i tokens has %i positions', async (maxLength, positions) => {
  const shape = { hidden: 16, heads: 1, layers: 1, feedForward: 16 };
  await withModel(smallModel('none', { shape, maxLength }, device), async (model) => {
    expect(model.description.config.positions).toBe(positions);
    const text = (length: number) =>
      Array.from({ length }, (_, word) => (word % 7 ? 'dull' : 'film')).join(' ');
    const [whole, cut] = await model.predict([text(maxLength - 2), `${text(maxLength - 2)} dull dull`]);
    expect([whole.cut, cut.cut]).toEqual([false, true]);
    expect(cut.logits).toEqual(whole.logits);
    const data = [
      { text: text(maxLength), label: 0 },
      { text: '', label: 1 },
    ];
    expect(await model.evaluate(data)).toMatchObject({ rows: 2, cut: 1 });
    const [{ trainLoss }] = await model.train(data, data, { epochs: 1, batchSize: 2 });
    expect(Number.isFinite(trainLoss)).toBe(true);
  });
});
