import { describe, expect, it } from 'vitest';
import type { DataSource, Example } from '../../src/data/dataset.js';
import { prepareRun } from '../../src/train/prepare-run.js';
import { examplesOf } from '../../src/train/run-data.js';
import { descriptionOf } from '../../src/train/training-run.js';

const rows = (count: number) =>
  Array.from({ length: count }, (_, at): Example => ({ text: `sentence ${at}`, label: at % 2 }));

const source = {
  name: 'rows',
  examples: async (split) => rows(split === 'train' ? 20 : 4),
} as Partial<DataSource> as DataSource;

async function drawn(trainExamples?: number, seed?: number): Promise<string[]> {
  return (await examplesOf(source, { trainExamples, seed })).train.map(({ text }) => text);
}

describe('a number of training examples', () => {
  it('is drawn with the seed, and is part of each larger number', async () => {
    const five = await drawn(5, 1);
    expect(new Set(five).size).toBe(5);
    expect((await drawn(9, 1)).slice(0, 5)).toEqual(five);
    expect(await drawn(5, 2)).not.toEqual(five);
    expect((await drawn(20, 1)).sort()).toEqual(
      rows(20)
        .map(({ text }) => text)
        .sort(),
    );
    expect(await drawn()).toEqual(rows(20).map(({ text }) => text));
  });

  it('leaves dev as it is, and is refused where there are fewer', async () => {
    expect((await examplesOf(source, { trainExamples: 5 })).dev).toHaveLength(4);
    await expect(drawn(21)).rejects.toThrow('21 training examples; expected 20 at most');
  });
});

describe('a preset', () => {
  const shapeOf = async (settings: object) => {
    const { run } = await prepareRun({ data: 'embedded', trainExamples: 8, ...settings });
    const { layers, hidden, heads, feedForward } = descriptionOf(run).config;
    return [layers, hidden, heads, feedForward];
  };

  it('has the sizes of a BERT model, which other settings override', async () => {
    expect(await shapeOf({})).toEqual([2, 128, 2, 512]);
    expect(await shapeOf({ preset: 'small' })).toEqual([4, 512, 8, 2048]);
    expect(await shapeOf({ preset: 'medium', layers: 1, heads: 4 })).toEqual([1, 512, 4, 2048]);
  });

  it('is refused with a checkpoint', async () => {
    await expect(prepareRun({ preset: 'mini', init: 'runs/hard' })).rejects.toThrow('--preset beside --init');
  });
});
