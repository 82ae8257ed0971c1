import { Command } from 'commander';
import { AttentionContender, type GateResult } from '../../bench/attention-contender.js';
import { documentOf } from '../../bench/documents.js';
import { median, timeInTurns } from '../../bench/timing.js';
import type { DataSource, Example } from '../data/dataset.js';
import { dataSource } from '../data/sources.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { Strategy } from '../grammar/rules.js';
import { encodeSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import { splitPieces } from '../grammar/word-pieces.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import { adapterOption, dataOption, withDevice } from './options.js';
import { note, percent, print, printTable, progress } from './terminal.js';

const EXAMPLE = `
Example:
  $ parsimony demo
  $ parsimony demo --data path/to/SST-2`;

const COMPARED: readonly Strategy[] = ['none', 'hard', 'soft'];

/** Sized for a minute or so of training on two cores without a GPU. */
const SHAPE = {
  hidden: 32,
  heads: 2,
  layers: 2,
  feedForward: 64,
  hiddenDropout: 0,
  attentionDropout: 0,
  // BERT's 0.02 is made for wider layers.
  initialDeviation: 0.1,
};
const TRAINING = { epochs: 3, batch: 32, rate: 2e-3, seed: 42 };
const TRAINING_ROWS = 6_000;
const DEV_ROWS = 500;

/** bert-tiny's heads, over one document. */
const DOCUMENT_LENGTH = 1_024;
const HEADS = 2;
const HEAD_DIM = 64;
const REPEATS = 5;

/** `parsimony demo`, which is `npm start`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('train none, hard and soft side by side, then time their kernels on one long document')
    .addOption(dataOption().default('embedded'))
    .addOption(adapterOption())
    .addHelpText('after', EXAMPLE)
    .action(demo);
}

async function demo(flags: { data: string; adapter?: string }): Promise<void> {
  const source = dataSource(flags.data);
  const train = (await source.examples('train')).slice(0, TRAINING_ROWS);
  const dev = (await source.examples('dev')).slice(0, DEV_ROWS);
  await withDevice(flags.adapter, async (device) => {
    print(`Parsimony on ${device.adapter.description} (${device.adapter.kind})`);
    print();
    await compareTraining(device, source, train, dev);
    print();
    await compareKernels(device, train);
  });
}

/** The losses of a run as a line of blocks, from the first report to the last. */
function sparkline(losses: readonly number[]): string {
  const blocks = '▁▂▃▄▅▆▇█';
  const highest = Math.max(...losses);
  return losses.map((loss) => blocks[Math.min(7, Math.floor((8 * loss) / highest))]).join('');
}

async function compareTraining(
  device: Device,
  source: DataSource,
  train: Example[],
  dev: Example[],
): Promise<void> {
  const { hidden, layers } = SHAPE;
  print(
    `1. A BERT encoder (${layers} layers, hidden ${hidden}) trained from scratch on ${train.length} sentences of ` +
      `${source.name}${source.note ? ` (${source.note})` : ''}, ${TRAINING.epochs} epochs, once for each strategy:`,
  );
  print();
  const rows = [];
  for (const strategy of COMPARED) rows.push(await trainOne(device, source, strategy, train, dev));
  printTable(['strategy', 'pairs', 'dev accuracy', 'dev loss', 'tokens/s', 'training loss'], rows);
}

async function trainOne(
  device: Device,
  source: DataSource,
  strategy: Strategy,
  train: Example[],
  dev: Example[],
) {
  const occurring = train.flatMap(({ text }) => splitPieces(text, bertVocabulary()));
  const vocabulary = bertVocabulary().restrictedTo(new Set(occurring.map((piece) => piece.text)));
  const model = SentenceClassifier.build(device, {
    vocabulary,
    shape: SHAPE,
    strategy,
    classes: source.classes,
  });
  const display = progress(
    `training ${strategy}`.padEnd(13),
    TRAINING.epochs * Math.ceil(train.length / TRAINING.batch),
  );
  const losses: number[] = [];
  const metrics = await model.train(train, dev, TRAINING, {
    onProgress({ step, loss, tokensPerSecond }) {
      losses.push(loss);
      display.update(step, `loss ${loss.toFixed(3)} | ${Math.round(tokensPerSecond)} tokens/s`);
    },
  });
  display.stop();
  const { devAccuracy, devLoss } = metrics[metrics.length - 1];
  const speed = median(metrics.map(({ tokensPerSecond }) => tokensPerSecond));
  const density = model.density(dev);
  model.release();
  return [
    strategy,
    percent(density),
    devAccuracy.toFixed(3),
    devLoss.toFixed(3),
    Math.round(speed),
    sparkline(losses),
  ];
}

async function compareKernels(device: Device, examples: Example[]): Promise<void> {
  const vocabulary = bertVocabulary();
  const sentences = examples.slice(0, DOCUMENT_LENGTH).map(({ text }) => encodeSentence(text, vocabulary));
  const tags = Array.from(documentOf(sentences, DOCUMENT_LENGTH).tags, (tag) => PIECE_TAGS[tag]);
  const contenders = COMPARED.map((strategy) => {
    return new AttentionContender(
      device,
      { tags, rules: PAPER_RULES, strategy, heads: HEADS, headDim: HEAD_DIM },
      1,
    );
  });
  print(
    `2. Attention alone on one document of ${DOCUMENT_LENGTH} pieces (${HEADS} heads of ${HEAD_DIM}), ` +
      `median of ${REPEATS} runs in turns${device.isSoftware ? ', software adapter' : ''}:`,
  );
  print();
  note('timing kernels …');
  const forward = await timeInTurns(
    contenders.map((contender) => contender.forward()),
    REPEATS,
  );
  const both = await timeInTurns(
    contenders.map((contender) => contender.forwardAndBackward()),
    REPEATS,
  );
  note('checking every output and gradient against float64 …');
  const gates: GateResult[] = [];
  for (const contender of contenders) gates.push(await contender.gate());
  const red = COMPARED.filter((_, index) => !gates[index].passed);
  if (red.length > 0) {
    print(
      `The correctness check is red for ${red.join(', ')}: results differ from float64, so no times are shown.`,
    );
    return;
  }
  const [dense, denseBoth] = [median(forward[0]), median(both[0])];
  const speedUp = (reference: number, times: number[]) => `${(reference / median(times)).toFixed(2)}x`;
  printTable(
    [
      'strategy',
      'density',
      'executed',
      'ideal',
      'forward',
      'speed-up',
      'forward+backward',
      'speed-up',
      'error',
    ],
    contenders.map(({ ledger }, index) => [
      COMPARED[index],
      percent(ledger.useful / ledger.dense),
      percent(ledger.executed / ledger.dense),
      `${(ledger.dense / ledger.useful).toFixed(2)}x`,
      `${median(forward[index]).toFixed(1)} ms`,
      speedUp(dense, forward[index]),
      `${median(both[index]).toFixed(1)} ms`,
      speedUp(denseBoth, both[index]),
      gates[index].maxError.toExponential(1),
    ]),
  );
  print();
  print(
    'density: pairs the rules allow; executed: pairs the kernel multiplies, padding included; ideal: 1 / density.',
  );
  print('Every output and gradient of this run was within the error bound of a float64 reference.');
  for (const contender of contenders) contender.release();
}
