import { getNodeValue, type Node } from 'jsonc-parser';
import { type CallerError, describeJson, type ErrorParts } from '../base/errors.js';
import { JsonText } from '../base/json-text.js';
import type { ModelRules, RulePairs } from './head-rules.js';
import {
  DEFAULT_BETA,
  EVERY_TAG,
  expandPairs,
  MOST_TAGS,
  SAME_TAG,
  type Tag,
  type TagPair,
} from './rules.js';
import { isScope, SCOPE_EXPECTED, type Scope, scopeError } from './scope.js';
import { TOKEN_TAGS } from './tags.js';

const RULE_FIELDS = ['hard', 'soft'];

const FIELDS = ['name', 'tags', 'scope', ...RULE_FIELDS, 'beta', 'heads'];

/** Pairs of all heads after `*` is expanded. 24 layers of 16 heads have fewer, even with every pair of 27 tags. */
const MOST_PAIRS = 300_000;

/** A rule as written. The scope of the file applies where the rule has none. */
interface WrittenRule {
  query: Node;
  key: Node;
  scope?: Node;
}

/**
 * Reads one rules file node by node, so that every error can name a line. A schema cannot do this: what is valid depends on
 * the tags that the file lists.
 */
export class RulesReader {
  private readonly json: JsonText;
  private pairsLeft = MOST_PAIRS;

  constructor(
    text: string,
    private readonly file: string,
  ) {
    this.json = new JsonText(text, file, { expected: 'an object with "hard" or "soft" rules' }, true);
  }

  /** @param alone Whether the file must have one rule set for all heads. */
  read(alone: boolean): ModelRules {
    const { root } = this.json;
    const fields = this.fields(root, FIELDS);
    const heads = fields.get('heads');
    this.checkRulesOf(root, fields, alone);
    const tags = this.tags(fields.get('tags'));
    const scope = fields.has('scope') ? this.scope(fields.get('scope')!) : undefined;
    const shared = { name: this.name(fields.get('name')), tags, beta: this.beta(fields.get('beta')) };
    if (heads) return { ...shared, heads: this.layers(heads, tags, scope) };
    return { ...shared, ...this.rules(fields, tags, scope) };
  }

  private error(offset: number, parts: ErrorParts): CallerError {
    return this.json.error(offset, parts);
  }

  private fields(object: Node, allowed: readonly string[]): Map<string, Node> {
    if (object.type !== 'object')
      throw this.error(object.offset, { what: `a JSON ${object.type}`, expected: 'an object' });
    const fields = new Map<string, Node>();
    for (const property of object.children ?? []) {
      const [key, value] = property.children ?? [];
      if (!allowed.includes(key.value)) {
        throw this.error(key.offset, {
          what: `unknown field "${key.value}"`,
          expected: `one of: ${allowed.join(', ')}`,
        });
      }
      fields.set(key.value, value);
    }
    return fields;
  }

  /** Rules are in the object itself or in its "heads", not in both. */
  private checkRulesOf(object: Node, fields: ReadonlyMap<string, Node>, alone: boolean): void {
    const heads = fields.get('heads');
    const shared = RULE_FIELDS.map((field) => fields.get(field)).find((node) => node !== undefined);
    if (!shared && !heads) {
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
    if (heads && shared) {
      throw this.error(shared.offset, {
        what: 'rules for all heads and rules for each',
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
    if (node.type !== 'number' || !Number.isFinite(Math.fround(node.value))) {
      throw this.error(node.offset, {
        what: `"beta" is ${describeJson(getNodeValue(node))}`,
        expected: 'a number that f32 can hold',
      });
    }
    return node.value;
  }

  private tags(node: Node | undefined): readonly Tag[] {
    if (!node) return TOKEN_TAGS;
    if (node.type !== 'array')
      throw this.error(node.offset, { what: `"tags" is a ${node.type}`, expected: 'a list' });
    const { length } = node.children!;
    if (length === 0 || length > MOST_TAGS)
      throw this.error(node.offset, { what: `${length} tags`, expected: `1 to ${MOST_TAGS}` });
    const tags: Tag[] = [];
    for (const item of node.children!) {
      const tag = getNodeValue(item);
      const reserved = tag === EVERY_TAG || tag === SAME_TAG;
      if ((typeof tag !== 'string' || tag === '' || reserved) && !Number.isSafeInteger(tag)) {
        throw this.error(item.offset, {
          what: `${describeJson(tag)} as a tag`,
          expected: 'a name or an integer',
        });
      }
      // An integer is text where it is a name in "hard" or "soft".
      if (tags.some((other) => String(other) === String(tag)))
        throw this.error(item.offset, { what: `tag ${describeJson(tag)} is listed twice` });
      tags.push(tag);
    }
    return tags;
  }

  /** Rules are lists of keys by query tag, or a list of [query, key] or [query, key, scope]. */
  private pairs(
    field: string,
    node: Node | undefined,
    tags: readonly Tag[],
    fileScope: Scope | undefined,
  ): TagPair[] {
    const pairs = new Map<string, TagPair>();
    for (const { query, key, scope } of this.written(field, node)) {
      const tagPair = [
        this.tag(query, tags, [EVERY_TAG]),
        this.tag(key, tags, [EVERY_TAG, SAME_TAG]),
      ] as const;
      const reach = scope ? this.scope(scope) : fileScope;
      const [from, to] = tagPair;
      const wrong = scopeError(from, to === SAME_TAG ? from : to, reach);
      if (wrong) throw this.error(query.offset, wrong);
      const pair: TagPair = reach === undefined || reach === 'document' ? tagPair : [...tagPair, reach];
      const text = JSON.stringify(pair);
      if (pairs.has(text)) continue;
      pairs.set(text, pair);
      this.pairsLeft -= pair
        .slice(0, 2)
        .reduce<number>((n, tag) => (tag === EVERY_TAG ? n * tags.length : n), 1);
      if (this.pairsLeft < 0)
        throw this.error(query.offset, {
          what: 'too many rules',
          expected: `${MOST_PAIRS} pairs of tags at most`,
        });
    }
    return expandPairs([...pairs.values()], tags);
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
            what: `a rule in "${field}" that is not a pair`,
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

  /** A key in a list: a tag or `{ "tag": …, "scope": … }`. */
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
    throw this.error(node.offset, { what: `scope ${describeJson(scope)}`, expected: SCOPE_EXPECTED });
  }

  private tag(node: Node, tags: readonly Tag[], wildcards: string[]): Tag {
    const written = getNodeValue(node);
    if (wildcards.includes(written)) return written;
    // Names in a JSON object are strings, even where the tags are integers.
    const tag = tags.find(
      (candidate) => candidate === written || (isName(node) && String(candidate) === written),
    );
    if (tag !== undefined) return tag;
    throw this.error(node.offset, {
      what: `unknown tag ${describeJson(written)}`,
      expected: `one of: ${[...wildcards, ...tags].join(', ')}`,
      remedy: 'correct it or add it to "tags"',
    });
  }
}

function isName(node: Node): boolean {
  return node.parent?.type === 'property' && node.parent.children?.[0] === node;
}
