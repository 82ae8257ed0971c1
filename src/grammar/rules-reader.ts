import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from 'jsonc-parser';
import { CallerError, type ErrorParts } from '../gpu/errors.js';
import type { ModelRules, RulePairs } from './head-rules.js';
import { DEFAULT_BETA, EVERY_TAG, expandPairs, MOST_TAGS, OWN_TAG, type Tag, type TagPair } from './rules.js';
import { isScope, SCOPE_EXPECTED, type Scope } from './scope.js';
import { PIECE_TAGS } from './tags.js';

const RULE_FIELDS = ['hard', 'soft'];

const FIELDS = ['name', 'tags', 'scope', ...RULE_FIELDS, 'beta', 'heads'];

/** A rule as it is written: its scope is that of the file where it has none of its own. */
interface WrittenRule {
  query: Node;
  key: Node;
  scope?: Node;
}

/** Reads one rules file; it knows the text, so that every complaint can name a line. */
export class RulesReader {
  constructor(
    private readonly text: string,
    private readonly file: string,
  ) {}

  /** @param alone Whether it must be one rule set, for every head of whatever reads it. */
  read(alone: boolean): ModelRules {
    const root = this.root();
    const fields = this.fields(root, FIELDS);
    const heads = fields.get('heads');
    this.checkRulesOf(root, fields, alone);
    const tags = this.tags(fields.get('tags'));
    const scope = fields.has('scope') ? this.scope(fields.get('scope')!) : undefined;
    const shared = { name: this.name(fields.get('name')), tags, beta: this.beta(fields.get('beta')) };
    if (heads) return { ...shared, heads: this.layers(heads, tags, scope) };
    return { ...shared, ...this.rules(fields, tags, scope) };
  }

  private root(): Node {
    const problems: ParseError[] = [];
    const root = parseTree(this.text, problems, { allowTrailingComma: false });
    if (root && problems.length === 0) return root;
    const offset = problems[0]?.offset ?? 0;
    const problem = problems[0] ? printParseErrorCode(problems[0].error) : 'nothing in it';
    throw this.error(offset, {
      what: `not JSON (${problem})`,
      expected: 'an object with "hard" or "soft" rules',
    });
  }

  private error(offset: number, parts: ErrorParts): CallerError {
    const line = this.text.slice(0, offset).split('\n').length;
    return new CallerError({ ...parts, where: `${this.file}:${line}` });
  }

  private fields(object: Node, known: readonly string[]): Map<string, Node> {
    if (object.type !== 'object')
      throw this.error(object.offset, { what: `a JSON ${object.type}`, expected: 'an object' });
    const fields = new Map<string, Node>();
    for (const property of object.children ?? []) {
      const [key, value] = property.children ?? [];
      if (!known.includes(key.value)) {
        throw this.error(key.offset, {
          what: `unknown field "${key.value}"`,
          expected: `one of: ${known.join(', ')}`,
        });
      }
      if (fields.has(key.value))
        throw this.error(key.offset, { what: `"${key.value}" stands here a second time` });
      fields.set(key.value, value);
    }
    return fields;
  }

  /** Rules stand in the object itself, or in its "heads". */
  private checkRulesOf(object: Node, fields: ReadonlyMap<string, Node>, alone: boolean): void {
    const heads = fields.get('heads');
    const own = RULE_FIELDS.map((field) => fields.get(field)).find((node) => node !== undefined);
    if (!own && !heads) {
      throw this.error(object.offset, {
        what: 'no rules',
        expected: 'a field "hard", a field "soft", or both',
      });
    }
    if (heads && alone) {
      throw this.error(heads.offset, {
        what: 'rules for each head',
        expected: 'one rule set for all heads, "hard" and "soft"',
      });
    }
    if (heads && own) {
      throw this.error(own.offset, {
        what: 'rules for all heads beside rules for each',
        expected: '"heads", or "hard" and "soft"',
      });
    }
  }

  private rules(
    fields: ReadonlyMap<string, Node>,
    tags: readonly Tag[],
    scope: Scope | undefined,
  ): RulePairs {
    const hard = this.pairs('hard', fields.get('hard'), tags, scope);
    return { hard, soft: this.pairs('soft', fields.get('soft'), tags, scope) };
  }

  /** Lists of heads, layer by layer. */
  private layers(node: Node, tags: readonly Tag[], scope: Scope | undefined): RulePairs[][] {
    const layers = this.list('heads', node).map((layer) =>
      this.list('heads', layer).map((head) => {
        const fields = this.fields(head, RULE_FIELDS);
        this.checkRulesOf(head, fields, false);
        return this.rules(fields, tags, scope);
      }),
    );
    const uneven = layers.findIndex(({ length }) => length !== layers[0].length);
    if (uneven < 0) return layers;
    throw this.error(node.children![uneven].offset, {
      what: `${layers[uneven].length} heads in layer ${uneven}`,
      expected: `${layers[0].length}, as in layer 0`,
    });
  }

  private list(field: string, node: Node): Node[] {
    if (node.type === 'array' && node.children!.length > 0) return node.children!;
    throw this.error(node.offset, {
      what: node.type === 'array' ? `an empty list in "${field}"` : `a JSON ${node.type} in "${field}"`,
      expected: 'a list of layers, each a list of heads: { "hard": …, "soft": … }',
    });
  }

