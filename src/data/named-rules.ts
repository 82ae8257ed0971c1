import { type ModelRules, splitScope, withScope } from '../grammar/head-rules.js';
import { isPreset, PRESETS_EXPECTED, presetRules } from '../grammar/presets.js';
import { splitEdits, withEdits } from '../grammar/rule-edits.js';
import type { RuleSet } from '../grammar/rules.js';
import { parseModelRules, parseRules } from '../grammar/rules-file.js';
import { readText } from './files.js';

async function readNamed<Rules extends ModelRules>(
  name: string,
  parse: (text: string, file: string) => Rules,
): Promise<Rules | RuleSet> {
  const { base: scoped, edits } = splitEdits(name);
  const { base, scope } = splitScope(scoped);
  if (isPreset(base)) return withEdits(presetRules(scoped), edits);
  const text = await readText(base, `${PRESETS_EXPECTED}, or a rules file`);
  return withEdits(withScope(parse(text, base), scope), edits);
}

/**
 * Rules from a preset or a file, by name, with or without a scope and edits: `paper@sentence readout:VERB +VERB:PART`.
 * @throws CallerError for any other name.
 */
export async function readRules(name: string): Promise<RuleSet> {
  return readNamed(name, parseRules);
}

/** `readRules` for files that may have rules for each head of a model. */
export async function readModelRules(name: string): Promise<ModelRules> {
  return readNamed(name, parseModelRules);
}
