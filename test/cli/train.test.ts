import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/train/safetensors.js';
import type { EpochMetrics, EvaluationMetrics } from '../../src/train/trainer.js';
import type { CommandResult } from '../support/run-command.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { readEvents } from '../train/tensorboard-reader.js';
import { trainedModel, trainTiny, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();

beforeAll(() => writeTinyData(folder));

function weightsOf(model: string): Buffer {
  return readFileSync(join(folder, model, 'model.safetensors'));
}

/** The embedding of a token that no sentence has: no step but the decay of all weights has changed it. */
function unseen(weights: Buffer): Float32Array {
  const token = readFileSync(join(folder, 'vocab.txt'), 'utf8').split('\n').indexOf('likes');
  const { shape, values } = parseSafetensors(weights, 'f').get('bert.embeddings.word_embeddings.weight')!;
  return values.slice(token * shape[1], (token + 1) * shape[1]);
}

/** The lines of a kind in a model's `metrics.jsonl`. */
function linesOf<T>(model: string, kind: string): T[] {
  const text = readFileSync(join(folder, model, 'metrics.jsonl'), 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .filter((line) => line.kind === kind)
    .map(({ kind: _, ...line }) => line);
}

function metricsOf(model: string): EpochMetrics[] {
  return linesOf(model, 'epoch');
}

describe('train', () => {
  let result: CommandResult;

  beforeAll(async () => {
    result = await trainedModel(folder, 'first', '--seed', '7', '--strategy', 'hard', '--tensorboard');
  });

  it('ends standard output with a line of dev accuracy', async () => {
    const [metrics] = metricsOf('first');
    const line = /^dev accuracy (\d\.\d{4}) \(epoch 1, step [123], saved in first\)\n$/.exec(result.stdout);
    expect(line, result.stdout).not.toBeNull();
    expect(Number(line![1]), 'the best of all evaluations').toBeGreaterThanOrEqual(
      metrics.devAccuracy - 5e-5,
    );
  });

  it('says on standard error what it trains, on which data, with which seed', async () => {
    expect(result.stderr).toMatch(/^Training hard on 12 sentences of data, seed 7, on ./m);
  });

  it('writes all files of a model, and nothing else', async () => {
    expect(readdirSync(join(folder, 'first')).sort()).toEqual([
      'config.json',
      'last.safetensors',
      'metrics.jsonl',
      'model.safetensors',
      'rules.json',
      'tokenizer_config.json',
      'training.json',
      'vocab.txt',
    ]);
  });

  it('writes down the settings of the run', async () => {
    const settings = JSON.parse(readFileSync(join(folder, 'first/training.json'), 'utf8'));
    expect(settings).toMatchObject({ strategy: 'hard', seed: 7, epochs: 1, batchSize: 4, data: 'data' });
    expect(settings.warmupSteps, 'a tenth of three steps').toBe(1);
    expect(settings.adapter.kind).toEqual(expect.any(String));
  });

  it('writes a line for every evaluation and every report of the losses', async () => {
    const evaluations = linesOf<Record<string, unknown>>('first', 'evaluation');
    expect(evaluations.map(({ step }) => step)).toEqual([1, 2, 3]);
    const [metrics] = metricsOf('first');
    expect(evaluations[2]).toEqual({
      epoch: 1,
      step: 3,
      loss: metrics.devLoss,
      accuracy: metrics.devAccuracy,
      f1: metrics.devF1,
      matthews: metrics.devMatthews,
      predicted: metrics.devPredicted.join(''),
    });
    const [steps, ...others] = linesOf<Record<string, number>>('first', 'steps');
    expect(others).toEqual([]);
    expect(steps).toMatchObject({ step: 3, loss: metrics.trainLoss });
    expect(steps.rate).toBeCloseTo(1e-4, 15);
    expect(steps.tokensPerSecond).toBeGreaterThan(0);
  });

  it('writes its curves for TensorBoard next to the run', () => {
    const [name, ...others] = readdirSync(join(folder, 'tensorboard/first'));
    expect(others).toEqual([]);
    const [, start, ...events] = readEvents(readFileSync(join(folder, 'tensorboard/first', name)));
    expect(start).toMatchObject({ step: 1, started: true });
    const evaluations = linesOf<Record<string, number>>('first', 'evaluation');
    const [{ loss, rate }] = linesOf<Record<string, number>>('first', 'steps');
    const evaluated = events.filter(({ scalars }) => 'eval/loss' in scalars);
    expect(
      evaluated.map(({ step, scalars }) => [step, scalars['eval/loss'], scalars['eval/accuracy']]),
    ).toEqual(evaluations.map((each) => [each.step, Math.fround(each.loss), Math.fround(each.accuracy)]));
    const trained = events.filter(({ scalars }) => 'train/loss' in scalars);
    expect(trained.map(({ step }) => step)).toEqual([3]);
    expect(trained[0].scalars).toMatchObject({
      'train/loss': Math.fround(loss),
      'train/learning_rate': Math.fround(rate),
    });
  });

  it('writes the same bytes for the same seed, other bytes for another seed, also over an existing model', async () => {
    await trainedModel(folder, 'second', '--seed', '8', '--strategy', 'hard');
    const other = weightsOf('second');
    expect(other.length).toBe(weightsOf('first').length);
    expect(other.equals(weightsOf('first')), 'another seed').toBe(false);
    expect(unseen(other), 'of the initial weights, too').not.toEqual(unseen(weightsOf('first')));
    await trainedModel(folder, 'second', '--seed', '7', '--strategy', 'hard', '--force');
    expect(weightsOf('second').equals(weightsOf('first')), 'the same seed').toBe(true);
    expect(metricsOf('second')).toHaveLength(1);
  });
});

describe('train --find-lr', () => {
  it('prints a rate among those that it tried, and writes nothing', async () => {
    const before = readdirSync(folder);
    const result = await trainTiny(folder, ['--find-lr', '--json']);
    expect(result.status, result.stderr).toBe(0);
    const { rates, losses, smoothed, suggestion } = JSON.parse(result.stdout);
    expect([losses.length, smoothed.length]).toEqual([rates.length, rates.length]);
    expect(rates.length).toBeGreaterThan(20);
    if (suggestion !== undefined) {
      expect(suggestion).toBe(rates[smoothed.indexOf(Math.min(...smoothed))] / 10);
    }
    expect(readdirSync(folder)).toEqual(before);
  });

  it('is refused with --out', async () => {
    const { status, stderr } = await trainTiny(folder, ['--find-lr', '--out', 'swept']);
    expect([status, stderr]).toEqual([
      2,
      expect.stringContaining("'--find-lr' cannot be used with option '--out"),
    ]);
  });
});

describe('train --json over epochs', () => {
  // Steps so large that every epoch has the same accuracy, and the first the lowest loss: it is the best.
  const flags = ['--lr', '3', '--seed', '1', '--epochs', '3', '--evaluations', '1'];
  let result: CommandResult;
  let best: EvaluationMetrics;

  beforeAll(async () => {
    result = await trainTiny(folder, [...flags, '--out', 'json', '--json']);
    expect(result.status, result.stderr).toBe(0);
    best = JSON.parse(result.stdout).best;
  });

  it('prints nothing but JSON: the metrics of all epochs and the best of them', async () => {
    const printed = JSON.parse(result.stdout);
    expect(printed).toMatchObject({ model: 'json', strategy: 'none' });
    expect(printed.epochs).toEqual(metricsOf('json'));
    const accuracies = metricsOf('json').map(({ devAccuracy }) => devAccuracy);
    expect(metricsOf('json')[accuracies.indexOf(Math.max(...accuracies))]).toMatchObject(best);
  });

  it('writes a line an epoch', async () => {
    const lines = metricsOf('json');
    expect(lines.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(lines.map(({ step }) => step)).toEqual([3, 6, 9]);
    for (const line of lines) {
      expect(line.devAccuracy).toBeGreaterThanOrEqual(0);
      expect(line.devAccuracy).toBeLessThanOrEqual(1);
      for (const number of ['trainLoss', 'devLoss', 'seconds', 'tokensPerSecond'] as const) {
        expect(line[number], number).toBeGreaterThan(0);
      }
    }
  });

  it('saves the weights of the best evaluation, not of the last', async () => {
    const last = metricsOf('json')[2];
    expect(best.epoch, 'a best epoch that is not the last').toBeLessThan(3);
    expect(last.devLoss).not.toBe(best.devLoss);
    const args = ['evaluate', '--model', 'json', '--data', 'data', '--json'];
    const evaluation = JSON.parse((await runHere(args, { cwd: folder })).stdout);
    expect(evaluation).toMatchObject({ accuracy: best.devAccuracy, loss: best.devLoss });
  });
});
