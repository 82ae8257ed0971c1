import { percent } from '../report/page/numbers.js';
import type { ConditionRow, ExperimentTable } from '../train/experiment/result-table.js';
import type { Estimate } from '../train/experiment/seed-statistics.js';
import { type ComparisonRow, LEAST_SEEDS, measureText, verdictOf } from '../train/experiment/verdict.js';
import { bad, good, print, printTable } from './terminal.js';

/** Head and rows of a table, ready to be printed or written into a page. */
interface TextTable {
  head: string[];
  rows: string[][];
}

function signed(value: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(4)}`;
}

function interval({ low, high }: Estimate, text: (value: number) => string): string {
  return Number.isNaN(low) ? '–' : `${text(low)} to ${text(high)}`;
}

function probability(value: number): string {
  return Number.isNaN(value) ? '–' : value.toFixed(4);
}

const plain = (value: number) => value.toFixed(4);
const ratio = (value: number) => `x${Math.exp(value).toFixed(2)}`;

/** The head and the cells of a group of columns. */
type Columns = [head: string[], cells: (row: ConditionRow) => string[]];

function accuracyColumns(name: string, of: (row: ConditionRow) => Estimate): Columns {
  return [[name, '95 % interval'], (row) => [plain(of(row).value), interval(of(row), plain)]];
}

function conditionTable({ conditions, testRows, until }: ExperimentTable): TextTable {
  const hasPlace = conditions.some(({ place: axes }) => !Number.isNaN(axes));
  const hasSteps = conditions.some(({ steps }) => steps);
  const columns: Columns[] = [
    [
      ['condition', 'pairs', 'joined', 'seeds'],
      ({ condition, density, closure, seeds }) => [
        condition,
        percent(density),
        closure === undefined ? '–' : percent(closure),
        `${seeds}`,
      ],
    ],
    ...(testRows === undefined ? [] : [accuracyColumns('test accuracy', ({ test }) => test!)]),
    accuracyColumns('best dev accuracy', ({ best }) => best),
    accuracyColumns('at the end', ({ final }) => final),
    ...(hasSteps
      ? [[[`median steps to ${until ?? 'the threshold'}`, 'reached it'], stepCells] as Columns]
      : []),
    ...(hasPlace
      ? [[['floor 0, full 1'], ({ place }) => [Number.isNaN(place) ? '–' : place.toFixed(2)]] as Columns]
      : []),
  ];
  return {
    head: columns.flatMap(([head]) => head),
    rows: conditions.map((row) => columns.flatMap(([, cells]) => cells(row))),
  };
}

function stepCells({ steps, seeds }: ConditionRow): string[] {
  if (!steps) return ['–', '–'];
  const { median, limit, reached } = steps;
  return [Number.isFinite(median) ? `${median}` : `> ${limit}`, `${reached} of ${seeds}`];
}

function comparisonTable({ comparisons, until }: ExperimentTable): TextTable {
  const size = ({ measured }: ComparisonRow) => (measured === 'steps' ? ratio : signed);
  return {
    head: ['difference', 'of', 'seeds', '', '95 % interval', 'p (t)', 'p (signs)', 'p, corrected', ''],
    rows: comparisons.map((row) => [
      `${row.treatment} - ${row.baseline}`,
      measureText(row, until),
      `${row.seeds}`,
      size(row)(row.difference.value),
      interval(row.difference, size(row)),
      probability(row.student),
      probability(row.signFlip),
      probability(row.corrected),
      verdictOf(row),
    ]),
  };
}

function title({ point, rows, testRows }: ExperimentTable): string {
  const place = Object.entries(point).map(([axis, value]) => `${axis} ${value}`);
  const ofTest = testRows === undefined ? [] : [`${testRows.toLocaleString('en')} of test`];
  return [`${rows.toLocaleString('en')} rows of dev`, ...ofTest, ...place].join(', ');
}

function markdown({ head, rows }: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the columns mean. */
const NOTE = `Pairs: the share that exists; joined: the share that the layers join, also through other tokens. The unit is the seed. Intervals are Student's; p is of a paired t test and of a sign-flip test. Only comparisons that the experiment's file marks as confirmatory get a verdict, with all of its seeds and at least ${LEAST_SEEDS}: by the larger p, corrected (Holm) for all of them. Steps of runs that end before the threshold count as those of the whole run; ratios are of geometric means.`;

/** The tables of an experiment as Markdown. */
export function experimentMarkdown(tables: readonly ExperimentTable[]): string {
  return tables.flatMap((table) => [`${title(table)}:`, ...partsOf(table).map(markdown)]).join('\n\n');
}

function partsOf(table: ExperimentTable): TextTable[] {
  return [conditionTable(table), comparisonTable(table)].filter(({ rows }) => rows.length > 0);
}

/** Prints the tables of an experiment. */
export function printExperiment(tables: readonly ExperimentTable[]): void {
  for (const table of tables) {
    print(`\n${title(table)}`);
    for (const { head, rows } of partsOf(table)) {
      printTable(head, rows.map(withColour));
      print();
    }
  }
  print(NOTE);
}

/** Verdicts come last. */
function withColour(row: readonly string[]): string[] {
  const last = row[row.length - 1];
  if (/^(better|faster)/.test(last)) return [...row.slice(0, -1), good(last)];
  return /^(worse|slower)/.test(last) ? [...row.slice(0, -1), bad(last)] : [...row];
}
