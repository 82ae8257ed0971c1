import { describe, expect, it } from 'vitest';
import { ADAMW_DEFAULTS } from '../../src/nn/adamw.js';
import type { UpdateOptions } from '../../src/nn/classifier.js';
import type { TrainingState } from '../../src/nn/parameters.js';
import { bitsOf } from '../support/bits.js';
import { modelFor, randomBatch, randomWeights, withClassifier } from '../support/model-cases.js';

const config = modelFor('learned');
const weights = randomWeights(config, 8);
const isFrozen = (name: string) => name.startsWith('bert.embeddings.');

/** The state after the first step of a model. Later steps would start from other weights. */
async function afterOneStep(options: Partial<UpdateOptions>): Promise<TrainingState> {
  let state: TrainingState | undefined;
  await withClassifier(config, weights, async (classifier) => {
    const { batch } = randomBatch(config, 'learned', 400);
    const all = { ...ADAMW_DEFAULTS, weightDecay: 0.1, ...options };
    classifier.trainStep(batch, { seed: 1, step: 1 }, 1e-2, all);
    state = await classifier.parameters.readState();
  });
  return state!;
}

describe('frozen embeddings', () => {
  it('are unchanged, and everything else is updated as usual', async () => {
    const free = await afterOneStep({ maxGradNorm: 0 });
    const frozen = await afterOneStep({ maxGradNorm: 0, freezeEmbeddings: true });
    for (const [name, values] of frozen.values) {
      expect(bitsOf(free.values.get(name)!), `${name} moves`).not.toBe(bitsOf(weights.get(name)!));
      expect(bitsOf(values), name).toBe(bitsOf((isFrozen(name) ? weights : free.values).get(name)!));
      for (const moment of ['firstMoment', 'secondMoment'] as const) {
        const expected = isFrozen(name) ? new Float32Array(values.length) : free[moment].get(name)!;
        expect(bitsOf(frozen[moment].get(name)!), `${name}, ${moment}`).toBe(bitsOf(expected));
      }
    }
    expect([...frozen.values.keys()].filter(isFrozen)).toHaveLength(5);
  });

  it('do not count for the norm that is clipped', async () => {
    const maxGradNorm = 1e-2;
    const { firstMoment } = await afterOneStep({ maxGradNorm, freezeEmbeddings: true });
    let squares = 0;
    for (const values of firstMoment.values()) for (const value of values) squares += value ** 2;
    // The first moment is the clipped gradient times a factor.
    expect(Math.sqrt(squares) / (1 - ADAMW_DEFAULTS.beta1) / maxGradNorm).toBeCloseTo(1, 4);
  });
});

describe('learned biases', () => {
  it.each([false, true])('have their learning rate, with embeddings frozen: %s', async (freezeEmbeddings) => {
    const options = { maxGradNorm: 0, freezeEmbeddings };
    const [plain, faster] = [
      await afterOneStep(options),
      await afterOneStep({ ...options, biasRateFactor: 10 }),
    ];
    let tables = 0;
    for (const [name, values] of faster.values) {
      const slow = plain.values.get(name)!;
      if (!name.endsWith('tag_bias')) {
        expect(bitsOf(values), name).toBe(bitsOf(slow));
        continue;
      }
      tables++;
      const before = weights.get(name)!;
      values.forEach((value, at) => {
        expect(value - before[at]).toBeCloseTo(10 * (slow[at] - before[at]), 5);
      });
      expect(bitsOf(slow)).not.toBe(bitsOf(before));
    }
    expect(tables).toBe(config.layers);
  });
});
