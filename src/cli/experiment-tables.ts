import { percent } from '../report/page/numbers.js';
import type { ComparisonRow, ConditionRow, ExperimentTable } from '../train/experiment/result-table.js';
import { type Estimate, LEAST_SEEDS, verdictOf } from '../train/experiment/seed-statistics.js';
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

function conditionTable(rows: readonly ConditionRow[]): TextTable {
  const hasPlace = rows.some(({ place }) => !Number.isNaN(place));
  return {
    head: [
      'condition',
      'pairs',
      'seeds',
      'best dev accuracy',
      '95 % interval',
      'at the end',
      '95 % interval',
      ...(hasPlace ? ['floor 0, full 1'] : []),
    ],
    rows: rows.map(({ condition, density, seeds, best, final, place }) => [
      condition,
      percent(density),
      `${seeds}`,
      plain(best.value),
      interval(best, plain),
      plain(final.value),
      interval(final, plain),
      ...(hasPlace ? [Number.isNaN(place) ? '–' : place.toFixed(2)] : []),
    ]),
  };
}

function comparisonTable(rows: readonly ComparisonRow[]): TextTable {
  return {
    head: ['difference', 'weights', 'seeds', 'accuracy', '95 % interval', 'p', 'p, corrected', ''],
    rows: rows.map((row) => [
      `${row.treatment} - ${row.baseline}`,
      row.checkpoint,
      `${row.seeds}`,
      signed(row.difference.value),
      interval(row.difference, signed),
      probability(row.probability),
      probability(row.corrected),
      verdictOf(row),
    ]),
  };
}

function title({ point, rows }: ExperimentTable): string {
  const place = Object.entries(point).map(([axis, value]) => `${axis} ${value}`);
  return [`${rows.toLocaleString('en')} rows of dev`, ...place].join(', ');
}

function markdown({ head, rows }: TextTable): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}

/** What the columns mean. */
const NOTE = `Intervals are over seeds (Student). p is of a test paired by seed (signs turned), corrected (Holm) for all comparisons of the table; fewer than ${LEAST_SEEDS} seeds are not tested.`;

/** The tables of an experiment as Markdown. */
export function experimentMarkdown(tables: readonly ExperimentTable[]): string {
  return tables.flatMap((table) => [`${title(table)}:`, ...partsOf(table).map(markdown)]).join('\n\n');
}

function partsOf({ conditions, comparisons }: ExperimentTable): TextTable[] {
  return [conditionTable(conditions), comparisonTable(comparisons)].filter(({ rows }) => rows.length > 0);
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
  if (last === 'better') return [...row.slice(0, -1), good(last)];
  return last === 'worse' ? [...row.slice(0, -1), bad(last)] : [...row];
}