  private name(node: Node | undefined): string {
    if (!node) return this.file;
    if (node.type !== 'string')
      throw this.error(node.offset, { what: `"name" is a ${node.type}`, expected: 'a string' });
    return node.value;
  }

  private beta(node: Node | undefined): number {
    if (!node) return DEFAULT_BETA;
    if (node.type !== 'number' || !Number.isFinite(node.value)) {
      throw this.error(node.offset, {
        what: `"beta" is ${JSON.stringify(getNodeValue(node))}`,
        expected: 'a number',
      });
    }
    return node.value;
  }

  private tags(node: Node | undefined): readonly Tag[] {
    if (!node) return PIECE_TAGS;
    if (node.type !== 'array')
      throw this.error(node.offset, { what: `"tags" is a ${node.type}`, expected: 'a list' });
    const tags: Tag[] = [];
    for (const item of node.children ?? []) {
      const tag = getNodeValue(item);
      const reserved = tag === EVERY_TAG || tag === OWN_TAG;
      if ((typeof tag !== 'string' || tag === '' || reserved) && !Number.isSafeInteger(tag)) {
        throw this.error(item.offset, {
          what: `${JSON.stringify(tag)} as a tag`,
          expected: 'a name or an integer',
        });
      }
      if (tags.includes(tag))
        throw this.error(item.offset, { what: `tag ${JSON.stringify(tag)} stands here twice` });
      tags.push(tag);
    }
    if (tags.length === 0 || tags.length > MOST_TAGS) {
      throw this.error(node.offset, { what: `${tags.length} tags`, expected: `1 to ${MOST_TAGS}` });
    }
    return tags;
  }

  /** Rules are lists of keys by query tag, or a list of [query, key] pairs, which may name a scope as their third. */
  private pairs(
    field: string,
    node: Node | undefined,
    tags: readonly Tag[],
    fileScope: Scope | undefined,
  ): TagPair[] {
    const pairs = this.written(field, node).map(({ query, key, scope }): TagPair => {
      const tagPair = [
        this.tag(query, tags, [EVERY_TAG]),
        this.tag(key, tags, [EVERY_TAG, OWN_TAG]),
      ] as const;
      const own = scope ? this.scope(scope) : fileScope;
      return own === undefined || own === 'document' ? tagPair : [...tagPair, own];
    });
    return expandPairs(pairs, tags);
  }

  private written(field: string, node: Node | undefined): WrittenRule[] {
    if (!node) return [];
    if (node.type === 'object') {
      return (node.children ?? []).flatMap((property) => {
        const [query, keys] = property.children ?? [];
        if (keys.type !== 'array') {
          throw this.error(keys.offset, {
            what: `the keys of "${query.value}" are a ${keys.type}`,
            expected: 'a list of tags',
          });
        }
        return (keys.children ?? []).map((key) => ({ query, ...this.keyWithScope(key) }));
      });
    }
    if (node.type === 'array') {
      return (node.children ?? []).map((pair) => {
        const [query, key, scope, ...others] = pair.children ?? [];
        if (pair.type !== 'array' || !key || others.length > 0) {
          throw this.error(pair.offset, {
            what: `a rule in "${field}" that is no pair`,
            expected: '[query tag, key tag], with or without a scope as the third',
          });
        }
        return { query, key, scope };
      });
    }
    throw this.error(node.offset, {
      what: `"${field}" is a ${node.type}`,
      expected: 'lists of keys by query tag, or a list of pairs',
    });
  }

  /** A key in a list: a tag, or `{ "tag": …, "scope": … }`. */
  private keyWithScope(node: Node): { key: Node; scope?: Node } {
    if (node.type !== 'object') return { key: node };
    const fields = new Map((node.children ?? []).map(({ children }) => [children![0].value, children![1]]));
    const key = fields.get('tag');
    if (key && [...fields.keys()].every((field) => field === 'tag' || field === 'scope')) {
      return { key, scope: fields.get('scope') };
    }
    throw this.error(node.offset, {
      what: 'a key that is neither a tag nor a tag with a scope',
      expected: '{ "tag": …, "scope": … }',
    });
  }

  private scope(node: Node): Scope {
    const scope = getNodeValue(node);
    if (isScope(scope)) return scope;
    throw this.error(node.offset, { what: `scope ${JSON.stringify(scope)}`, expected: SCOPE_EXPECTED });
  }

  private tag(node: Node, tags: readonly Tag[], wildcards: string[]): Tag {
    const written = getNodeValue(node);
    if (wildcards.includes(written)) return written;
    // The names of a JSON object are strings, also where the tags are integers.
    const tag = tags.find(
      (candidate) => candidate === written || (isName(node) && String(candidate) === written),
    );
    if (tag !== undefined) return tag;
    throw this.error(node.offset, {
      what: `unknown tag ${JSON.stringify(written)}`,
      expected: `one of: ${[...wildcards, ...tags].join(', ')}`,
      remedy: 'correct it or add it to "tags"',
    });
  }
}

function isName(node: Node): boolean {
  return node.parent?.type === 'property' && node.parent.children?.[0] === node;
}
