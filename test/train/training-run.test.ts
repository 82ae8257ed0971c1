import {
  appendFileSync,
  cpSync,
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { CallerError } from '../../src/base/errors.js';
import type { Example } from '../../src/data/dataset.js';
import { dataSource } from '../../src/data/sources.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { runTraining, type TrainingRun, type TrainingRunHooks } from '../../src/train/training-run.js';
import { testDevice } from '../support/device.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const root = temporaryFolder();
let run: TrainingRun;

beforeAll(async () => {
  const source = dataSource('embedded');
  const [train, dev] = [
    (await source.examples('train')).slice(0, 46),
    (await source.examples('dev')).slice(0, 20),
  ];
  const occurring = train.flatMap(({ text }) => splitTokens(text, bertVocabulary())).map(({ text }) => text);
  run = {
    data: { name: 'embedded', train, dev },
    vocabulary: bertVocabulary().restrictedTo(new Set(occurring)),
    shape: { hidden: 16, heads: 1, layers: 1, feedForward: 16, positions: 32, attentionDropout: 0 },
    maxLength: 32,
    mask: AttentionMask.fromRules('paper', 'learned'),
    // Six steps an epoch; the last batch has fewer examples than the others.
    epochs: 2,
    batchSize: 4,
    gradientAccumulationSteps: 2,
    learningRate: 5e-3,
    maskProbability: 0.1,
    evalSteps: 3,
    saveSteps: 2,
    seed: 9,
  };
});

/** The result that must not depend on interruptions: files by name, without times. */
function resultOf(folder: string): Record<string, string> {
  const timeless = (text: string) => text.replace(/,?"(seconds|tokensPerSecond)":[^,}]*/g, '');
  return Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((name) => {
        const content = readFileSync(join(folder, name));
        return [name, name === 'metrics.jsonl' ? timeless(content.toString()) : content.toString('base64')];
      }),
  );
}

class Interruption extends Error {}

/** Hooks that end a run when one of them is called for the n-th time. */
function interruptedAt(hook: 'onProgress' | 'onEvaluation' | 'onEpoch', times: number): TrainingRunHooks {
  let left = times;
  return {
    [hook]() {
      left--;
      if (left === 0) throw new Interruption();
    },
  };
}

async function interrupted(folder: string, hooks: TrainingRunHooks, options: Partial<TrainingRun> = {}) {
  await expect(runTraining(await testDevice(), { ...run, ...options }, folder, hooks)).rejects.toThrow(
    Interruption,
  );
}

/** Continues a run to its end. @returns The step from which it continued. */
async function finished(folder: string, options: Partial<TrainingRun> = {}): Promise<number> {
  let from = Number.NaN;
  const hooks: TrainingRunHooks = {
    onStart({ step }) {
      from = step;
    },
  };
  await runTraining(await testDevice(), { ...run, ...options }, folder, hooks);
  return from;
}

describe('a run with `until`', () => {
  it('ends at the first evaluation with that accuracy, and is finished', async () => {
    const folder = join(root, 'until');
    const options = { ...run, until: 0.01 };
    const { evaluations, epochs, best, final } = await runTraining(await testDevice(), options, folder);
    expect(evaluations.map(({ step }) => step)).toEqual([3]);
    expect(epochs.map(({ step }) => step)).toEqual([3]);
    expect(best).toBe(final);
    expect(await finished(folder, { until: 0.01 })).toBe(3);
  });
});

describe('an interrupted run', () => {
  const undisturbed = join(root, 'undisturbed');

  beforeAll(async () => {
    const {
      evaluations,
      epochs,
      best,
      final: last,
    } = await runTraining(await testDevice(), run, undisturbed);
    expect(evaluations.map(({ step }) => step)).toEqual([3, 6, 9, 12]);
    expect(epochs.map(({ step }) => step)).toEqual([6, 12]);
    expect(last).toBe(evaluations.at(-1));
    expect(evaluations).toContain(best);
  });

  it.each([
    ['before its first checkpoint', interruptedAt('onEvaluation', 1), 2],
    ['at an evaluation', interruptedAt('onEvaluation', 3), 8],
    ['at the end of an epoch', interruptedAt('onEpoch', 1), 4],
    ['at its very end', interruptedAt('onEpoch', 2), 10],
  ])('%s ends with the same bytes', async (name, hooks, from) => {
    const folder = join(root, name.replaceAll(' ', '-'));
    await interrupted(folder, hooks);
    expect(await finished(folder)).toBe(from);
    expect(resultOf(folder)).toEqual(resultOf(undisturbed));
  });

  it('again and again ends with the same bytes', async () => {
    const folder = join(root, 'again');
    for (const hooks of [1, 2, 2, 1, 2].map((times) => interruptedAt('onEvaluation', times))) {
      await interrupted(folder, hooks);
      // The files after a kill between two writes: half a line, and half a file.
      appendFileSync(join(folder, 'metrics.jsonl'), '{"kind":"evalua');
      writeFileSync(join(folder, '.parsimony-0123456789ab.part'), 'half');
    }
    await finished(folder);
    expect(resultOf(folder)).toEqual(resultOf(undisturbed));
  });

  it('without checkpoints starts again, and ends with the same bytes', async () => {
    const folder = join(root, 'none');
    const options = { saveSteps: 0 };
    await interrupted(folder, interruptedAt('onEpoch', 1), options);
    expect(existsSync(join(folder, 'checkpoint.safetensors'))).toBe(false);
    expect(await finished(folder, options)).toBe(0);
    const { 'training.json': _, ...result } = resultOf(folder);
    expect(resultOf(undisturbed)).toMatchObject(result);
  });

  it('has a checkpoint at each evaluation by default', async () => {
    const folder = join(root, 'beside');
    const options = { saveSteps: undefined };
    await interrupted(folder, interruptedAt('onEvaluation', 3), options);
    expect(await finished(folder, options)).toBe(6);
  });

  it('that is finished is not trained again', async () => {
    const before = resultOf(undisturbed);
    const outcome = await runTraining(await testDevice(), run, undisturbed, {
      onProgress: () => expect.unreachable('no step'),
    });
    expect(outcome.evaluations).toHaveLength(4);
    expect(outcome.epochs.map(({ epoch }) => epoch)).toEqual([1, 2]);
    expect(outcome.evaluations).toContainEqual(outcome.best);
    expect(resultOf(undisturbed)).toEqual(before);
    expect(await finished(undisturbed)).toBe(12);
  });

  it('may start again over a finished run with --force', async () => {
    const folder = join(root, 'again');
    cpSync(undisturbed, folder, { recursive: true });
    expect(await finished(folder, { startOver: true, force: true })).toBe(0);
    expect(resultOf(folder)).toEqual(resultOf(undisturbed));
  });
});

