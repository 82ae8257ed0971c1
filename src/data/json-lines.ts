import { CallerError } from '../base/errors.js';
import { withLineFeeds } from '../base/line-ends.js';
import type { Table, TableRow } from './table.js';

/** The object of a line. */
function objectOf(line: string, where: string): object {
  let value: unknown;
  let problem = 'not a JSON object';
  try {
    value = JSON.parse(line);
  } catch (error) {
    problem = `not JSON (${(error as Error).message})`;
  }
  if (value && typeof value === 'object' && !Array.isArray(value)) return value;
  throw new CallerError({ what: problem, where, expected: 'an object in each line' });
}

/**
 * Parses a file with a JSON object per line. The columns are the names in all objects. Blank lines are skipped.
 * @throws CallerError with file and line where a line is not an object.
 */
export function parseJsonLines(text: string, file: string): Table {
  const columns = new Map<string, number>();
  const rows: TableRow[] = [];
  const lines = withLineFeeds(text.replace(/^\ufeff/, '')).split('\n');
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const cells: unknown[] = [];
    for (const [name, value] of Object.entries(objectOf(line, `${file}:${index + 1}`))) {
      if (!columns.has(name)) columns.set(name, columns.size);
      cells[columns.get(name)!] = value;
    }
    rows.push({ number: index + 1, cells });
  }
  return { file, columns: [...columns.keys()], rows, counts: 'lines' };
}
