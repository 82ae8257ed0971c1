import { PRESET_NAMES, presetRules } from '../src/grammar/presets.js';
import { STRATEGIES, type Strategy } from '../src/grammar/rules.js';
import { formatRules, parseModelRules } from '../src/grammar/rules-file.js';
import { element } from './elements.js';
import type { Shown, State } from './state.js';

/** The text and settings of the page as the part of an address after "#". Rules other than presets are written out. */
function linkOf({ text, strategy, rules, beta, compared }: Shown): string {
  const preset = PRESET_NAMES.find((name) => presetRules(name) === rules);
  const values = new URLSearchParams({
    text,
    strategy,
    rules: preset ?? JSON.stringify(JSON.parse(formatRules(rules))),
    beta: `${beta}`,
    ...(compared && { compared }),
  });
  return `#${values}`;
}

/** The settings that a link names. What is missing or invalid is left out. */
export function shownOf(link: string): Partial<Shown> {
  const values = new URLSearchParams(link.replace(/^#/, ''));
  const shown: Partial<Shown> = {};
  const [text, strategy, rules, beta, compared] = ['text', 'strategy', 'rules', 'beta', 'compared'].map(
    (name) => values.get(name),
  );
  if (text !== null) shown.text = text;
  if (STRATEGIES.some((each) => each === strategy)) shown.strategy = strategy as Strategy;
  if (beta && Number.isFinite(Number(beta))) shown.beta = Number(beta);
  if (compared && PRESET_NAMES.includes(compared)) shown.compared = compared;
  try {
    if (rules) shown.rules = PRESET_NAMES.includes(rules) ? presetRules(rules) : parseModelRules(rules);
  } catch {
    // Rules of a link that was cut: those of the model are shown.
  }
  return shown;
}

/** Keeps the page's address a link to what it shows, follows a link that is opened in its place, and connects the button that copies it. */
export function connectPermalink(state: State): void {
  state.onChange((shown) => history.replaceState(null, '', linkOf(shown)));
  addEventListener('hashchange', () => state.change(shownOf(location.hash)));
  element('copy-link').addEventListener('click', () => {
    void copy(new URL(linkOf(state.shown), location.href).href, 'copy-link');
  });
  // A link to a part of the page scrolls there, and the address stays a link to what is shown.
  element('parts').addEventListener('click', (event) => {
    const part = (event.target as Element).closest('a')?.hash;
    if (!part) return;
    event.preventDefault();
    document.querySelector(part)?.scrollIntoView();
  });
}

/** Copies a text, and says so on the button for a while. */
export async function copy(text: string, buttonId: string): Promise<void> {
  const button = element(buttonId);
  const label = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {
    button.textContent = 'This browser does not let a page copy';
  }
  setTimeout(() => {
    button.textContent = label;
  }, 2_000);
}
