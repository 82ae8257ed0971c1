import { InvalidArgumentError, Option } from 'commander';
import { readText } from '../data/files.js';
import { verifySubmits } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { openDevice } from '../gpu/open-device.js';
import { headsWithScope, type ModelRules } from '../grammar/head-rules.js';
import { PRESET_NAMES, presetRules } from '../grammar/presets.js';
import { type RuleSet, STRATEGIES } from '../grammar/rules.js';
import { parseModelRules, parseRules } from '../grammar/rules-file.js';
import { splitScope, withScope } from '../grammar/scoped-rules.js';
import { BERT_TINY } from '../nn/model-config.js';
import { note } from './terminal.js';

function digits(text: string, expected: string): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && Number.isSafeInteger(value)) return value;
  throw new InvalidArgumentError(`expected ${expected}`);
}

/** A whole number that may be 0. */
export function wholeNumber(text: string): number {
  return digits(text, 'a whole number of 0 or more');
}

/** A number of things of which there must be some. */
export function countNumber(text: string): number {
  const expected = 'a whole number of 1 or more';
  const count = digits(text, expected);
  if (count === 0) throw new InvalidArgumentError(`expected ${expected}`);
  return count;
}

/** A seed of the random numbers. */
export function seedNumber(text: string): number {
  return digits(text, 'a whole number from 0 to 2³² - 1');
}

export function realNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number');
  return value;
}

/** A list, separated by commas. */
export function list(text: string): string[] {
  return text.split(',').map((item) => item.trim());
}

/** A list of numbers and, where an item is none, words; whoever uses it checks which may be there. */
export function numbers(text: string): (number | string)[] {
  return list(text).map((item) => (/^\d+$/.test(item) ? Number(item) : item));
}

export function adapterOption(): Option {
  return new Option('--adapter <name>', 'GPU adapter: auto, gpu, system, embedded, or part of its name').env(
    'PARSIMONY_ADAPTER',
  );
}

export function jsonOption(): Option {
  return new Option('--json', 'print the result as JSON');
}

export function dataOption(): Option {
  return new Option(
    '--data <source>',
    'a folder or files (.tsv, .csv, .jsonl, .parquet, .conllu), sst2 (downloaded once), or embedded (generated text)',
  );
}

export function strategyOption(): Option {
  return new Option('--strategy <name>', 'how rules act on attention').choices(STRATEGIES);
}

export function rulesOption(): Option {
  return new Option(
    '--rules <name or file>',
    `rules: ${PRESET_NAMES.join(', ')}, or a JSON file; within a scope: paper@sentence, paper@128`,
  );
}

export function betaOption(): Option {
  return new Option(
    '--beta <number>',
    "what soft pairs add to their score (default: the rules' own)",
  ).argParser(realNumber);
}

/** Rules by a preset's name, else from a file; within a scope where one is added. @throws CallerError where they are neither. */
export async function readRules(name: string): Promise<RuleSet> {
  const { base, scope } = splitScope(name);
  if (PRESET_NAMES.includes(base)) return presetRules(name);
  return withScope(parseRules(await rulesText(base), base), scope);
}

/** `readRules`, where a file may hold rules for each head of a model. */
export async function readModelRules(name: string): Promise<ModelRules> {
  const { base, scope } = splitScope(name);
  if (PRESET_NAMES.includes(base)) return presetRules(name);
  return headsWithScope(parseModelRules(await rulesText(base), base), scope);
}

async function rulesText(file: string): Promise<string> {
  return readText(file, `one of: ${PRESET_NAMES.join(', ')}, or a rules file`);
}

/** Runs an action on an open device, and closes it. Says so where no better adapter than the embedded one was found. */
export async function withDevice<T>(
  adapter: string | undefined,
  action: (device: Device) => Promise<T>,
): Promise<T> {
  const device = await openDevice({ adapter });
  if (device.adapter.kind === 'embedded software' && (adapter ?? 'auto') === 'auto') {
    note(
      'No GPU or system driver found: using the embedded software driver (SwiftShader), which is correct but slow.',
    );
  }
  try {
    const result = await action(device);
    // What was only timed was never read back.
    await verifySubmits(device);
    return result;
  } finally {
    device.close();
  }
}

/** The flags of a model's shape. */
export interface ShapeFlags {
  layers: number;
  hidden: number;
  heads: number;
  feedForward: number;
}

/** A model's shape, bert-tiny's where left out. */
export function shapeOptions(): Option[] {
  const option = (flags: string, description: string, value: number) =>
    new Option(flags, description).argParser(countNumber).default(value);
  return [
    option('--layers <count>', 'encoder layers', BERT_TINY.layers),
    option('--hidden <size>', 'hidden size', BERT_TINY.hidden),
    option('--heads <count>', 'attention heads', BERT_TINY.heads),
    option('--feed-forward <size>', 'size of the feed-forward layer', BERT_TINY.feedForward),
  ];
}

export function shapeOf({ layers, hidden, heads, feedForward }: ShapeFlags): ShapeFlags {
  return { layers, hidden, heads, feedForward };
}
