// Researchers: a classifier from scratch on sentences of your own.
import { AttentionMask, bertVocabulary, openDevice, SentenceClassifier } from 'parsimony-attention';

const device = await openDevice();
const opinions = [
  ['dull', 'boring', 'stupid', 'cold', 'cruel'],
  ['brilliant', 'charming', 'clever', 'funny', 'warm'],
];
const examples = ['film', 'movie', 'story', 'novel'].flatMap((noun) =>
  opinions.flatMap((words, label) => words.map((word) => ({ text: `the ${noun} is ${word} .`, label }))),
);
const [train, dev] = [examples.filter((_, at) => at % 4 > 0), examples.filter((_, at) => at % 4 === 0)];
const mask = AttentionMask.fromRules('paper', 'hard');
const shape = { layers: 1, hidden: 32, feedForward: 64 };
const model = SentenceClassifier.build(device, { vocabulary: bertVocabulary(), mask, shape });
await model.train(train, dev, { epochs: 20, batchSize: 10, learningRate: 3e-3 });
for (const { text, label } of await model.predict(['the story is brilliant .', 'the film is cold .'])) {
  console.log(text, label);
}