describe('a run is refused, and the folder stays unchanged,', () => {
  const existing = join(root, 'existing');

  beforeAll(() => interrupted(existing, interruptedAt('onEvaluation', 3)));

  const changed = (examples: readonly Example[]) =>
    examples.map((example, i) => (i === 3 ? { ...example, label: 1 - example.label } : example));

  it.each<[string, () => Partial<TrainingRun>, RegExp]>([
    [
      'with another setting',
      () => ({ learningRate: 4e-3 }),
      /a run with learningRate 0\.005; expected 0\.004; use the settings/,
    ],
    [
      'with another metric',
      () => ({ metricForBestModel: 'loss' }),
      /a run with metricForBestModel accuracy; expected loss/,
    ],
    [
      'with another setting that was a default',
      () => ({ lrScheduler: 'cosine' }),
      /with lrScheduler linear; expected cosine/,
    ],
    ['without one of its settings', () => ({ saveSteps: undefined }), /with saveSteps 2; expected undefined/],
    [
      'with other rules',
      () => ({ mask: run.mask!.with({ beta: 4 }) }),
      /a run of another model or under other rules; use the settings/,
    ],
    ['with another dropout', () => ({ shape: { ...run.shape, hiddenDropout: 0 } }), /a run of another model/],
    [
      'with other sentences',
      () => ({ data: { ...run.data, train: changed(run.data.train) } }),
      /a run on other data; expected/,
    ],
    [
      'with other dev sentences',
      () => ({ data: { ...run.data, dev: changed(run.data.dev) } }),
      /a run on other data; expected/,
    ],
  ])('%s', async (_, options, says) => {
    const before = resultOf(existing);
    const error = await runTraining(await testDevice(), { ...run, ...options() }, existing).catch(
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(CallerError);
    expect(error.message).toMatch(says);
    expect(error.message).toContain(`${join(existing, 'training.json')}: `);
    expect(resultOf(existing)).toEqual(before);
  });

  it.each<[string, (folder: string) => void, RegExp]>([
    [
      'with a checkpoint that is cut off',
      (folder) => truncateSync(join(folder, 'checkpoint.safetensors'), 9_000),
      /checkpoint\.safetensors: .*cut off/,
    ],
    [
      'with a checkpoint without notes',
      (folder) => cpSync(join(folder, 'model.safetensors'), join(folder, 'checkpoint.safetensors')),
      /does not name its run/,
    ],
    [
      'without its metrics',
      (folder) => rmSync(join(folder, 'metrics.jsonl')),
      /metrics\.jsonl: cannot be read/,
    ],
    [
      'with fewer metrics',
      (folder) => truncateSync(join(folder, 'metrics.jsonl'), 10),
      /metrics\.jsonl: 10 bytes; expected at least the \d+ of the time of the checkpoint/,
    ],
    [
      'without its best weights',
      (folder) => rmSync(join(folder, 'model.safetensors')),
      /weights of step \d+, the best so far, are missing/,
    ],
    [
      'on another adapter',
      (folder) => edit(folder, /"adapter": "[^"]*"/, '"adapter": "Voodoo"'),
      /a run on the adapter "Voodoo"; expected the same, not/,
    ],
    [
      'with other kernels',
      (folder) => edit(folder, /"kernels": "[^"]*"/, '"kernels": "1234"'),
      /the kernels of another version/,
    ],
    [
      'with another seed',
      (folder) => edit(folder, /"seed": 9/, '"seed": 10'),
      /a run with seed 10; expected 9/,
    ],
  ])('%s', async (name, breakIt, says) => {
    const folder = join(root, `broken-${name.replaceAll(' ', '-')}`);
    cpSync(existing, folder, { recursive: true });
    breakIt(folder);
    const before = resultOf(folder);
    const error = await runTraining(await testDevice(), run, folder).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(CallerError);
    expect(error.message).toMatch(says);
    expect(error.message).not.toContain('\n');
    expect(resultOf(folder)).toEqual(before);
  });

  it('with a checkpoint of another run', async () => {
    const [folder, other] = [join(root, 'mixed'), join(root, 'other')];
    cpSync(existing, folder, { recursive: true });
    await interrupted(other, interruptedAt('onEvaluation', 3), { seed: 10 });
    for (const name of ['checkpoint.safetensors', 'metrics.jsonl'])
      cpSync(join(other, name), join(folder, name));
    await expect(runTraining(await testDevice(), run, folder)).rejects.toThrow(/checkpoint of another run/);
  });
});

function edit(folder: string, what: RegExp, by: string): void {
  const file = join(folder, 'training.json');
  const text = readFileSync(file, 'utf8');
  expect(text).toMatch(what);
  writeFileSync(file, text.replace(what, by));
}
