import { randomInteger } from '../support/random.js';

/** A source of numbers, 0 <= x < 1. */
export type Random = () => number;

/** Unexpected values, each as JSON. */
const HOSTILE_VALUES: readonly string[] = [
  'null',
  'true',
  '0',
  '-1',
  '-0',
  '0.5',
  '5',
  '1e999',
  '9007199254740992',
  '4294967296',
  '""',
  '"NOUN"',
  '".."',
  '"\\u0000\\u001b[2J"',
  '"__proto__"',
  '[]',
  '[null]',
  '[[]]',
  '{}',
  '{"toString":null}',
  '{"a":1}',
];

/** Parts of text that break readers of lines, or terminals. */
const HOSTILE_TEXT: readonly string[] = [
  '\t',
  '\n',
  '\r',
  '\r\r\n',
  '"',
  "'",
  ',',
  '\0',
  '\u001b[2J',
  '\u2028',
  '\ufeff',
  '\u00a0',
  '{',
  '[',
  '}',
  '1e999',
  '-0',
  '99999999999999999999',
  '[SEP]',
  '__proto__',
  '\ud800',
  '映画',
  'é',
];

const pick = <T>(items: readonly T[], random: Random): T => items[randomInteger(random, 0, items.length - 1)];

/** A value in objects and lists: what holds it, by which key, and the names that lead to it. */
type JsonNode = [holder: Record<string, unknown> | unknown[], key: string, path: string];

function nodesIn(value: unknown, above = ''): JsonNode[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, child]): JsonNode[] => [
    [value as JsonNode[0], key, `${above}.${key}`],
    ...nodesIn(child, `${above}.${key}`),
  ]);
}

/** A placeholder for a hostile value while the rest is written as JSON. JavaScript has no numbers beyond f64. */
const MARK = '\ue000hostile\ue000';

/** A JSON text with one node replaced, removed, doubled or added. */
function mutatedJson(text: string, random: Random): string {
  const root = { all: JSON.parse(text) as unknown };
  const nodes = nodesIn(root);
  const [holder, key] = pick(nodes, random);
  const at = holder as Record<string, unknown>;
  switch (randomInteger(random, 0, 5)) {
    case 0:
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete at[key];
      break;
    case 1:
      if (Array.isArray(holder)) holder.push(...holder.slice(0, 3));
      else at[pick(['x', '', 'length', 'constructor'], random)] = at[key];
      break;
    case 2:
      at[key] = pick(nodes, random)[0];
      break;
    default:
      at[key] = MARK;
  }
  const written = JSON.stringify(withoutLoops(root.all)) ?? 'undefined';
  const deep = '['.repeat(20_000);
  const value = random() < 0.03 ? deep : pick(HOSTILE_VALUES, random);
  const result = written.replace(`"${MARK}"`, () => value);
  // A repeated name, which no JavaScript object can have.
  return random() < 0.05 ? result.replace(/"(\w+)":/, (name) => `${name}null,${name}`) : result;
}

/** The replacements of every node of a JSON text, one at a time; undefined removes it. */
const REPLACEMENTS: readonly unknown[] = [null, -1.5, 'text', [[]], { toString: null }, undefined];

/**
 * Every text in which one node of a JSON text has another value, is removed, or has an unknown neighbour.
 * @param isWanted Whether a node is changed, by the names that lead to it.
 */
export function* nodeMutations(text: string, isWanted: (path: string) => boolean): Generator<string> {
  const root = { all: JSON.parse(text) as unknown };
  for (const [holder, key, path] of nodesIn(root)) {
    if (!isWanted(path)) continue;
    const at = holder as Record<string, unknown>;
    const before = at[key];
    for (const replacement of REPLACEMENTS) {
      at[key] = replacement;
      yield JSON.stringify(root.all) ?? '';
    }
    at[key] = before;
    if (Array.isArray(holder)) continue;
    at['another name'] = 1;
    yield JSON.stringify(root.all);
    delete at['another name'];
  }
}

/** A copy of a value, with null where an object would contain itself. */
function withoutLoops(value: unknown, above: readonly unknown[] = []): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (above.includes(value)) return null;
  const inside = [...above, value];
  if (Array.isArray(value)) return value.map((item) => withoutLoops(item, inside));
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutLoops(item, inside)]));
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}

function mutatedText(text: string, random: Random): string {
  const at = randomInteger(random, 0, text.length);
  const lines = text.split('\n');
  const line = randomInteger(random, 0, lines.length - 1);
  switch (randomInteger(random, 0, 6)) {
    case 0:
      return text.slice(0, at);
    case 1:
      return lines.filter((_, index) => index !== line).join('\n');
    case 2:
      lines.splice(line, 0, pick(lines, random));
      return lines.join('\n');
    case 3:
      return (
        text.slice(0, at) + pick(HOSTILE_TEXT, random).repeat(pick([2, 30, 3000], random)) + text.slice(at)
      );
    case 4:
      if (isJson(lines[line])) lines[line] = mutatedJson(lines[line], random);
      return lines.join('\n');
    default:
      return text.slice(0, at) + pick(HOSTILE_TEXT, random) + text.slice(at + randomInteger(random, 0, 3));
  }
}

const ODD_BYTES = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x0a];

function mutatedBytes(bytes: Uint8Array, random: Random): Uint8Array {
  const result = Uint8Array.from(bytes);
  const at = randomInteger(random, 0, Math.max(0, bytes.length - 1));
  const end = Math.min(bytes.length, at + randomInteger(random, 1, 16));
  switch (randomInteger(random, 0, 6)) {
    case 0:
      result[at] ^= 1 << randomInteger(random, 0, 7);
      return result;
    case 1:
      return result.subarray(0, at);
    case 2:
      return Uint8Array.from([...result.subarray(0, at), ...result.subarray(end)]);
    case 3:
      return Uint8Array.from([...result.subarray(0, end), ...result.subarray(at)]);
    case 4:
      return result.fill(pick(ODD_BYTES, random), at, end);
    case 5:
      result.set(result.slice(0, end - at), at);
      return result;
    default:
      result[at] = pick(ODD_BYTES, random);
      return result;
  }
}

/** A safetensors file with another header of the right length. */
function withHeader(bytes: Uint8Array, random: Random): Uint8Array {
  const length = Number(Buffer.from(bytes).readBigUInt64LE(0));
  const header = Buffer.from(bytes.subarray(8, 8 + length)).toString();
  const changed = Buffer.from(mutatedJson(header, random));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(changed.length));
  return Buffer.concat([size, changed, bytes.subarray(8 + length)]);
}

/** The structure of a file, so that most of it stays unchanged. */
export type Structure = 'json' | 'text' | 'bytes' | 'safetensors';

/** A file with one to three things changed. */
export function mutated(bytes: Uint8Array, structure: Structure, random: Random): Uint8Array {
  let result = bytes;
  for (let rounds = pick([1, 1, 1, 2, 3], random); rounds > 0; rounds--)
    result = mutatedOnce(result, structure, random);
  return result;
}

function mutatedOnce(bytes: Uint8Array, structure: Structure, random: Random): Uint8Array {
  if (structure === 'safetensors' && random() < 0.7) {
    try {
      return withHeader(bytes, random);
    } catch {
      return mutatedBytes(bytes, random);
    }
  }
  if (structure === 'bytes' || structure === 'safetensors' || random() < 0.1)
    return mutatedBytes(bytes, random);
  const text = Buffer.from(bytes).toString();
  const isStructured = structure === 'json' && random() < 0.8 && isJson(text);
  return Buffer.from(isStructured ? mutatedJson(text, random) : mutatedText(text, random));
}
