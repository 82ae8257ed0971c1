import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CallerError, EngineError } from '../../src/base/errors.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { RunInterrupted } from '../../src/train/interruption.js';
import { readMetrics } from '../../src/train/metrics-reader.js';
import { runTraining, type TrainingRun, type TrainingRunHooks } from '../../src/train/training-run.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();
let run: TrainingRun;

beforeAll(async () => {
  const source = dataSource('embedded');
  const train = (await source.examples('train')).slice(0, 24);
  const dev = (await source.examples('dev')).slice(0, 12);
  const occurring = train.flatMap(({ text }) => splitTokens(text, bertVocabulary())).map(({ text }) => text);
  run = {
    data: { name: 'embedded', train, dev },
    vocabulary: bertVocabulary().restrictedTo(new Set(occurring)),
    shape: { hidden: 16, heads: 1, layers: 1, feedForward: 16, positions: 32 },
    maxLength: 32,
    epochs: 2,
    batchSize: 8,
    learningRate: 5e-3,
    seed: 9,
  };
});

const newFolder = () => mkdtempSync(join(root, 'run-'));

async function trained(folder: string, hooks: TrainingRunHooks = {}, options: Partial<TrainingRun> = {}) {
  return runTraining(await testDevice(), { ...run, ...options }, folder, hooks);
}

/** Files by name, without times. */
function contentOf(folder: string): Record<string, string> {
  return Object.fromEntries(
    readdirSync(folder).map((name) => {
      const text = readFileSync(join(folder, name), 'latin1');
      return [
        name,
        name === 'metrics.jsonl' ? text.replace(/,?"(seconds|tokensPerSecond)":[^,}]*/g, '') : text,
      ];
    }),
  );
}

describe('a folder that holds', () => {
  it.each<[string, string[], RegExp]>([
    ["a user's files", ['photo.jpg'], /holds other files \(photo\.jpg\)/],
    ['a repository', ['.git'], /holds other files \(\.git\)/],
    ['a model', ['config.json', 'pytorch_model.bin', 'merges.txt'], /holds a model \(config\.json, pytorch_/],
  ])('%s is refused, and with force its other files stay', async (_, names, says) => {
    const folder = newFolder();
    for (const name of names) writeFileSync(join(folder, name), name);
    const before = contentOf(folder);
    for (const startOver of [false, true]) {
      const refused = trained(folder, {}, { startOver });
      await expect(refused).rejects.toThrow(CallerError);
      await expect(refused).rejects.toThrow(says);
    }
    expect(contentOf(folder)).toEqual(before);
    const failing = trained(
      folder,
      {
        onStart() {
          throw new Error('before the first step');
        },
      },
      { force: true },
    );
    await expect(failing).rejects.toThrow('before the first step');
    expect(contentOf(folder)).toEqual(before);
    await trained(folder, {}, { force: true });
    const after = readdirSync(folder);
    for (const name of names) expect(after.includes(name), name).toBe(!/^pytorch_model/.test(name));
    await expect(trained(folder, {}, { startOver: true })).rejects.toThrow(/holds a finished run/);
  });
});

describe('a run whose files are', () => {
  it.each<[string, (file: string) => void]>([
    ['removed', (file) => rmSync(file)],
    ['cut off', (file) => truncateSync(file, 3)],
  ])('%s meanwhile ends with the same bytes, and says so', async (_, damage) => {
    const damageAll = (folder: string) => {
      for (const name of readdirSync(folder)) if (name !== 'process.lock') damage(join(folder, name));
    };
    const [whole, folder] = [newFolder(), newFolder()];
    await trained(whole);
    const notes: string[] = [];
    await trained(folder, {
      onNote: (note) => notes.push(note),
      onEpoch({ epoch }) {
        if (epoch === 1) damageAll(folder);
      },
    });
    expect(contentOf(folder)).toEqual(contentOf(whole));
    for (const name of ['metrics.jsonl', 'config.json', 'training.json']) {
      expect(notes).toContainEqual(
        `${join(folder, name)} was removed or changed during the run: it is written again.`,
      );
    }
    expect((await readMetrics(join(folder, 'metrics.jsonl'))).epochs).toHaveLength(2);
  });

  it('removed with their folder ends in one line, and makes no new folder', async () => {
    const folder = newFolder();
    const lost = trained(folder, { onEpoch: () => rmSync(folder, { recursive: true }) });
    await expect(lost).rejects.toThrow(EngineError);
    await expect(lost).rejects.toThrow(`${folder}: the folder was removed during a run`);
    expect(existsSync(folder)).toBe(false);
  });
});

describe('a run that is asked to stop', () => {
  it('ends after the current step, or within an evaluation, and continues to the same bytes', async () => {
    const [whole, folder] = [newFolder(), newFolder()];
    await trained(whole);
    const stops: number[] = [];
    for (const at of ['onStart', 'onProgress', 'onEvaluation', 'onProgress'] as const) {
      const stopping = new AbortController();
      const hooks = { signal: stopping.signal, [at]: () => stopping.abort() };
      const error = await trained(folder, hooks).catch((thrown) => thrown);
      expect(error).toBeInstanceOf(RunInterrupted);
      expect(error.isResumable).toBe(true);
      stops.push(error.at.step);
    }
    // Before a step; in the evaluation after the first epoch's three steps; after that evaluation; in the last one.
    expect(stops).toEqual([0, 3, 3, 6]);
    await trained(folder);
    expect(contentOf(folder)).toEqual(contentOf(whole));
  });

  it('before its first step leaves the folder unchanged', async () => {
    const folder = newFolder();
    mkdirSync(join(folder, 'other'));
    const stopped = trained(folder, { signal: AbortSignal.abort() }, { force: true });
    await expect(stopped).rejects.toThrow('the run was interrupted before its first step');
    expect(readdirSync(folder)).toEqual(['other']);
  });
});
