import type { Device } from '../../src/gpu/device.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import type { Strategy } from '../../src/grammar/rules.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { AttentionMask, type RuleMaskChanges } from '../../src/plan/mask.js';
import type { BuildOptions } from '../../src/train/model-description.js';
import { SentenceClassifier } from '../../src/train/sentence-classifier.js';
import { testDevice } from '../support/device.js';

export const TEXTS = [
  'the brilliant film follows the dull hero .',
  'it is not funny , but she really likes it .',
  'an old man tells the story of his life to a young woman .',
  'dull .',
];

const vocabulary = bertVocabulary().restrictedTo(
  new Set(TEXTS.flatMap((text) => splitTokens(text, bertVocabulary())).map(({ text }) => text)),
);

export const SMALL_SHAPE = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 32,
  positions: 64,
  initializerRange: 0.3,
};

/** A small model with random weights that are large enough that every sentence has different logits. */
export async function smallModel(
  strategy: Strategy,
  { rules, beta, ...options }: Partial<BuildOptions> & Omit<RuleMaskChanges, 'strategy'> = {},
  device?: Device,
) {
  return SentenceClassifier.build(device ?? (await testDevice()), {
    vocabulary,
    shape: SMALL_SHAPE,
    mask: AttentionMask.fromRules(rules ?? 'paper', strategy, { beta }),
    maxLength: 32,
    seed: 5,
    ...options,
  });
}

/** Runs a test with a model that is released after it. */
export async function withModel<T>(
  made: Promise<SentenceClassifier>,
  test: (model: SentenceClassifier) => Promise<T>,
): Promise<T> {
  const model = await made;
  try {
    return await test(model);
  } finally {
    model.release();
  }
}

export async function logitsOf(model: SentenceClassifier, texts = TEXTS): Promise<number[][]> {
  return (await model.predict(texts)).map(({ logits }) => logits);
}
