import { median } from 'simple-statistics';
import { commandLine } from '../../bench/environment.js';
import type { DataSource, Example } from '../data/dataset.js';
import { adapterName } from '../gpu/adapter.js';
import type { Device } from '../gpu/device.js';
import { bertVocabulary } from '../grammar/bert-vocabulary.js';
import type { Strategy } from '../grammar/rules.js';
import { splitTokens } from '../grammar/word-piece.js';
import { SMALL_CONFIG } from '../nn/model-config.js';
import { AttentionMask } from '../plan/mask.js';
import { percent } from '../report/page/numbers.js';
import type { Run, TrainingLoss } from '../report/runs/run.js';
import { bestOf } from '../train/best.js';
import { dataHash } from '../train/run-record.js';
import { SentenceClassifier } from '../train/sentence-classifier.js';
import { print, printTable, progress } from './terminal.js';

/** What the demo holds side by side. */
export const COMPARED: readonly Strategy[] = ['none', 'hard', 'soft'];

const TRAINING = { epochs: 3, batchSize: 32, learningRate: 2e-3, seed: 42 };

/** The losses of a run as a line of blocks, from the first report to the last. */
function sparkline(losses: readonly number[]): string {
  const blocks = '▁▂▃▄▅▆▇█';
  const highest = Math.max(...losses);
  return losses.map((loss) => blocks[Math.min(7, Math.floor((8 * loss) / highest))]).join('');
}

/** Trains one model for each strategy, and prints the results. @returns The runs for a page. */
export async function compareTraining(
  device: Device,
  source: DataSource,
  train: Example[],
  dev: Example[],
): Promise<Run[]> {
  const { hidden, layers } = SMALL_CONFIG;
  print(
    `1. A BERT encoder (${layers} layers, hidden ${hidden}) trained from scratch on ${train.length} sentences of ` +
      `${source.name}${source.note ? ` (${source.note})` : ''}, ${TRAINING.epochs} epochs, once for each strategy:`,
  );
  print();
  const trained = [];
  for (const strategy of COMPARED) trained.push(await trainOne(device, source, strategy, train, dev));
  printTable(
    ['strategy', 'pairs', 'dev accuracy', 'dev loss', 'tokens/s', 'training loss'],
    trained.map(({ row }) => row),
  );
  return trained.map(({ run }) => run);
}

async function trainOne(
  device: Device,
  source: DataSource,
  strategy: Strategy,
  train: Example[],
  dev: Example[],
) {
  const occurring = train.flatMap(({ text }) => splitTokens(text, bertVocabulary()));
  const vocabulary = bertVocabulary().restrictedTo(new Set(occurring.map((token) => token.text)));
  const model = SentenceClassifier.build(device, {
    vocabulary,
    shape: SMALL_CONFIG,
    mask: AttentionMask.fromRules('paper', strategy),
    classes: source.classes,
  });
  const display = progress({
    label: `training ${strategy}`.padEnd(13),
    total: TRAINING.epochs * Math.ceil(train.length / TRAINING.batchSize),
    unit: 'steps',
  });
  const losses: TrainingLoss[] = [];
  const metrics = await model.train(train, dev, TRAINING, {
    onProgress({ step, loss, tokensPerSecond }) {
      losses.push({ step, loss });
      display.update(step, `loss ${loss.toFixed(3)} | ${Math.round(tokensPerSecond)} tokens/s`);
    },
  });
  display.stop();
  const { devAccuracy, devLoss } = metrics[metrics.length - 1];
  const speed = median(metrics.map(({ tokensPerSecond }) => tokensPerSecond));
  const density = model.density(dev);
  model.release();
  const evaluations = metrics.map((each) => ({
    step: each.step,
    accuracy: each.devAccuracy,
    loss: each.devLoss,
  }));
  const best = bestOf('accuracy', metrics);
  const run: Run = {
    name: `demo, ${strategy}`,
    condition: strategy,
    seed: `${TRAINING.seed}`,
    evaluations,
    trainingLosses: losses,
    best: best && evaluations[metrics.indexOf(best)],
    density,
    isFinished: true,
    settings: { strategy, data: source.name, ...TRAINING, ...SMALL_CONFIG },
    adapter: adapterName(device.adapter),
    data: dataHash({ train, dev }),
    command: commandLine(),
  };
  const row = [
    strategy,
    percent(density),
    devAccuracy.toFixed(3),
    devLoss.toFixed(3),
    Math.round(speed),
    sparkline(losses.map(({ loss }) => loss)),
  ];
  return { row, run };
}
