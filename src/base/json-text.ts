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

/** Objects and lists in each other. No file of ours has more than ten; parsers that recurse overflow at thousands. */
const DEEPEST = 100;

/** Names that JavaScript's objects take for their own, so that a file's value under one would be lost. */
const RESERVED = ['__proto__', 'constructor', 'prototype'];

/** The place where a text nests objects and lists too deep; undefined where it nowhere does. */
function tooDeepAt(text: string): number | undefined {
  return findInJson(text, ({ depth }) => depth > DEEPEST)?.offset;
}

/** A schema of any kind. */
type Schema = v.GenericSchema<unknown, unknown>;

/** A path as one writes it: `rows[3].medianMs`. */
function pathText(keys: readonly unknown[]): string {
  return keys.reduce<string>((path, key) => {
    if (typeof key === 'number') return `${path}[${key}]`;
    return path === '' ? `${key}` : `${path}.${key}`;
  }, '');
}

function isUnknownField(issue: v.BaseIssue<unknown>): boolean {
  return issue.expected === 'never';
}

/** What a schema found, as the parts of an error: its messages say what was expected. */
function complaintOf(issue: v.BaseIssue<unknown>, expected: string): ErrorParts {
  const path = pathText((issue.path ?? []).map(({ key }) => key));
  if (path === '') return { what: describeJson(issue.input), expected };
  if (isUnknownField(issue)) return { what: `unknown field "${path}"`, expected: issue.message };
  if (issue.input === undefined) return { what: `no "${path}"`, expected };
  return { what: `"${path}" is ${describeJson(issue.input)}`, expected: issue.message };
}

/** What an error says of a file as a whole. */
export interface AboutJson {
  /** What the file should be. */
  expected: string;
  remedy?: string;
}

/**
 * The value of a line, or another short text, that is JSON and holds to a schema, whose messages say what is expected.
 * @throws CallerError where it is not.
 */
export function checkedJson<S extends Schema>(
  schema: S,
  text: string,
  where: string,
  { expected, remedy }: AboutJson,
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

/** A JSON file's text, parsed so that every complaint can name a line. */
export class JsonText {
  readonly root: Node;

  /**
   * @param comments Whether comments may stand in it: people write such files by hand.
   * @throws CallerError where the text is not JSON, nests too deep, or has a name twice in one object.
   */
  constructor(
    private readonly text: string,
    private readonly file: string,
    private readonly about: AboutJson,
    comments = false,
  ) {
    const deep = tooDeepAt(text);
    if (deep !== undefined) {
      const what = `more than ${DEEPEST} objects and lists in each other`;
      throw this.error(deep, { what, ...about });
    }
    const problems: ParseError[] = [];
    const root = parseTree(text, problems, { allowTrailingComma: false, disallowComments: !comments });
    const [problem] = problems;
    if (!root || problem) {
      const reason = problem ? printParseErrorCode(problem.error) : 'nothing in it';
      throw this.error(problem?.offset ?? 0, { what: `not JSON (${reason})`, ...about });
    }
    this.root = root;
    const twice = findInJson(text, ({ isRepeated }) => isRepeated === true);
    if (twice) {
      const what = `${describeJson(twice.name)} is here a second time`;
      throw this.error(twice.offset, { what, remedy: 'remove one' });
    }
  }

  /** An error that names the line of a place in the text. */
  error(offset: number, parts: ErrorParts): CallerError {
    const line = this.text.slice(0, offset).split('\n').length;
    return new CallerError({ ...parts, where: `${this.file}:${line}` });
  }

  /** An error that names the line of what stands at a path, or of what would hold it. */
  errorAt(path: readonly (string | number)[], parts: ErrorParts): CallerError {
    for (let length = path.length; length > 0; length--) {
      const node = findNodeAtLocation(this.root, path.slice(0, length));
      if (node) return this.error(node.offset, parts);
    }
    return this.error(this.root.offset, parts);
  }

  /**
   * The value of the whole text, which holds to a schema, whose messages say what is expected.
   * @throws CallerError with the line where it does not.
   */
  checked<S extends Schema>(schema: S): v.InferOutput<S> {
    const { expected, remedy } = this.about;
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
