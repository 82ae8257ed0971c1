import { describe, expect, it } from 'vitest';
import { mostProbable, softmax } from '../../src/train/evaluation.js';
import type { Checkpoint } from '../../src/train/trainer.js';
import { logitsOf, smallModel, TEXTS, withModel } from './models.js';

/** -log of the softmax, computed in another way than in the engine. */
function crossEntropy(logits: number[], label: number): number {
  return Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit - logits[label]), 0));
}

/** More sentences than a batch of an evaluation has, all different. */
const EXAMPLES = Array.from({ length: 150 }, (_, index) => {
  const [first, second] = [TEXTS[index % 4], TEXTS[Math.floor(index / 4) % 4]];
  return { text: `${first} ${second}`.slice(0, 20 + index), label: (index * 7) % 3 };
});

describe('evaluate', () => {
  it('has the loss and the accuracy that follow from the logits of predict', async () => {
    await withModel(smallModel('guided', { classes: ['a', 'b', 'c'] }), async (model) => {
      const logits = await logitsOf(
        model,
        EXAMPLES.map(({ text }) => text),
      );
      const losses = EXAMPLES.map(({ label }, row) => crossEntropy(logits[row], label));
      const right = EXAMPLES.filter(({ label }, row) => logits[row][label] === Math.max(...logits[row]));
      const { rows, loss, accuracy } = await model.evaluate(EXAMPLES);
      expect(rows).toBe(150);
      expect(loss).toBeCloseTo(losses.reduce((sum, one) => sum + one, 0) / 150, 10);
      expect(accuracy).toBe(right.length / 150);
      expect(accuracy, 'a model that is sometimes right').toBeGreaterThan(0);
      expect(accuracy).toBeLessThan(1);
    });
  });

  it('is what a training run reports after its last epoch', async () => {
    await withModel(smallModel('hard', { classes: ['a', 'b', 'c'] }), async (model) => {
      const before = await model.evaluate(EXAMPLES);
      const metrics = await model.train(EXAMPLES.slice(0, 20), EXAMPLES, {
        epochs: 2,
        batchSize: 8,
        learningRate: 1e-3,
      });
      expect(metrics.map(({ epoch, step }) => [epoch, step])).toEqual([
        [1, 3],
        [2, 6],
      ]);
      const { loss, accuracy } = await model.evaluate(EXAMPLES);
      expect(metrics[1]).toMatchObject({ devLoss: loss, devAccuracy: accuracy });
      expect(new Set([before.loss, metrics[0].devLoss, loss]).size, 'every epoch changes it').toBe(3);
    });
  });
});

describe('a training run', () => {
  /** The steps after which 24 sentences were evaluated, in batches of four over two epochs. */
  async function evaluatedSteps(evaluations: number): Promise<number[]> {
    const steps: number[] = [];
    const epochEnds: [step: number, evaluated?: number][] = [];
    const [train, dev] = [EXAMPLES.slice(0, 24), EXAMPLES.slice(0, 4)];
    await withModel(smallModel('hard', { classes: ['a', 'b', 'c'] }), (model) =>
      model.train(
        train,
        dev,
        { epochs: 2, batchSize: 4, evaluationsPerEpoch: evaluations },
        {
          onEvaluation: ({ step }) => void steps.push(step),
          onEpoch: ({ step }) => void epochEnds.push([step, steps.at(-1)]),
        },
      ),
    );
    expect(epochEnds, 'each epoch ends with an evaluation').toEqual([
      [6, 6],
      [12, 12],
    ]);
    return steps;
  }

  it.each([
    [1, [6, 12]],
    [2, [3, 6, 9, 12]],
    [3, [2, 4, 6, 8, 10, 12]],
    [100, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
  ])('is evaluated %i times an epoch, evenly', async (evaluations, steps) => {
    expect(await evaluatedSteps(evaluations)).toEqual(steps);
  });

  it('is evaluated 4 times in an epoch of 6 steps', async () => {
    expect(await evaluatedSteps(4)).toHaveLength(2 * 4);
  });
});

describe('a training run with earlyStoppingPatience', () => {
  const [train, dev] = [EXAMPLES.slice(0, 24), EXAMPLES.slice(0, 4)];
  // The rate is so small that no evaluation is better than the first.
  const options = {
    ...{ epochs: 3, batchSize: 4, evaluationsPerEpoch: 2, learningRate: 1e-30, weightDecay: 0 },
    earlyStoppingPatience: 4,
  };

  it('ends after this number of evaluations without a better one, also when it is resumed', async () => {
    await withModel(smallModel('hard', { classes: ['a', 'b', 'c'] }), async (model) => {
      const steps: number[] = [];
      const checkpoints: Promise<Checkpoint>[] = [];
      const onEvaluation = ({ step }: { step: number }) => void steps.push(step);
      const epochs = await model.train(train, dev, options, {
        onEvaluation,
        async onCheckpoint(position, state) {
          checkpoints.push(state.then((read) => ({ position, state: read })));
        },
      });
      expect(steps).toEqual([3, 6, 9, 12, 15]);
      expect(epochs.map(({ step }) => step)).toEqual([6, 12, 15]);
      const third = await checkpoints[2];
      expect(third.position).toMatchObject({ step: 9, earlyStopping: { since: 2 } });
      steps.length = 0;
      await model.train(train, dev, options, { onEvaluation }, third);
      expect(steps).toEqual([12, 15]);
    });
  });
});

describe('predict', () => {
  it('has the same logits for a text alone as among others', async () => {
    await withModel(smallModel('soft'), async (model) => {
      const together = await logitsOf(model);
      for (const [index, text] of TEXTS.entries()) {
        expect(await logitsOf(model, [text])).toEqual([together[index]]);
      }
    });
  });

  it('reads the beginning of a text that is too long, and reports that', async () => {
    await withModel(smallModel('none', { maxLength: 7 }), async (model) => {
      const [long, short] = await model.predict([
        'the hero really likes the old woman .',
        'the hero really likes the',
      ]);
      expect([long.cut, short.cut]).toEqual([true, false]);
      expect(long.logits).toEqual(short.logits);
    });
  });

  it('follows a new mask from the next call on, and then the first one again', async () => {
    await withModel(smallModel('none'), async (model) => {
      const first = await logitsOf(model);
      const others: number[][][] = [];
      for (const [strategy, beta] of [['hard'], ['soft'], ['soft', 1], ['guided']] as const) {
        model.useMask(model.description.mask.with({ strategy, beta }));
        others.push(await logitsOf(model));
      }
      expect(new Set([first, ...others].map((logits) => logits[1].join())).size).toBe(5);
      model.useMask(model.description.mask.with({ strategy: 'none' }));
      expect(await logitsOf(model)).toEqual(first);
      const built = await withModel(smallModel('hard'), (hard) => logitsOf(hard));
      expect(built, 'as if it had been built with them').toEqual(others[0]);
    });
  });
});

describe('softmax', () => {
  it('is right where exponentials overflow or underflow', () => {
    expect(softmax([1000, 1000, 0])).toEqual([0.5, 0.5, 0]);
    expect(softmax([-1000, -1001])[0]).toBeCloseTo(1 / (1 + Math.exp(-1)), 12);
  });
});

describe('mostProbable', () => {
  it('is the index of the largest number, and of the first among equals', () => {
    expect(mostProbable([1, 3, 2])).toBe(1);
    expect(mostProbable([-1, -3, -2])).toBe(0);
    expect(mostProbable([2, 5, 5])).toBe(1);
  });
});
