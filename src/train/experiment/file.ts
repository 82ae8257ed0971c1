import * as v from 'valibot';
import { shownValue } from '../../base/errors.js';
import { finite, flag, listOf, onlyFields, recordOf, text } from '../../base/json-schemas.js';
import { JsonText } from '../../base/json-text.js';
import { cellsOf, LONGEST_ID, MOST_CELLS } from './cells.js';
import type { Experiment } from './experiment-types.js';

export const setting = v.union([text, finite, flag], 'text, a finite number, or true or false');

const PAIR_EXPECTED = 'the names of two contenders';
const pair = v.pipe(
  v.array(v.string(PAIR_EXPECTED), PAIR_EXPECTED),
  v.length(2, PAIR_EXPECTED),
  v.transform((names) => names as [string, string]),
);

/** Results are kept in a folder of this name: it must be one on every system, and below the folder that was asked for. */
const NAME = /^(?!(con|prn|aux|nul|com\d|lpt\d)(\.|$))[a-z0-9_][\w.-]{0,98}(?<!\.)$/i;

const settings = recordOf(setting);

const EXPERIMENT = onlyFields({
  name: v.pipe(
    text,
    v.regex(
      NAME,
      'the name of a folder: at most 99 letters, digits, dots, dashes, with no dot first or last',
    ),
  ),
  description: v.optional(text, ''),
  settings: v.optional(settings, {}),
  contenders: v.pipe(
    recordOf(settings),
    v.minEntries(1, '"contenders": { "none": { "strategy": "none" }, … }'),
  ),
  grid: recordOf(v.pipe(listOf(setting), v.minLength(1, 'a list of at least one value'))),
  comparisons: v.optional(listOf(pair), []),
  range: v.optional(pair),
});

/** The place of the first value that stood in a list before; -1 where none did. */
function repetitionIn(values: readonly unknown[]): number {
  const known = new Set<unknown>();
  return values.findIndex((value) => known.size === known.add(value).size);
}

type Path = readonly (string | number)[];

/** Checks what no schema can say: that parts of an experiment agree with each other. */
class ExperimentChecker {
  constructor(
    private readonly json: JsonText,
    private readonly experiment: Experiment,
  ) {}

  check(): void {
    this.checkAxes();
    this.checkContenders();
    this.checkIds();
    this.checkPairs();
  }

  private refuse(path: Path, what: string, expected: string, remedy?: string): never {
    throw this.json.errorAt(path, { what, expected, remedy });
  }

  private checkAxes(): void {
    const { grid } = this.experiment;
    if (!Object.hasOwn(grid, 'seed')) this.refuse(['grid'], 'no seeds', '"grid": { "seed": [1, 2, 3] }');
    const contenders = Object.keys(this.experiment.contenders).length;
    const cells = Object.values(grid).reduce((product, { length }) => product * length, contenders);
    if (cells > MOST_CELLS) this.refuse(['grid'], `${cells} runs`, `${MOST_CELLS} at most`);
    for (const [at, seed] of grid.seed.entries()) {
      const isSeed = Number.isInteger(seed) && (seed as number) >= 0 && (seed as number) < 2 ** 32;
      if (!isSeed)
        this.refuse(['grid', 'seed', at], `seed ${shownValue(seed)}`, 'a whole number from 0 to 2³² - 1');
    }
    for (const [axis, values] of Object.entries(grid)) {
      const twice = repetitionIn(values);
      if (twice >= 0)
        this.refuse(
          ['grid', axis, twice],
          `${axis} ${shownValue(values[twice])} a second time`,
          'each value once',
        );
    }
  }

  private checkContenders(): void {
    const { contenders, grid } = this.experiment;
    for (const [name, own] of Object.entries(contenders)) {
      const path = ['contenders', name];
      if (name.trim() === '') this.refuse(path, 'a contender without a name', 'a name');
      const axis = Object.keys(own).find((setting) => Object.hasOwn(grid, setting));
      if (axis !== undefined) {
        const expected = 'one of both: the grid would overrule it';
        this.refuse([...path, axis], `"${axis}" of a contender, and of the grid`, expected);
      }
    }
  }

  private checkPairs(): void {
    const { comparisons, range, contenders } = this.experiment;
    const names = Object.keys(contenders);
    const checkPair = (path: Path, two: readonly [string, string]) => {
      const unknown = two.findIndex((name) => !names.includes(name));
      const expected = `two of: ${names.join(', ')}`;
      if (unknown >= 0) this.refuse([...path, unknown], `no contender ${shownValue(two[unknown])}`, expected);
    };
    const known = new Set<string>();
    for (const [at, two] of comparisons.entries()) {
      checkPair(['comparisons', at], two);
      const both = JSON.stringify([...two].sort());
      if (known.has(both))
        this.refuse(['comparisons', at], `${shownValue(two)} a second time`, 'each pair once');
      known.add(both);
    }
    if (range) checkPair(['range'], range);
  }

  /** Runs and results have files of these names: some file systems know no difference between A and a. */
  private checkIds(): void {
    const known = new Map<string, string>();
    const remedy = 'rename one: letters from a to z, digits, and . _ - @ = tell names apart';
    for (const { id, contender } of cellsOf(this.experiment)) {
      const path = ['contenders', contender];
      if (id.length > LONGEST_ID) {
        const what = `contender ${shownValue(contender)} makes a file name of ${id.length} characters`;
        this.refuse(path, what, `${LONGEST_ID} at most`, 'shorten it, or what stands in the grid');
      }
      const other = known.get(id.toLowerCase());
      if (other === contender)
        this.refuse(
          ['grid'],
          `two runs of ${shownValue(contender)} share the file "${id}"`,
          'other values',
          remedy,
        );
      if (other !== undefined) {
        const what = `contenders ${shownValue(other)} and ${shownValue(contender)} share the file "${id}"`;
        this.refuse(path, what, 'names of their own', remedy);
      }
      known.set(id.toLowerCase(), contender);
    }
  }
}

/**
 * Parses an experiment's file:
 *
 *     { "name": "paper", "settings": { "data": "sst2", "epochs": 3 },
 *       "contenders": { "none": { "strategy": "none" }, "hard": { "strategy": "hard" } },
 *       "grid": { "seed": [1, 2, 3] }, "comparisons": [["hard", "none"]], "range": ["floor", "none"] }
 *
 * @throws CallerError with file and line for anything that is no experiment, and where two of its runs would share a file.
 */
export function parseExperiment(text: string, file: string): Experiment {
  const json = new JsonText(text, file, { expected: 'an experiment with "contenders" and "grid"' }, true);
  const experiment: Experiment = json.checked(EXPERIMENT);
  new ExperimentChecker(json, experiment).check();
  return experiment;
}
