import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CallerError } from '../../../src/base/errors.js';
import { cellsOf, confirmatoryTests, exploratory } from '../../../src/train/experiment/experiment.js';
import { parseExperiment } from '../../../src/train/experiment/parse-experiment.js';

const TEXT = `{
  // Comments are allowed.
  "name": "two",
  "settings": { "data": "embedded", "epochs": 2, "lr": 5e-4 },
  "conditions": { "none": { "strategy": "none" }, "random rules": { "strategy": "hard", "rules": "random", "lr": 1e-3 } },
  "grid": { "seed": [1, 2], "maxLength": [64, 128] },
  "comparisons": [["random rules", "none"]],
  "range": ["random rules", "none"]
}`;

describe('the file of an experiment', () => {
  it('gives settings, conditions, comparisons and range', () => {
    const experiment = parseExperiment(TEXT, 'two.json');
    expect(experiment.settings).toEqual({ data: 'embedded', epochs: 2, learningRate: 5e-4 });
    expect(Object.keys(experiment.conditions)).toEqual(['none', 'random rules']);
    expect(experiment.comparisons).toEqual([
      { treatment: 'random rules', baseline: 'none', confirmatory: [] },
    ]);
    expect(experiment.range).toEqual(['random rules', 'none']);
  });

  it('lists the confirmatory measures, and the margin within which conditions count as equal', () => {
    const stated = {
      treatment: 'none',
      baseline: 'random rules',
      confirmatory: ['accuracy', 'steps'],
      margin: 0.01,
    };
    const text = TEXT.replace('"epochs": 2', '"epochs": 2, "until": 0.95').replace(
      '[["random rules", "none"]]',
      JSON.stringify([stated]),
    );
    const experiment = parseExperiment(text, 'two.json');
    expect(experiment.comparisons).toEqual([stated]);
    // Two measures and a margin, at two points of the grid.
    expect(confirmatoryTests(experiment)).toBe(6);
    expect(confirmatoryTests(exploratory(experiment))).toBe(0);
  });

  it('may be that of docs/experiments.md', () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/experiments.md'), 'utf8');
    const [, text] = /```json\n([\s\S]*?)```/.exec(page)!;
    // Accuracy, steps and the margin, at three sizes.
    expect(confirmatoryTests(parseExperiment(text, 'docs.json'))).toBe(9);
  });

  it('may use the names of version 0.1', () => {
    const today = TEXT.replace(/"lr"/g, '"learningRate"');
    const before = TEXT.replace('"conditions"', '"contenders"');
    expect(parseExperiment(before, 'two.json')).toEqual(parseExperiment(today, 'two.json'));
  });

  it.each([
    ['"name": "two"', '"name": "../two"', 'two.json:3'],
    ['"epochs": 2', '"epochs": [2]', 'two.json:4'],
    ['"conditions"', '"contestants"', 'two.json:5'],
    ['[1, 2]', '[]', 'two.json:6'],
    ['"seed"', '"seeds"', 'two.json:6'],
    ['[["random rules", "none"]]', '[["random", "none"]]', 'two.json:7'],
    ['[["random rules", "none"]]', '[["none"]]', 'two.json:7'],
    ['"range": [', '"range": 5, "range": [', 'two.json:8'],
    ['"range": [', '"range": 5 [', 'two.json:8'],
    ['"lr": 5e-4 }', '"lr": 5e-4, "lr": 1 }', 'two.json:4'],
    ['"name": "two"', '"name": ".."', 'two.json:3: "name" is ".."; expected the name of a folder'],
    ['"name": "two"', '"name": "."', 'two.json:3: "name" is "."'],
    ['"name": "two"', '"name": "Con.x"', 'two.json:3: "name" is "Con.x"'],
    ['"name": "two"', '"name": ""', 'two.json:3: "name" is ""'],
    ['"name": "two"', `"name": "${'n'.repeat(300)}"`, 'two.json:3'],
    ['"name": "two"', '"name": "a\\u0000b"', 'two.json:3'],
    ['"name": "two"', '"name": 5', 'two.json:3: "name" is 5; expected text'],
    ['"lr": 5e-4', '"lr": 1e999', 'two.json:4: "settings.lr" is Infinity; expected a positive number'],
    ['"lr": 5e-4', '"lr": null', 'two.json:4: "settings.lr" is null'],
    ['"lr": 5e-4', '"__proto__": 1', 'two.json:4: the name "__proto__"'],
    ['"conditions": {', '"conditions": {}, "x": {', 'two.json:5: unknown field "x"'],
    ['[1, 2]', '[1, 1]', 'two.json:6: seed 1 a second time'],
    [
      '"seed"',
      '"adapter": ["gpu"],\n"seed"',
      'two.json:6: an adapter for points of the grid; expected one adapter for all runs',
    ],
    [
      '"random rules": {',
      '"embedded": {\n"adapter": "embedded" }, "random rules": {',
      'two.json:6: an adapter for one condition; expected one adapter for all runs',
    ],
    ['[1, 2]', '[-1]', 'two.json:6: "grid.seed[0]" is -1; expected a whole number'],
    ['[1, 2]', '[1.5]', 'two.json:6: "grid.seed[0]" is 1.5; expected a whole number'],
    ['[1, 2]', '["1"]', 'two.json:6: "grid.seed[0]" is "1"; expected a whole number'],
    ['[1, 2]', 'null', 'two.json:6: "grid.seed" is null; expected a list'],
    [
      '"maxLength"',
      '"lr"',
      'two.json:5: "learningRate" of a condition, and of the grid; expected one of both',
    ],
    ['[["random rules", "none"]]', '[{ "a": 1 }]', 'two.json:7: '],
    [
      '"comparisons"',
      '"leastSeeds": 9, "comparisons"',
      'two.json:7: "leastSeeds" is 9; expected a whole number of seeds, 10 at',
    ],
    ['"comparisons"', '"leastSeeds": 10, "comparisons"', 'two.json:7: 10 seeds of 2; expected 2 at most'],
    ...[
      [
        '"confirmatory": ["loss"]',
        '"comparisons[0].confirmatory[0]" is "loss"; expected one of: accuracy, steps',
      ],
      ['"confirmatory": ["accuracy", "accuracy"]', 'a measure a second time'],
      ['"confirmatory": ["steps"]', 'steps are compared without a threshold; expected "until"'],
      ['"margin": 0.01', 'a margin of an exploratory comparison; expected "confirmatory": ["accuracy"]'],
      [
        '"confirmatory": ["accuracy"], "margin": 0',
        '"comparisons[0].margin" is 0; expected an accuracy above 0',
      ],
    ].map(([field, where]) => [
      '[["random rules", "none"]]',
      `[{ "treatment": "none", "baseline": "random rules", ${field} }]`,
      `two.json:7: ${where}`,
    ]),
    ['[["random rules", "none"]]', '[["none", {}]]', 'two.json:7: "comparisons[0][1]" is {}'],
    ['[["random rules", "none"]]', '[["random rules", "none"], ["none", "random rules"]]', 'a second time'],
    ['"random rules": {', '"NONE": {', 'two.json:5: conditions "none" and "NONE" share the file "NONE_max'],
    ['"random rules": {', '"α": {}, "β": {', 'two.json:5: conditions "α" and "β" share the file "-_'],
    [
      '"random rules": {',
      '"lr high": {}, "lr-high": {',
      'two.json:5: conditions "lr high" and "lr-high" share',
    ],
    ['"random rules": {', '"a/b": {}, "a\\\\b": {', 'share the file "a-b_maxLength=64_seed=1"'],
    ['"random rules": {', `"${'x'.repeat(300)}": {`, 'a file name of 320 characters; expected 200 at most'],
    ['"random rules": {', '" ": {', 'two.json:5: a condition without a name'],
    [
      '"maxLength": [64, 128]',
      '"vocab": ["a b", "a-b"]',
      'two.json:6: two runs of "none" share the file "none_vocab=a-b_seed=1"',
    ],
    ['"lr": 5e-4', '"lr": 5e-4, "learningRate": 1', 'two.json:4: "settings" is'],
    [
      '"lr": 5e-4',
      '"lr": 5e-4, "batch": 0',
      'two.json:4: "settings.batch" is 0; expected a whole number from 1 to 65536',
    ],
    ['"lr": 5e-4', '"init": "x", "heads": 4', 'two.json:5: --heads beside --init'],
    [
      '"rules": "random"',
      '"rules": "pruned:none"',
      'two.json:5: rules pruned from "none"; expected a condition',
    ],
    [
      '"conditions"',
      '"contenders": { "a": {} }, "conditions"',
      'two.json:5: "contenders", the former name of "conditions"',
    ],
    ['"range"', `"description": ${'['.repeat(20_000)}`, 'two.json:8: more than 100 objects and lists'],
  ])('with %s written as %s is refused with its line', (right, wrong, where) => {
    const parse = () => parseExperiment(TEXT.replace(right, wrong), 'two.json');
    expect(parse).toThrow(CallerError);
    expect(parse).toThrow(where);
  });
});

describe('the grid of an experiment', () => {
  it('may have a hundred thousand runs, not a million', () => {
    const seeds = JSON.stringify(Array.from({ length: 100_000 }, (_, seed) => seed));
    expect(() => parseExperiment(TEXT.replace('[1, 2]', seeds), 'two.json')).toThrow(
      'two.json:6: 400000 runs; expected 100000 at most',
    );
  });
});

describe('the cells of an experiment', () => {
  const experiment = parseExperiment(TEXT, 'two.json');
  const cells = cellsOf(experiment);

  it('are every condition at every point, the first seed first', () => {
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

  it('have the condition’s settings over the experiment’s, and the point’s over both', () => {
    expect(cells[1].settings).toEqual({
      data: 'embedded',
      epochs: 2,
      learningRate: 1e-3,
      strategy: 'hard',
      rules: 'random',
      seed: 1,
      maxLength: 64,
    });
  });

  it('are identified by their settings, in any order, and not by the location of the data', () => {
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
