import { describe, expect, it } from 'vitest';
import { CallerError } from '../../../src/gpu/errors.js';
import { cellsOf } from '../../../src/train/experiment/cells.js';
import { parseExperiment } from '../../../src/train/experiment/file.js';

const TEXT = `{
  // Comments are allowed.
  "name": "two",
  "settings": { "data": "embedded", "epochs": 2, "lr": 5e-4 },
  "contenders": { "none": { "strategy": "none" }, "random rules": { "strategy": "hard", "rules": "random", "lr": 1e-3 } },
  "grid": { "seed": [1, 2], "maxLength": [64, 128] },
  "comparisons": [["random rules", "none"]],
  "range": ["random rules", "none"]
}`;

describe('the file of an experiment', () => {
  it('is read as it is written', () => {
    const experiment = parseExperiment(TEXT, 'two.json');
    expect(experiment.settings).toEqual({ data: 'embedded', epochs: 2, lr: 5e-4 });
    expect(Object.keys(experiment.contenders)).toEqual(['none', 'random rules']);
    expect(experiment.comparisons).toEqual([['random rules', 'none']]);
    expect(experiment.range).toEqual(['random rules', 'none']);
  });

  it.each([
    ['"name": "two"', '"name": "../two"', 'two.json:3'],
    ['"epochs": 2', '"epochs": [2]', 'two.json:4'],
    ['"contenders"', '"contestants"', 'two.json:5'],
    ['[1, 2]', '[]', 'two.json:6'],
    ['"seed"', '"seeds"', 'two.json:6'],
    ['[["random rules", "none"]]', '[["random", "none"]]', 'two.json:7'],
    ['[["random rules", "none"]]', '[["none"]]', 'two.json:7'],
    ['"range": [', '"range": 5, "range": [', 'two.json:8'],
    ['"range": [', '"range": 5 [', 'two.json:8'],
    ['"lr": 5e-4 }', '"lr": 5e-4, "lr": 1 }', 'two.json:4'],
  ])('with %s written as %s is refused with its line', (right, wrong, where) => {
    const parse = () => parseExperiment(TEXT.replace(right, wrong), 'two.json');
    expect(parse).toThrow(CallerError);
    expect(parse).toThrow(where);
  });
});

describe('the cells of an experiment', () => {
  const experiment = parseExperiment(TEXT, 'two.json');
  const cells = cellsOf(experiment);

  it('are every contender at every point, the first seed first', () => {
    expect(cells.map(({ id }) => id)).toEqual([
      'none_maxLength=64_seed=1',
      'random-rules_maxLength=64_seed=1',
      'none_maxLength=128_seed=1',
      'random-rules_maxLength=128_seed=1',
      'none_maxLength=64_seed=2',
      'random-rules_maxLength=64_seed=2',
      'none_maxLength=128_seed=2',
      'random-rules_maxLength=128_seed=2',
    ]);
  });

  it('are told the contender’s settings over the experiment’s, and the point’s over both', () => {
    expect(cells[1].settings).toEqual({
      data: 'embedded',
      epochs: 2,
      lr: 1e-3,
      strategy: 'hard',
      rules: 'random',
      seed: 1,
      maxLength: 64,
    });
  });

  it('are known by their settings, in whatever order these are written, and not by where the data lie', () => {
    const hashes = (from: string, to: string) =>
      cellsOf(parseExperiment(TEXT.replace(from, to), 'two.json')).map(({ hash }) => hash);
    const before = cells.map(({ hash }) => hash);
    expect(new Set(before).size).toBe(8);
    expect(hashes('"epochs": 2, "lr": 5e-4', '"lr": 5e-4, "epochs": 2')).toEqual(before);
    expect(hashes('"data": "embedded"', '"data": "elsewhere"')).toEqual(before);
    const changed = hashes('"epochs": 2', '"epochs": 3');
    expect(changed.filter((hash) => before.includes(hash))).toEqual([]);
  });
});
