import { Command } from 'commander';
import { benchAttention } from '../../bench/attention-bench.js';
import type { AttentionRow } from '../../bench/attention-row.js';
import { ATTENTION_DEFAULTS } from '../../bench/attention-settings.js';
import { median } from '../../bench/statistics.js';
import type { DataSource, Example } from '../data/dataset.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { Strategy } from '../grammar/rules.js';
import { splitPieces } from '../grammar/word-pieces.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import { type DataFlags, dataOf, devOption, labelColumnOption, textColumnOption } from './data-options.js';
import { adapterOption, dataOption, withDevice } from './options.js';
import { multiple, note, percent, print, printTable, progress } from './terminal.js';

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
const REPEATS = 9;

/** `parsimony demo`, which is `npm start`. */
export function demoCommand(): Command {
  return new Command('demo')
    .description('train none, hard and soft side by side, then time their kernels on one long document')
    .addOption(dataOption().default('embedded'))
    .addOption(devOption())
    .addOption(textColumnOption())
    .addOption(labelColumnOption())
    .addOption(adapterOption())
    .addHelpText('after', EXAMPLE)
    .action(demo);
}

async function demo(flags: DataFlags & { adapter?: string }): Promise<void> {
  const source = dataOf(flags);
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
  print(
    `2. Attention alone on one document of ${DOCUMENT_LENGTH} pieces (${HEADS} heads of ${HEAD_DIM}), ` +
      `median of ${REPEATS} runs in turns${device.isSoftware ? ', software adapter' : ''}:`,
  );
  print();
  const settings = {
    ...ATTENTION_DEFAULTS,
    lengths: [DOCUMENT_LENGTH],
    heads: [HEADS],
    headDims: [HEAD_DIM],
    strategies: [...COMPARED],
    rules: [PAPER_RULES],
    repeats: REPEATS,
    controls: false,
  };
  const { rows, gate } = await benchAttention(device, settings, {
    data: 'the sentences above',
    texts: examples.map(({ text }) => text),
    vocabulary: bertVocabulary(),
    onNote: note,
  });
  if (!gate.passed) {
    print(`The correctness check is red, so no times are shown: ${gate.complaints.join('; ')}.`);
    process.exitCode = 1;
    return;
  }
  const timesOf = (row: AttentionRow) => [`${row.medianMs.toFixed(1)} ms`, multiple(row.realisedSpeedup)];
  printTable(
    ['strategy', 'density', 'executed', 'ideal', 'forward', 'speed-up', 'forward+backward', 'speed-up'],
    COMPARED.map((strategy) => {
      const [forward, both] = rows.filter((row) => row.strategy === strategy);
      return [
        strategy,
        percent(forward.density),
        percent(forward.executedPairs / forward.densePairs),
        multiple(forward.idealSpeedup),
        ...timesOf(forward),
        ...timesOf(both),
      ];
    }),
  );
  print();
  print(
    'density: pairs the rules allow; executed: pairs the kernel multiplies, padding included; ideal: 1 / density.',
  );
  print(
    'Outputs and gradients of this run were within the error bound of a float64 reference ' +
      `(largest error ${gate.maxError.toExponential(1)}).`,
  );
}
