import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { GRAMPAIR_LABELS } from '../../../src/data/grampair.js';
import { readModelRules } from '../../../src/data/named-rules.js';
import { dataSource } from '../../../src/data/sources.js';
import { bertVocabulary } from '../../../src/grammar/bert-vocabulary.js';
import { predictReach } from '../../../src/plan/reach.js';
import { drawnRules, drawRules } from '../../../src/train/control-rules.js';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';

const FOLDER = join(import.meta.dirname, '../../../experiments');

/** The conditions that the descriptions of the experiments predict to fail. */
const FAILS = {
  attribution: ['ablation', 'floor'],
  negation: ['paper', 'padded', 'floor'],
  auxiliary: ['paper in 2 layers', 'ablation', 'floor'],
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

  it("state which of 61 sets of rules reach auxiliary's pair", async () => {
    const file = join(FOLDER, 'grampair-place.json');
    const { description, conditions } = parseExperiment(readFileSync(file, 'utf8'), file);
    const texts = await dataSource('grampair:auxiliary:32').texts('train');
    const options = { vocabulary: bertVocabulary(), customTags: true };
    const reached: string[] = [];
    for (const [name, { rules }] of Object.entries(conditions)) {
      const drawn = drawnRules(`${rules}`, 1);
      const set = drawn ? drawRules(drawn, texts, options) : await readModelRules(`${rules}`);
      if (predictReach(set, GRAMPAIR_LABELS.auxiliary.pairs, { layers: 3 }).isReached) reached.push(name);
    }
    expect(description).toContain(`on dev under ${reached.join(', ')}; chance`);
  });
});
