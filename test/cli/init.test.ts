import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSafetensors } from '../../src/train/safetensors.js';
import {
  huggingFaceConfig,
  tensorsOf,
  VOCABULARY_TOKENS,
  writeCheckpoint,
} from '../support/checkpoint-folder.js';
import { randomWeights, SMALL_DISTILBERT } from '../support/model-cases.js';
import { runHere } from '../support/run-here.js';
import { temporaryFolder } from '../support/temporary-folder.js';
import { CALLER, expectRefusal, OURS } from './refusal.js';
import { SENTENCE, writeTinyData } from './tiny-model.js';

const folder = temporaryFolder();
/** Heads of 16 dimensions, as in other tests, so that they share kernels. */
const CONFIG = { ...SMALL_DISTILBERT, layers: 1, heads: 4, vocabulary: VOCABULARY_TOKENS.length };
const WEIGHTS = randomWeights(CONFIG, 5);
const TRAIN = [
  ...'train --data data --no-tune --epochs 1 --batch 4 --max-length 20 --strategy hard'.split(' '),
  ...'--attention-dropout 0'.split(' '),
];

const run = (args: readonly string[], env = {}) => runHere(args, { cwd: folder, env });

beforeAll(async () => {
  writeTinyData(folder);
  writeCheckpoint(join(folder, 'hf'), huggingFaceConfig(CONFIG), tensorsOf(CONFIG, WEIGHTS), 'bin, zip');
  const bare = { ...huggingFaceConfig(CONFIG), architectures: ['DistilBertModel'] };
  const encoder = [...tensorsOf(CONFIG, WEIGHTS)].filter(([name]) => name.startsWith('distilbert.'));
  writeCheckpoint(join(folder, 'bare'), bare, new Map(encoder));
});

describe('train --init', () => {
  it('starts from a folder, says what it draws, and writes a folder of the same family', async () => {
    const result = await run([
      ...TRAIN,
      '--init',
      'bare',
      '--lr',
      '1e-9',
      '--weight-decay',
      '0',
      '--out',
      'trained',
    ]);
    expect(result.status, result.stderr).toBe(0);
    expect(result.stderr).toMatch(/^Starting from bare: distilbert, 1 x 64$/m);
    expect(result.stderr).toMatch(/^bare: drawn from seed 42: pre_classifier\.weight, .*classifier\.bias$/m);
    const config = JSON.parse(readFileSync(join(folder, 'trained/config.json'), 'utf8'));
    const { tie_weights_: _, ...shape } = huggingFaceConfig(CONFIG);
    expect(config).toMatchObject({
      ...shape,
      architectures: ['DistilBertForSequenceClassification'],
      id2label: { 0: 'negative', 1: 'positive' },
    });
    const tensors = parseSafetensors(readFileSync(join(folder, 'trained/model.safetensors')), 'f');
    const name = 'distilbert.transformer.layer.0.attention.q_lin.weight';
    // The learning rate is so small that these weights are still those of the checkpoint.
    const far = tensors
      .get(name)!
      .values.findIndex((value, i) => Math.abs(value - WEIGHTS.get(name)![i]) > 1e-7);
    expect(far).toBe(-1);
    const training = JSON.parse(readFileSync(join(folder, 'trained/training.json'), 'utf8'));
    expect(training).toMatchObject({ notes: { init: { name: 'bare' } }, learningRate: 1e-9 });
  });

  it.each(['--layers', '--hidden', '--heads', '--feed-forward', '--vocab'])(
    'refuses %s with it',
    async (flag) => {
      const value = flag === '--vocab' ? 'vocab.txt' : '2';
      const result = await run([...TRAIN, '--init', 'hf', flag, value, '--out', 'x']);
      expectRefusal(result, CALLER, new RegExp(`^${flag} beside --init; expected one of them`));
    },
  );

  it('refuses to write over the checkpoint', async () => {
    const result = await run([...TRAIN, '--init', 'hf', '--out', './hf']);
    expectRefusal(result, CALLER, /^--out is the folder of --init; expected another/);
  });

  it('refuses a folder without a checkpoint, and a name of the hub without a network', async () => {
    expectRefusal(
      await run([...TRAIN, '--init', 'data', '--out', 'x']),
      CALLER,
      /config\.json: cannot be read/,
    );
    const env = { HF_ENDPOINT: 'http://127.0.0.1:9', XDG_CACHE_HOME: join(folder, 'nothing') };
    const result = await run([...TRAIN, '--init', 'hub:some/model', '--out', 'x'], env);
    expectRefusal(
      result,
      OURS,
      /^http:.*some\/model.*: cannot be downloaded \(.*\); use the folder of a checkpoint/,
    );
  });
});

describe('predict and evaluate', () => {
  it('read a folder of Hugging Face, under other rules where they are asked to', async () => {
    const plain = await run(['predict', '--model', 'hf', '--json', SENTENCE]);
    expect(plain.status, plain.stderr).toBe(0);
    const [prediction] = JSON.parse(plain.stdout);
    expect(prediction.label).toMatch(/^LABEL_[01]$/);
    const hard = await run([
      'predict',
      '--model',
      'hf',
      '--strategy',
      'hard',
      '--rules',
      'all-pairs',
      '--json',
      SENTENCE,
    ]);
    expect(hard.status, hard.stderr).toBe(0);
    expect(hard.stderr).toMatch(/^This model was trained with strategy none; it is read with hard/m);
    const evaluation = await run(['evaluate', '--model', 'hf', '--data', 'data', '--json']);
    expect(JSON.parse(evaluation.stdout)).toMatchObject({ strategy: 'none', rows: 6 });
  });

  it('refuse a strategy that needs tables, a model without a classifier, and classes that are not the data’s', async () => {
    const learned = await run(['predict', '--model', 'hf', '--strategy', 'learned', '--json', SENTENCE]);
    expect(learned.stderr).toMatch(
      /parsimony: strategy "learned" over \d+ tags, and a model with biases of 0; exp/,
    );
    expect(learned.status).toBe(CALLER);
    expectRefusal(
      await run(['predict', '--model', 'bare', SENTENCE]),
      CALLER,
      /^bare.config\.json: no classifier of sent/,
    );
    const other = { ...huggingFaceConfig(CONFIG), id2label: { 0: 'positive', 1: 'negative' } };
    writeCheckpoint(join(folder, 'swapped'), other, tensorsOf(CONFIG, WEIGHTS));
    const swapped = await run(['evaluate', '--model', 'swapped', '--data', 'data']);
    expectRefusal(
      swapped,
      CALLER,
      /^swapped: classes positive, negative; expected those of the data: negative, pos/,
    );
  });
});
