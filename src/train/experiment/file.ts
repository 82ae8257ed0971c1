import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { CallerError } from '../../gpu/errors.js';

/** What a run may be told: a flag of `train` by its name in camel case. */
export type Setting = string | number | boolean;
export type Settings = Readonly<Record<string, Setting>>;

/** An experiment as its file writes it. */
export interface Experiment {
  name: string;
  /** What it asks, in a sentence; empty where it does not say. */
  description: string;
  /** Settings of every run. */
  settings: Settings;
  /** The rows of the table: what is compared, by name, and what each sets. */
  contenders: Readonly<Record<string, Settings>>;
  /** Every contender is run at every point of this grid; `seed` is one of its axes. */
  grid: Readonly<Record<string, readonly Setting[]>>;
  /** Pairs of contenders whose difference is tested: [one, against the other]. */
  comparisons: readonly (readonly [string, string])[];
  /** The two contenders that the others are placed between. */
  range?: readonly [floor: string, ceiling: string];
}

const FIELDS = ['name', 'description', 'settings', 'contenders', 'grid', 'comparisons', 'range'];

class ExperimentReader {
  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  read(): Experiment {
    const problems: ParseError[] = [];
    const root = parseTree(this.text, problems, { allowTrailingComma: false });
    if (problems.length > 0 || root?.type !== 'object') {
      const reason = problems[0] ? `not JSON (${printParseErrorCode(problems[0].error)})` : 'no JSON object';
      throw this.error(problems[0]?.offset ?? 0, reason, 'an experiment with "contenders" and "grid"');
    }
    const fields = this.members(root);
    for (const [name, node] of fields) {
      if (!FIELDS.includes(name))
        throw this.error(node.offset, `unknown field "${name}"`, `one of: ${FIELDS.join(', ')}`);
    }
    const contenders = this.contenders(fields.get('contenders') ?? root);
    const known = Object.keys(contenders);
    return {
      name: this.name(fields.get('name') ?? root),
      description: this.description(fields.get('description')),
      settings: fields.has('settings') ? this.settings(fields.get('settings')!) : {},
      contenders,
      grid: this.grid(fields.get('grid') ?? root),
      comparisons: this.list(fields.get('comparisons')).map((pair) => this.pair(pair, known)),
      ...(fields.has('range') && { range: this.pair(fields.get('range')!, known) }),
    };
  }

  private error(offset: number, what: string, expected: string): CallerError {
    const line = this.text.slice(0, offset).split('\n').length;
    return new CallerError({ what, where: `${this.file}:${line}`, expected });
  }

  private members(node: Node): Map<string, Node> {
    const members = new Map<string, Node>();
    for (const { children } of node.children ?? []) {
      const [key, value] = children!;
      if (members.has(key.value))
        throw this.error(key.offset, `"${key.value}" stands here a second time`, 'each name once');
      members.set(key.value, value);
    }
    return members;
  }

  /** Results are kept in a folder of this name. */
  private name(node: Node): string {
    if (node.type === 'string' && /^[\w.-]+$/.test(node.value)) return node.value;
    throw this.error(node.offset, 'no "name"', 'a name of letters, digits, dots and dashes');
  }

  private description(node: Node | undefined): string {
    if (!node) return '';
    if (node.type === 'string') return node.value;
    throw this.error(node.offset, `"description" is a JSON ${node.type}`, 'text');
  }

  private object(node: Node, what: string): Map<string, Node> {
    if (node.type === 'object') return this.members(node);
    throw this.error(node.offset, `${what} is a JSON ${node.type}`, 'an object');
  }

  private settings(node: Node): Settings {
    const members = [...this.object(node, 'what a run is told')];
    return Object.fromEntries(members.map(([name, value]) => [name, this.setting(name, value)]));
  }

  private setting(name: string, node: Node): Setting {
    const value: unknown = getNodeValue(node);
    if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return value;
    throw this.error(node.offset, `"${name}" is a JSON ${node.type}`, 'text, a number, or true or false');
  }

  private contenders(node: Node): Record<string, Settings> {
    const members = node.parent ? [...this.object(node, '"contenders"')] : [];
    if (members.length === 0)
      throw this.error(node.offset, 'no contenders', '"contenders": { "none": { "strategy": "none" }, … }');
    return Object.fromEntries(members.map(([name, value]) => [name, this.settings(value)]));
  }

  private grid(node: Node): Record<string, Setting[]> {
    const members = node.parent ? [...this.object(node, '"grid"')] : [];
    const grid = Object.fromEntries(
      members.map(([name, values]) => [name, this.list(values).map((value) => this.setting(name, value))]),
    );
    const seeds = grid.seed ?? [];
    if (seeds.length > 0 && Object.values(grid).every((values) => values.length > 0)) return grid;
    throw this.error(
      node.offset,
      'an axis of the grid without values, or no seeds',
      '"grid": { "seed": [1, 2, 3] }',
    );
  }

  private list(node: Node | undefined): Node[] {
    if (!node) return [];
    if (node.type === 'array') return node.children ?? [];
    throw this.error(node.offset, `a JSON ${node.type}`, 'a list');
  }

  private pair(node: Node, known: readonly string[]): [string, string] {
    const names: unknown[] = this.list(node).map((name) => getNodeValue(name));
    const isPair = names.length === 2 && names.every((name) => known.includes(String(name)));
    if (isPair) return names as [string, string];
    throw this.error(node.offset, `${JSON.stringify(names)} compared`, `two of: ${known.join(', ')}`);
  }
}

/**
 * Parses an experiment's file:
 *
 *     { "name": "paper", "settings": { "data": "sst2", "epochs": 3 },
 *       "contenders": { "none": { "strategy": "none" }, "hard": { "strategy": "hard" } },
 *       "grid": { "seed": [1, 2, 3] }, "comparisons": [["hard", "none"]], "range": ["floor", "none"] }
 *
 * @throws CallerError with file and line for anything that is no experiment.
 */
export function parseExperiment(text: string, file: string): Experiment {
  return new ExperimentReader(text, file).read();
}
