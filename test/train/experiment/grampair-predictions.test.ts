import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GRAMPAIR_LABELS } from '../../../src/data/grampair.js';
import { readModelRules } from '../../../src/data/named-rules.js';
import { predictReach } from '../../../src/plan/reach.js';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';

const FOLDER = join(import.meta.dirname, '../../../experiments');

/** The conditions that the descriptions of the experiments predict to fail. */
const FAILS = {
  attribution: ['ablation', 'floor'],
  negation: ['paper', 'padded', 'floor'],
  auxiliary: ['paper in 2 layers'],
} as const;

describe('the experiments on GRAMPAIR', () => {
  it.each(['attribution', 'negation', 'auxiliary'] as const)('state what is predicted: %s', async (label) => {
    const file = join(FOLDER, `grampair-${label}.json`);
    const { settings, conditions } = parseExperiment(readFileSync(file, 'utf8'), file);
    expect(settings.data).toBe(`grampair:${label}`);
    const fails: string[] = [];
    for (const [name, { rules, layers = settings.layers }] of Object.entries(conditions)) {
      const { isReached } = predictReach(await readModelRules(`${rules}`), GRAMPAIR_LABELS[label].pairs, {
        layers: Number(layers),
      });
      if (!isReached) fails.push(name);
    }
    expect(fails).toEqual(FAILS[label]);
  });
});
