import { styleText } from 'node:util';
import cliProgress from 'cli-progress';
import Table from 'cli-table3';
import { escapeControls } from '../base/errors.js';
import { jsonText } from '../base/json-text.js';
import { Pace } from './pace.js';

/** A stream that may be a terminal. */
interface Stream {
  isTTY?: boolean;
}

/** Whether a stream may have colours: on a terminal that has them, unless NO_COLOR (no-color.org) is set. */
export function mayColour(stream: Stream, environment: NodeJS.ProcessEnv = process.env): boolean {
  return stream.isTTY === true && !environment.NO_COLOR && environment.TERM !== 'dumb';
}

function coloured(colour: 'green' | 'red', text: string, stream: Stream): string {
  if (text === '' || !mayColour(stream)) return text;
  // mayColour has checked the stream; styleText would check standard output.
  return styleText(colour, text, { validateStream: false });
}

/** Marks a good result in green. The words must say it too: colour is never the only sign. */
export function good(text: string): string {
  return coloured('green', text, process.stdout);
}

/** Marks what a reader must not miss in red. The words must say it too. */
export function bad(text: string, stream: Stream = process.stdout): string {
  return coloured('red', text, stream);
}

/** The escape sequences of our colours. */
const COLOURS = new RegExp(`(${String.fromCharCode(27)}\\[(?:31|32|39)m)`);

/** A line without control characters, which files could use to steer the terminal. */
function harmless(line: string): string {
  const isColoured = mayColour(process.stdout) || mayColour(process.stderr);
  if (!isColoured) return escapeControls(line);
  return line
    .split(COLOURS)
    .map((part, at) => (at % 2 === 1 ? part : escapeControls(part)))
    .join('');
}

function harmlessLines(text: string): string {
  return text.split('\n').map(harmless).join('\n');
}

/** Prints a result as JSON on standard output. */
export function printJson(value: unknown): void {
  // JSON escapes most of what steers a terminal, but not all.
  process.stdout.write(jsonText(value).split('\n').map(escapeControls).join('\n'));
}

export function print(line = ''): void {
  process.stdout.write(`${harmlessLines(line)}\n`);
}

/** Prints progress or a note on standard error. */
export function note(line: string): void {
  process.stderr.write(`${harmlessLines(line)}\n`);
}

/** Prints some notes. */
export function noteAll(lines: readonly string[]): void {
  for (const line of lines) note(line);
}

/** The lines of cli-table3 between cells, all of them empty. */
const NO_BORDERS = [
  ...['top', 'bottom', 'left', 'mid', 'right'],
  ...['top-mid', 'top-left', 'top-right', 'bottom-mid', 'bottom-left', 'bottom-right'],
  ...['left-mid', 'mid-mid', 'right-mid'],
].map((name) => [name, '']);

/** Prints rows under a head; numbers are aligned to the right, and so are columns of them. */
export function printTable(head: readonly string[], rows: readonly (readonly (string | number)[])[]): void {
  const numeric = head.map((_, column) =>
    rows.every((row) => /^[-+]?[\d.,]+( ?[%x]| ms)?$|^–$/.test(`${row[column]}`)),
  );
  const table = new Table({
    head: head.map(harmless),
    chars: { ...Object.fromEntries(NO_BORDERS), middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
    colAligns: numeric.map((right) => (right ? 'right' : 'left')),
  });
  for (const row of rows) table.push(row.map((cell) => harmless(String(cell))));
  print(table.toString().replace(/ +$/gm, ''));
}

/** Progress of a long task: a bar on a terminal, else a plain line now and then, both on standard error. */
export interface ProgressDisplay {
  update(done: number, message: string): void;
  stop(): void;
}

/** Plain lines between the beginning and the end of a task, where there is no terminal. */
const PLAIN_LINES = 20;

/** A task whose progress is shown. */
export interface Task {
  label: string;
  total: number;
  /** What it counts, in the plural. */
  unit: string;
  /** The part that was done before a resume; 0 by default. */
  done?: number;
}

function bar({ label, total, unit, done = 0 }: Task): ProgressDisplay {
  const pace = new Pace(total, unit, done);
  const display = new cliProgress.SingleBar({
    format: `${label} [{bar}] {percentage} % | {value}/{total} | {pace}{message}`,
    hideCursor: true,
    clearOnComplete: true,
    stream: process.stderr,
  });
  display.start(total, done, { pace: '', message: '' });
  return {
    update(now, message) {
      const text = pace.update(now);
      display.update(now, { pace: text && `${text} | `, message });
    },
    stop: () => display.stop(),
  };
}

function lines({ label, total, unit, done = 0 }: Task): ProgressDisplay {
  const pace = new Pace(total, unit, done);
  let next = 0;
  return {
    update(now, message) {
      const text = pace.update(now);
      if (now < next && now < total) return;
      next = now + total / PLAIN_LINES;
      const share = Math.floor((100 * now) / total);
      note(
        [`${label} ${now}/${total} ${unit} (${share} %)`, text, message].filter((part) => part).join(' | '),
      );
    },
    stop() {},
  };
}

/** Shows the progress of a task, with its rate and the time left. */
export function progress(task: Task): ProgressDisplay {
  return process.stderr.isTTY ? bar(task) : lines(task);
}
