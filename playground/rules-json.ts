import type { ModelRules } from '../src/grammar/head-rules.js';
import { formatRules, parseModelRules } from '../src/grammar/rules-file.js';
import { asPreset } from './controls.js';
import { element } from './elements.js';
import { copy } from './permalink.js';
import type { State } from './state.js';

/** Connects the field with the rules as JSON: it follows the page, and what is pasted into it can be used. */
export function connectRulesJson(state: State): void {
  const field = element<HTMLTextAreaElement>('rules-json');
  const message = element('rules-message');
  element('copy-rules').addEventListener('click', () => void copy(field.value, 'copy-rules'));
  element('use-rules').addEventListener('click', () => {
    try {
      const rules = asPreset(parseModelRules(field.value, 'these rules'));
      message.textContent = '';
      state.change({ rules, beta: rules.beta });
    } catch (error) {
      message.textContent = (error as Error).message;
    }
  });
  let written: ModelRules | undefined;
  state.onChange(({ rules }) => {
    // Another text must not replace what was pasted.
    if (rules === written || document.activeElement === field) return;
    field.value = formatRules(rules);
    written = rules;
  });
}
