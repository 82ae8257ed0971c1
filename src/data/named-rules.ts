import { type ModelRules, splitScope, withScope } from '../grammar/head-rules.js';
import { PRESET_NAMES, presetRules } from '../grammar/presets.js';
import type { RuleSet } from '../grammar/rules.js';
import { parseModelRules, parseRules } from '../grammar/rules-file.js';
import { readText } from './files.js';

/** Rules from a preset or a file, by name, with or without a scope. @throws CallerError for any other name. */
export async function readRules(name: string): Promise<RuleSet> {
  const { base, scope } = splitScope(name);
  if (PRESET_NAMES.includes(base)) return presetRules(name);
  return withScope(parseRules(await rulesText(base), base), scope);
}

/** `readRules` for files that may have rules for each head of a model. */
export async function readModelRules(name: string): Promise<ModelRules> {
  const { base, scope } = splitScope(name);
  if (PRESET_NAMES.includes(base)) return presetRules(name);
  return withScope(parseModelRules(await rulesText(base), base), scope);
}

async function rulesText(file: string): Promise<string> {
  return readText(file, `one of: ${PRESET_NAMES.join(', ')}, or a rules file`);
}
