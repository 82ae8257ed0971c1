import * as v from 'valibot';
import { checkArgument, string } from '../../base/argument-schemas.js';
import { describeJson } from '../../base/errors.js';
import { isObject, listOf, oneOf, onlyFields, recordOf, text } from '../../base/json-schemas.js';
import { JsonText } from '../../base/json-text.js';
import { fileSettings, gridSettings } from '../settings-schema.js';
import { cellsOf, conflictInCell, type Experiment, LONGEST_ID, MEASURES, MOST_CELLS } from './experiment.js';
import { LEAST_SEEDS } from './verdict.js';

const PAIR_EXPECTED = 'the names of two conditions';
const pair = v.pipe(
  v.array(v.string(PAIR_EXPECTED), PAIR_EXPECTED),
  v.length(2, PAIR_EXPECTED),
  v.transform((names) => names as [string, string]),
);

const MARGIN_EXPECTED = 'an accuracy above 0 and below 1';
const SEEDS_EXPECTED = `a whole number of seeds, ${LEAST_SEEDS} at least`;
const leastSeeds = v.pipe(
  v.number(SEEDS_EXPECTED),
  v.check((seeds) => Number.isInteger(seeds) && seeds >= LEAST_SEEDS, SEEDS_EXPECTED),
);

const comparisonFields = onlyFields({
  treatment: text,
  baseline: text,
  confirmatory: v.optional(listOf(oneOf(MEASURES)), []),
  margin: v.optional(
    v.pipe(
      v.number(MARGIN_EXPECTED),
      v.check((margin) => margin > 0 && margin < 1, MARGIN_EXPECTED),
    ),
  ),
});

/** Two names, or an object that says more about the comparison. */
const comparison = v.lazy((input) =>
  isObject(input)
    ? comparisonFields
    : v.pipe(
        pair,
        v.transform(([treatment, baseline]) => ({ treatment, baseline, confirmatory: [] })),
      ),
);

/** The name of a folder of results: it must be valid on every system, and inside the folder of all results. */
const NAME = /^(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9_][\w.-]{0,98}(?<!\.)$/i;

const conditions = v.pipe(
  recordOf(fileSettings),
  v.minEntries(1, '"conditions": { "none": { "strategy": "none" }, … }'),
);

const EXPERIMENT = onlyFields({
  name: v.pipe(
    text,
    v.regex(
      NAME,
      'the name of a folder: at most 99 letters, digits, dots, dashes, with no dot first or last',
    ),
  ),
  description: v.optional(text, ''),
  settings: v.optional(fileSettings, {}),
  conditions: v.optional(conditions),
  /** What version 0.1 called `conditions`. */
  contenders: v.optional(conditions),
  grid: gridSettings,
  leastSeeds: v.optional(leastSeeds),
  comparisons: v.optional(listOf(comparison), []),
  range: v.optional(pair),
});

/** The index of the first repeated value of a list; -1 where none is repeated. */
function repetitionIn(values: readonly unknown[]): number {
  const seen = new Set<unknown>();
  return values.findIndex((value) => seen.size === seen.add(value).size);
}

type Path = readonly (string | number)[];

/** Checks that the parts of an experiment agree with each other, which a schema cannot. */
class ExperimentChecker {
  constructor(
    private readonly json: JsonText,
    private readonly experiment: Experiment,
    /** What the file calls its conditions. */
    private readonly key: 'conditions' | 'contenders',
  ) {}

  check(): void {
    this.checkAxes();
    this.checkConditions();
    this.checkCells();
    this.checkPairs();
  }

  private refuse(path: Path, what: string, expected: string, remedy?: string): never {
    throw this.json.errorAt(path, { what, expected, remedy });
  }

  private checkAxes(): void {
    const { grid, leastSeeds = 0 } = this.experiment;
    if (!Object.hasOwn(grid, 'seed')) this.refuse(['grid'], 'no seeds', '"grid": { "seed": [1, 2, 3] }');
    const seeds = grid.seed.length;
    if (leastSeeds > seeds)
      this.refuse(['leastSeeds'], `${leastSeeds} seeds of ${seeds}`, `${seeds} at most, those of the grid`);
    const conditions = Object.keys(this.experiment.conditions).length;
    const cells = Object.values(grid).reduce((product, { length }) => product * length, conditions);
    if (cells > MOST_CELLS) this.refuse(['grid'], `${cells} runs`, `${MOST_CELLS} at most`);
    this.refuseAdapter(['grid'], grid);
    for (const [axis, values] of Object.entries(grid)) {
      const repeated = repetitionIn(values);
      if (repeated >= 0)
        this.refuse(
          ['grid', axis, repeated],
          `${axis} ${describeJson(values[repeated])} a second time`,
          'each value once',
        );
    }
  }

