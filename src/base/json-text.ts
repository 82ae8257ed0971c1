import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser';
import * as v from 'valibot';
import { CallerError, describeJson, type ErrorParts } from './errors.js';
import { findInJson } from './json-scan.js';

/** The deepest nesting of objects and lists. Our files have at most ten levels; recursive parsers overflow at thousands. */
const DEEPEST = 100;

/** Names with a meaning in JavaScript's objects: a file's value under such a name would be lost. */
const RESERVED = ['__proto__', 'constructor', 'prototype'];

/** The offset at which a text nests objects and lists too deeply, or undefined. */
function tooDeepAt(text: string): number | undefined {
  return findInJson(text, ({ depth }) => depth > DEEPEST)?.offset;
}

/** A schema of any kind. */
type Schema = v.GenericSchema<unknown, unknown>;

/** A path as text: `rows[3].medianMs`. */
function pathText(keys: readonly unknown[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? `${key}` : `${path}.${key}`;
  }, '');
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.expected === 'never';
}

/** The parts of an error for an issue that a schema found. */
function complaintOf(issue: v.BaseIssue<unknown>, expected: string): ErrorParts {
  const path = pathText((issue.path ?? []).map(({ key }) => key));
  if (path === '') return { what: describeJson(issue.input), expected };
  if (isUnknownField(issue)) return { what: `unknown field "${path}"`, expected: issue.message };
  if (issue.input === undefined) return { what: `no "${path}"`, expected };
  return { what: `"${path}" is ${describeJson(issue.input)}`, expected: issue.message };
}

/** The parts of an error that are the same for a whole file. */
export interface JsonErrorParts {
  /** What the file should be. */
  expected: string;
  remedy?: string;
}

/**
 * The value of a short JSON text, such as a line, checked by a schema, whose messages say what is expected.
 * @throws CallerError where the text is not JSON or does not match the schema.
 */
export function checkedJson<S extends Schema>(
  schema: S,
  text: string,
  where: string,
  { expected, remedy }: JsonErrorParts,
): v.InferOutput<S> {
  let value: unknown;
  try {
    if (tooDeepAt(text) !== undefined) throw new SyntaxError();
    value = JSON.parse(text);
  } catch {
    throw new CallerError({ what: 'no JSON', where, expected, remedy });
  }
  const { issues, output } = v.safeParse(schema, value, { abortEarly: true });
  if (!issues) return output;
  throw new CallerError({ ...complaintOf(issues[0], expected), where, remedy });
}

/** The parsed text of a JSON file. Its errors name lines. */
export class JsonText {
  readonly root: Node;

  /**
   * @param comments Whether comments are allowed, for files that are written by hand.
   * @throws CallerError where the text is not JSON, nests too deep, or has a name twice in one object.
   */
  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly errorParts: JsonErrorParts,
    comments = false,
  ) {
    const deep = tooDeepAt(text);
    if (deep !== undefined) {
      const what = `more than ${DEEPEST} objects and lists in each other`;
      throw this.error(deep, { what, ...errorParts });
    }
    const problems: ParseError[] = [];
    const root = parseTree(text, problems, { allowTrailingComma: false, disallowComments: !comments });
    const [problem] = problems;
    if (!root || problem) {
      const reason = problem ? printParseErrorCode(problem.error) : 'nothing in it';
      throw this.error(problem?.offset ?? 0, { what: `not JSON (${reason})`, ...errorParts });
    }
    this.root = root;
    const twice = findInJson(text, ({ isRepeated }) => isRepeated === true);
    if (twice) {
      const what = `${describeJson(twice.name)} is here a second time`;
      throw this.error(twice.offset, { what, remedy: 'remove one' });
    }
  }

  /** An error that names the line of an offset in the text. */
  error(offset: number, parts: ErrorParts): CallerError {
    const line = this.text.slice(0, offset).split('\n').length;
    return new CallerError({ ...parts, where: `${this.file}:${line}` });
  }

  /** An error that names the line of the value at a path, or of the nearest existing parent. */
  errorAt(path: readonly (string | number)[], parts: ErrorParts): CallerError {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.root, path.slice(0, length));
      if (node) return this.error(node.offset, parts);
    }
    return this.error(this.root.offset, parts);
  }

  /**
   * The value of the whole text, checked by a schema, whose messages say what is expected.
   * @throws CallerError with the line where the value does not match.
   */
  checked<S extends Schema>(schema: S): v.InferOutput<S> {
    const { expected, remedy } = this.errorParts;
    const reserved = findInJson(this.text, ({ name }) => name !== undefined && RESERVED.includes(name));
    if (reserved) {
      const expected = 'another: JavaScript keeps it for itself';
      throw this.error(reserved.offset, { what: `the name "${reserved.name}"`, expected });
    }
    const { issues, output } = v.safeParse(schema, getNodeValue(this.root));
    if (!issues) return output;
    // A field that is unknown is often a misspelling of one that is missing.
    const issue = issues.find(isUnknownField) ?? issues[0];
    const path = (issue.path ?? []).map(({ key }) => key as string | number);
    throw this.errorAt(path, { ...complaintOf(issue, expected), remedy });
  }
}

/**
 * A value as the text of a JSON file, in which a list of values is one line, and so is each row of a list of objects or lists.
 * Only objects that have rows themselves, such as the parts of a report, are laid out inside of lists.
 */
export function jsonText(value: unknown): string {
  return `${laidOut(JSON.parse(JSON.stringify(value)), '\n')}\n`;
}

function laidOut(value: unknown, newLine: string): string {
  const isList = Array.isArray(value);
  const isPlain = (each: unknown) => each === null || typeof each !== 'object';
  if (isPlain(value) || (isList && value.every(isPlain))) return JSON.stringify(value);
  const inner = `${newLine}  `;
  const lines = isList
    ? value.map((row) => (!isPlain(row) && 'rows' in row ? laidOut(row, inner) : JSON.stringify(row)))
    : Object.entries(value as object).map(
        ([name, each]) => `${JSON.stringify(name)}: ${laidOut(each, inner)}`,
      );
  const [open, close] = isList ? '[]' : '{}';
  return lines.length === 0
    ? `${open}${close}`
    : `${open}${inner}${lines.join(`,${inner}`)}${newLine}${close}`;
}
