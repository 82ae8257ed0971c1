import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { isReachable, positionSchema, type TrainingPosition } from '../../src/train/position.js';

/** After 4 steps of 2 batches in epochs of 5 batches, which are 3 steps: after the first step of epoch 2. */
const POSITION: TrainingPosition = {
  step: 4,
  epoch: 2,
  batches: 2,
  losses: { sum: 0.5, count: 1 },
  unreported: { sum: 0.5, count: 1 },
  seconds: 1.5,
  tokens: 99,
};

const LENGTH = { epochs: 3, batches: 5, gradientAccumulationSteps: 2 };

describe('a position', () => {
  it('of the run is accepted, also after an epoch whose last step has fewer batches', () => {
    expect(v.parse(positionSchema, POSITION)).toEqual(POSITION);
    const best = { devLoss: 0.4, devAccuracy: 0.8, devF1: 0.7, devMatthews: 0.5 };
    const stopping = { ...POSITION, earlyStopping: { best, since: 2 } };
    expect(v.parse(positionSchema, stopping), 'of a run that may stop early').toEqual(stopping);
    expect(isReachable(POSITION, LENGTH)).toBe(true);
    const three = { sum: 1, count: 3 };
    expect(isReachable({ ...POSITION, step: 6, batches: 5, losses: three, unreported: three }, LENGTH)).toBe(
      true,
    );
  });

  it.each<[string, object]>([
    ['a count that is a word', { losses: { sum: 1, count: 'NOUN' } }],
    ['a step beyond exact integers', { step: 9007199254740992 }],
    ['a negative step', { step: -1 }],
    ['a fraction', { batches: 1.5 }],
    ['a sum that is null', { unreported: { sum: null, count: 1 } }],
    ['no epoch', { epoch: 0 }],
    ['seconds below 0', { seconds: -1 }],
  ])('with %s is refused', (_, change) => {
    expect(v.safeParse(positionSchema, { ...POSITION, ...change }).success).toBe(false);
  });

  it.each<[string, Partial<TrainingPosition>]>([
    ['another step', { step: 5 }],
    ['an epoch too many', { epoch: 4, step: 10 }],
    ['half a step', { batches: 3 }],
    ['more batches than there are', { batches: 6 }],
    ['another number of losses', { losses: { sum: 1, count: 2 } }],
    ['more unreported losses than there are', { unreported: { sum: 1, count: 2 } }],
  ])('with %s is not one of the run', (_, change) => {
    expect(isReachable({ ...POSITION, ...change }, LENGTH)).toBe(false);
  });
});