  private checkConditions(): void {
    const { conditions, grid } = this.experiment;
    for (const [name, settings] of Object.entries(conditions)) {
      const path = [this.key, name];
      if (name.trim() === '') this.refuse(path, 'a condition without a name', 'a name');
      this.refuseAdapter(path, settings);
      const axis = Object.keys(settings).find((setting) => Object.hasOwn(grid, setting));
      if (axis !== undefined) {
        const expected = 'one of both: the grid would overrule it';
        this.refuse([...path, axis], `"${axis}" of a condition, and of the grid`, expected);
      }
    }
  }

  /** All runs share one device. */
  private refuseAdapter(path: Path, settings: object): void {
    if (!Object.hasOwn(settings, 'adapter')) return;
    const what = `an adapter for ${path[0] === 'grid' ? 'points of the grid' : 'one condition'}`;
    this.refuse([...path, 'adapter'], what, 'one adapter for all runs, in "settings" or with --adapter');
  }

  private checkPairs(): void {
    const { comparisons, range } = this.experiment;
    const seen = new Set<string>();
    for (const [at, comparison] of comparisons.entries()) {
      const path = ['comparisons', at];
      const { treatment, baseline, confirmatory, margin } = comparison;
      const two = [treatment, baseline] as const;
      this.checkPair(path, two);
      const both = JSON.stringify([...two].sort());
      if (seen.has(both)) this.refuse(path, `${describeJson(two)} a second time`, 'each pair once');
      seen.add(both);
      if (repetitionIn(confirmatory) >= 0) this.refuse(path, 'a measure a second time', 'each measure once');
      if (margin !== undefined && !confirmatory.includes('accuracy'))
        this.refuse(path, 'a margin of an exploratory comparison', '"confirmatory": ["accuracy"] beside it');
      if (confirmatory.includes('steps')) this.checkThreshold(path, two);
    }
    if (range) this.checkPair(['range'], range);
  }

  private checkPair(path: Path, two: readonly [string, string]): void {
    const names = Object.keys(this.experiment.conditions);
    const unknown = two.findIndex((name) => !names.includes(name));
    const expected = `two of: ${names.join(', ')}`;
    if (unknown >= 0) this.refuse([...path, unknown], `no condition ${describeJson(two[unknown])}`, expected);
  }

  private checkThreshold(path: Path, two: readonly [string, string]): void {
    const { settings, conditions, grid } = this.experiment;
    if (two.every((name) => 'until' in { ...settings, ...conditions[name], ...grid })) return;
    this.refuse(path, 'steps are compared without a threshold', '"until" among the settings of both');
  }

  /** Runs and results have files of these names. Some file systems treat A and a as the same. */
  private checkCells(): void {
    const seen = new Map<string, string>();
    const remedy = 'rename one: letters from a to z, digits, and . _ - @ = tell names apart';
    for (const cell of cellsOf(this.experiment)) {
      const { id, condition } = cell;
      const path = [this.key, condition];
      const conflict = conflictInCell(cell, this.experiment);
      if (conflict) throw this.json.errorAt([...path, 'rules'], conflict);
      if (id.length > LONGEST_ID) {
        const what = `condition ${describeJson(condition)} makes a file name of ${id.length} characters`;
        this.refuse(path, what, `${LONGEST_ID} at most`, 'shorten it, or the values of the grid');
      }
      const other = seen.get(id.toLowerCase());
      if (other === condition)
        this.refuse(
          ['grid'],
          `two runs of ${describeJson(condition)} share the file "${id}"`,
          'other values',
          remedy,
        );
      if (other !== undefined) {
        const what = `conditions ${describeJson(other)} and ${describeJson(condition)} share the file "${id}"`;
        this.refuse(path, what, 'different names', remedy);
      }
      seen.set(id.toLowerCase(), condition);
    }
  }
}

/**
 * Parses an experiment's file:
 *
 *     { "name": "paper", "settings": { "data": "sst2", "epochs": 3 },
 *       "conditions": { "none": { "strategy": "none" }, "hard": { "strategy": "hard" } },
 *       "grid": { "seed": [1, 2, 3] }, "comparisons": [["hard", "none"]], "range": ["floor", "none"] }
 *
 * A comparison that gets a verdict is an object, such as
 * `{ "treatment": "hard", "baseline": "none", "confirmatory": ["accuracy", "steps"], "margin": 0.01 }`.
 *
 * @throws CallerError with file and line where it is not an experiment, or two of its runs would share a file.
 */
export function parseExperiment(text: string, file: string): Experiment {
  checkArgument(string, text, 'text');
  checkArgument(string, file, 'file');
  const json = new JsonText(text, file, { expected: 'an experiment with "conditions" and "grid"' }, true);
  const { conditions: named, contenders, ...written } = json.checked(EXPERIMENT);
  const conditions = named ?? contenders;
  if (!conditions || (named && contenders)) {
    const what = conditions ? '"contenders", the former name of "conditions", beside it' : 'no "conditions"';
    throw json.errorAt(['contenders'], {
      what,
      expected: '"conditions": { "none": { "strategy": "none" }, … }',
    });
  }
  const experiment = { ...written, conditions, file } as Experiment;
  new ExperimentChecker(json, experiment, named ? 'conditions' : 'contenders').check();
  return experiment;
}
