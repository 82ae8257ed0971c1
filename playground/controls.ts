import type { ModelRules } from '../src/grammar/head-rules.js';
import { PAPER_RULES, PRESET_NAMES, presetRules } from '../src/grammar/presets.js';
import { STRATEGIES, type Strategy } from '../src/grammar/rules.js';
import { formatRules } from '../src/grammar/rules-file.js';
import { html } from '../src/report/page/html.js';
import type { ModelDescription } from '../src/train/model-description.js';
import { element, show } from './elements.js';
import type { Example } from './model.js';
import type { State } from './state.js';

const WORDS: Readonly<Record<Strategy, string>> = {
  none: 'none: every pair',
  hard: 'hard: pairs of hard rules',
  soft: 'soft: every pair, β on soft ones',
  guided: 'guided: hard and soft pairs, β on soft ones',
  learned: 'learned: every pair, learned biases',
};

/** The choice of the model's own rules. */
const OWN = 'own';
const EDITED = 'edited';

/** Milliseconds after a letter until the page is updated. */
const TYPING_PAUSE = 120;

/** The preset with the same content as some rules; the rules themselves where there is none. */
export function asPreset(rules: ModelRules): ModelRules {
  const name = PRESET_NAMES.find((each) => formatRules(presetRules(each)) === formatRules(rules));
  return name ? presetRules(name) : rules;
}

/** Connects the sentence, the examples, the strategy, the choices of rules and β with the state. */
export function connectControls(
  state: State,
  { mask: model }: ModelDescription,
  examples: readonly Example[],
): void {
  const text = element<HTMLTextAreaElement>('text');
  const strategy = element<HTMLSelectElement>('strategy');
  const preset = element<HTMLSelectElement>('preset');
  const beta = element<HTMLInputElement>('beta');
  const example = element<HTMLSelectElement>('example');
  const compared = element<HTMLSelectElement>('compared');
  const modelRules = asPreset(model.rules);
  const strategies = STRATEGIES.filter((each) => each !== 'learned' || model.strategy === 'learned');
  show('strategy', html`${strategies.map((each) => html`<option value="${each}">${WORDS[each]}</option>`)}`);

  show(
    'example',
    html`<option value="">choose one</option>${examples.map(({ text, shows }) => html`<option value="${text}">${text} (${shows})</option>`)}`,
  );
  show(
    'compared',
    html`<option value="">nothing</option>${PRESET_NAMES.map((name) => html`<option value="${name}">${name}</option>`)}`,
  );

  example.addEventListener('change', () => {
    if (example.value) state.change({ text: example.value });
  });
  compared.addEventListener('change', () => state.change({ compared: compared.value || undefined }));
  text.addEventListener('input', () => state.change({ text: text.value }, TYPING_PAUSE));
  strategy.addEventListener('change', () => state.change({ strategy: strategy.value as Strategy }));
  beta.addEventListener('input', () => {
    if (Number.isFinite(beta.valueAsNumber)) state.change({ beta: beta.valueAsNumber }, TYPING_PAUSE);
  });
  preset.addEventListener('change', () => {
    const rules = preset.value === OWN ? modelRules : presetRules(preset.value);
    state.change({ rules, beta: preset.value === OWN ? model.beta : rules.beta });
  });
  element('reset').addEventListener('click', () => {
    state.change({ rules: PAPER_RULES, beta: PAPER_RULES.beta });
  });

  const follow = () => {
    const { shown } = state;
    const name = PRESET_NAMES.find((each) => presetRules(each) === shown.rules);
    const chosen = name ?? (shown.rules === modelRules ? OWN : EDITED);
    const choices: [string, string][] = PRESET_NAMES.map((each) => [each, each]);
    if (!PRESET_NAMES.some((each) => presetRules(each) === modelRules)) {
      choices.push([OWN, `the model's own: ${model.rules.name}`]);
    }
    if (chosen === EDITED) choices.push([EDITED, shown.rules.name]);
    show(
      'preset',
      html`${choices.map(([value, words]) => html`<option value="${value}">${words}</option>`)}`,
    );
    preset.value = chosen;
    strategy.value = shown.strategy;
    compared.value = shown.compared ?? '';
    example.value = examples.some((each) => each.text === shown.text) ? shown.text : '';
    if (text.value !== shown.text) text.value = shown.text;
    if (beta.valueAsNumber !== shown.beta) beta.value = `${shown.beta}`;
  };
  state.onChange(follow);
}
