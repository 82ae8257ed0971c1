import { type Drawn, type Look, MARKERS } from '../../src/report/page/plot-frame.js';
import type { AttentionReport } from '../attention-bench.js';
import type { AttentionRow } from '../attention-row.js';
import type { Pass } from '../attention-settings.js';
import { isImpossible } from '../plausibility.js';
import { strategyName } from '../tables.js';

interface Kind {
  name: string;
  /** Controls, which are only for comparison, are dashed. */
  dashes: string;
  meaning: string;
}

const KINDS: readonly Kind[] = [
  { name: 'none', dashes: 'none', meaning: 'dense attention, the baseline: every pair of tokens' },
  { name: 'hard', dashes: 'none', meaning: 'only the pairs that the hard grammar rules allow' },
  { name: 'soft', dashes: 'none', meaning: 'every pair, with a bonus on those that a soft rule prefers' },
  { name: 'guided', dashes: 'none', meaning: 'the pairs of hard and soft rules, with the bonus on the soft' },
  { name: 'hard-unsorted', dashes: '5 3', meaning: 'control: hard, with the tokens in reading order' },
  {
    name: 'hard-blocks',
    dashes: '1 4',
    meaning: 'control: hard, skipping empty 32x32 blocks in reading order',
  },
  {
    name: 'hard-random',
    dashes: '7 3 1 3',
    meaning: 'control: hard, with random rules that allow the same number of pairs',
  },
  {
    name: 'learned',
    dashes: 'none',
    meaning: 'every pair, with a learned bonus for each head and pair of tags',
  },
];

/** The meaning of a strategy, for readers who do not know the paper. */
export function meaningOf(strategy: string): string {
  return KINDS.find(({ name }) => name === strategy)?.meaning ?? '';
}

/** Whether a strategy is only there for comparison. */
export function isControl(strategy: string): boolean {
  return meaningOf(strategy).startsWith('control');
}

/** One line of a plot: a strategy and a rule set over all lengths. */
export interface Series extends Drawn {
  strategy: string;
}

interface SeriesRow {
  row: AttentionRow;
  series: Series;
}

/** The rows of one shape, of all passes. */
export interface Shape {
  title: string;
  heads: number;
  headDim: number;
  text: AttentionRow['text'];
  rows: SeriesRow[];
}

/** Groups rows by shape, documents first, and assigns each row a series. */
export function shapesOf({ rows, settings }: AttentionReport): Shape[] {
  const series = new Map<string, Series>();
  const shapes = new Map<string, Shape>();
  const taken = new Set<string>();
  const byText = [...rows].sort((a, b) => a.text.localeCompare(b.text));
  for (const row of byText) {
    const { heads, headDim, text, pass, length, strategy } = row;
    const key = `${heads} heads of ${headDim}, ${text === 'document' ? 'documents' : 'single sentences'}`;
    const shape = shapes.get(key) ?? { title: key, heads, headDim, text, rows: [] };
    shapes.set(key, shape);
    const baseName = strategy === 'none' ? 'none (dense)' : strategyName(row, settings.rules);
    // Random rules have the same name for every rule set.
    let name = baseName;
    const isTaken = () => taken.has(JSON.stringify([key, pass, length, name]));
    for (let copy = 2; isTaken(); copy++) name = `${baseName} (${copy})`;
    taken.add(JSON.stringify([key, pass, length, name]));
    const ofRow = series.get(name) ?? { name, strategy, look: lookOf(strategy, series.values()) };
    series.set(name, ofRow);
    shape.rows.push({ row, series: ofRow });
  }
  return [...shapes.values()];
}

function lookOf(strategy: string, earlier: Iterable<Series>): Look {
  const found = KINDS.findIndex(({ name }) => name === strategy);
  const kind = found < 0 ? KINDS.length - 1 : found;
  const siblings = [...earlier].filter((other) => other.strategy === strategy).length;
  // A strategy has one colour under all rule sets. Markers distinguish the rule sets.
  return {
    colour: `var(--series-${kind})`,
    marker: MARKERS[(kind + 3 * siblings) % MARKERS.length],
    dashes: KINDS[kind].dashes,
  };
}

export function passesOf(rows: readonly SeriesRow[]): Pass[] {
  return [...new Set(rows.map(({ row }) => row.pass))];
}

export function lengthsOf(rows: readonly SeriesRow[]): number[] {
  return [...new Set(rows.map(({ row }) => row.length))].sort((a, b) => a - b);
}

/** Groups the rows of a pass by series, in the order in which they were measured. The rows of a series are sorted by length. */
export function bySeries<Row extends AttentionRow>(
  rows: readonly { row: Row; series: Series }[],
): { series: Series; rows: Row[] }[] {
  const grouped = new Map<Series, Row[]>();
  for (const { row, series } of rows) grouped.set(series, [...(grouped.get(series) ?? []), row]);
  return [...grouped].map(([series, ofSeries]) => ({
    series,
    rows: ofSeries.sort((a, b) => a.length - b.length),
  }));
}

/** The strategies for users, the preferred one of headlines first. */
const HEADLINE_STRATEGIES = ['hard', 'guided', 'soft'];

/** The row of the titles of a pass: the sparsest strategy for users at the longest length. */
export function mainRow<Row extends AttentionRow>(rows: readonly Row[], pass: Pass): Row | undefined {
  const ofPass = rows.filter(
    (row) => row.pass === pass && HEADLINE_STRATEGIES.includes(row.strategy) && !isImpossible(row),
  );
  const longest = Math.max(...ofPass.map(({ length }) => length));
  const rank = ({ strategy }: Row) => HEADLINE_STRATEGIES.indexOf(strategy);
  return ofPass.filter(({ length }) => length === longest).sort((a, b) => rank(a) - rank(b))[0];
}

/** A row with a speed-up: its gate was green. */
export type ShownRow = AttentionRow & {
  ratioToDense: number;
  ratioLow: number;
  ratioHigh: number;
  realisedSpeedup: number;
  realisedFraction: number;
  executedGflops: number;
};

export function isShown(row: AttentionRow): row is ShownRow {
  return row.ratioToDense !== null;
}

export type Verdict = 'faster' | 'slower' | 'unclear' | 'impossible';

/** What the 99 % interval shows. */
export function verdictOf(row: ShownRow): Verdict {
  const { ratioLow, ratioHigh } = row;
  if (isImpossible(row)) return 'impossible';
  if (ratioHigh < 1) return 'faster';
  return ratioLow > 1 ? 'slower' : 'unclear';
}
