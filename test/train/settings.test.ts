import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { settingsPage } from '../../scripts/settings-docs.mjs';
import { hashOf, sortedEntries } from '../../src/base/hash.js';
import * as options from '../../src/cli/setting-options.js';
import { fingerprintOf, readRecord } from '../../src/train/run-record.js';
import * as groups from '../../src/train/setting-groups.js';
import * as settings from '../../src/train/settings.js';
import { completeSettings, fileSettings } from '../../src/train/settings-schema.js';
import { temporaryFolder } from '../support/temporary-folder.js';

/** The settings of a run as version 0.1 wrote them into `training.json`. */
const BEFORE = {
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.01,
  clipNorm: 0.5,
  freezeEmbeddings: false,
  epochs: 2,
  batch: 4,
  accumulate: 2,
  rate: 0.005,
  biasRate: 0.02,
  schedule: 'cosine',
  seed: 7,
  maskTokens: 0.1,
  sparsity: 0,
  evaluateEvery: 3,
  checkpointEvery: 2,
  warmUpSteps: 1,
};

const FINGERPRINTS = { model: 'a', data: 'b', kernels: 'c', adapter: 'd' };

describe('settings of version 0.1', () => {
  it('are read from training.json, and name the same run', async () => {
    const folder = join(temporaryFolder(), 'run');
    mkdirSync(folder);
    const record = { ...BEFORE, settings: Object.keys(BEFORE), bestBy: 'f1', beta: 5, relabel: 'shuffled' };
    writeFileSync(join(folder, 'training.json'), JSON.stringify({ ...record, fingerprints: FINGERPRINTS }));
    const read = await readRecord(folder);
    expect(read.settings).toEqual(completeSettings({ ...read.settings }, 40));
    expect(read.settings).toMatchObject({
      learningRate: 0.005,
      biasLearningRate: 0.02,
      lrScheduler: 'cosine',
      warmupSteps: 1,
      batchSize: 4,
      gradientAccumulationSteps: 2,
      maxGradNorm: 0.5,
      maskProbability: 0.1,
      evalSteps: 3,
      saveSteps: 2,
      metricForBestModel: 'f1',
    });
    expect(fingerprintOf(read)).toBe(hashOf([sortedEntries(BEFORE), 'f1', 'a', 'b']));
  });

  it('are still options of the library', () => {
    const { batch, rate, warmUpSteps } = BEFORE;
    expect(completeSettings({ batch, rate, warmUpSteps } as object, 40)).toMatchObject({
      batchSize: 4,
      learningRate: 0.005,
      warmupSteps: 1,
    });
    expect(() => completeSettings({ rate: 1, learningRate: 1 } as object, 40)).toThrow('one name');
  });
});

describe('the schema of settings', () => {
  it('has each name once, including former ones', () => {
    const names = Object.entries<settings.Setting>(settings.SETTINGS).flatMap(([name, { aliases = [] }]) => [
      name,
      ...aliases,
    ]);
    expect(new Set(names).size).toBe(names.length);
  });

  it('accepts its defaults', () => {
    expect(v.parse(fileSettings, settings.SETTING_DEFAULTS)).toEqual(settings.SETTING_DEFAULTS);
  });

  it('has each setting in one group', () => {
    const grouped = Object.values(groups.SETTING_GROUPS).flat();
    expect([...grouped].sort()).toEqual(Object.keys(settings.SETTINGS).sort());
  });

  it('is what docs/settings.md says', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/settings.md'), 'utf8');
    expect(page, 'node scripts/settings-docs.mjs writes it').toBe(settingsPage(settings, groups, options));
  });
});
