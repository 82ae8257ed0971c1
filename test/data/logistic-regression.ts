import type { Example } from '../../src/data/dataset.js';

/** The features of a text, for a model that sees only which of them occur. */
export type Features = (text: string) => string[];

export const words: Features = (text) => text.split(' ');

export const neighbours: Features = (text) => {
  const all = words(text);
  return all.slice(1).map((word, index) => `${all[index]} ${word}`);
};

const EPOCHS = 5;
const RATE = 0.1;

/** The accuracy on `dev` of a logistic regression over bags of features, trained on `train` by gradient descent. */
export function bagAccuracy(train: readonly Example[], dev: readonly Example[], features: Features): number {
  const weights = new Map<string, number>();
  let bias = 0;
  const score = (present: string[]) =>
    present.reduce((sum, feature) => sum + (weights.get(feature) ?? 0), bias);
  const bags = train.map(({ text, label }) => ({ present: features(text), label }));
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    for (const { present, label } of bags) {
      const step = RATE * (label - 1 / (1 + Math.exp(-score(present))));
      bias += step;
      for (const feature of present) weights.set(feature, (weights.get(feature) ?? 0) + step);
    }
  }
  const correct = dev.filter(({ text, label }) => score(features(text)) > 0 === (label === 1));
  return correct.length / dev.length;
}
