import { isPerHead } from '../src/grammar/head-rules.js';
import type { RuleSet, Tag, TagPair } from '../src/grammar/rules.js';
import { tagMeaning } from '../src/grammar/tag-meanings.js';
import { ruleMatrix } from '../src/report/explain/rule-matrix-picture.js';
import { html } from '../src/report/page/html.js';
import { element, show } from './elements.js';
import type { State } from './state.js';

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

type Cell = [row: number, column: number];

/** The position of a button among the cells. */
function cellOf(target: Element): Cell | undefined {
  const cell = target.closest('button')?.closest('td');
  if (!cell) return undefined;
  // The first cell of a row is its heading.
  return [(cell.parentElement as HTMLTableRowElement).sectionRowIndex, cell.cellIndex - 1];
}

/** The rule of a pair of tags. A hard rule has priority over a soft one. */
function ruleOf({ hard, soft }: RuleSet, query: Tag, key: Tag): 'hard' | 'soft' | 'absent' {
  const isOf = (pair: TagPair) => pair[0] === query && pair[1] === key;
  if (hard.some(isOf)) return 'hard';
  return soft.some(isOf) ? 'soft' : 'absent';
}

/** The rules with one pair of tags changed: from absent to hard, from hard to soft, from soft to absent; over the whole document. */
export function cycled(rules: RuleSet, query: Tag, key: Tag): RuleSet {
  const without = (pairs: readonly TagPair[]) => pairs.filter((pair) => pair[0] !== query || pair[1] !== key);
  const [hard, soft] = [without(rules.hard), without(rules.soft)];
  const pair: TagPair = [query, key];
  const kind = ruleOf(rules, query, key);
  return {
    ...rules,
    name: rules.name.endsWith(', edited') ? rules.name : `${rules.name}, edited`,
    hard: kind === 'absent' ? [...hard, pair] : hard,
    soft: kind === 'hard' ? [...soft, pair] : soft,
  };
}

/**
 * The rule matrix with a button in each cell. Only one button is in the tab order, and arrow keys move between cells, so that the
 * Tab key does not stop four hundred times.
 */
export class RuleEditor {
  /** The cell in the tab order. */
  private at: Cell = [0, 0];

  constructor(private readonly state: State) {
    const matrix = element('matrix');
    matrix.addEventListener('click', (event) => this.edit(event.target as Element));
    matrix.addEventListener('keydown', (event) => this.move(event));
    matrix.addEventListener('focusin', (event) => this.arrive(event.target as Element));
  }

  /** @param present The tags of the sentence; the others are drawn paler. */
  show(present: ReadonlySet<Tag>): void {
    const { rules } = this.state.shown;
    const hadFocus = element('matrix').contains(document.activeElement);
    const scrolled = element('matrix').querySelector('.scroll')?.scrollLeft ?? 0;
    if (!show('matrix', ruleMatrix(rules, present))) return;
    if (isPerHead(rules)) {
      const hint = html`<p class="caution">These rules differ from head to head: choose other rules above to edit them.</p>`;
      element('matrix').insertAdjacentHTML('afterbegin', hint.text);
      return;
    }
    for (const cell of element('matrix').querySelectorAll('td')) {
      const button = document.createElement('button');
      button.type = 'button';
      button.tabIndex = -1;
      const { query, key } = cell.dataset;
      button.setAttribute('aria-label', cell.title || `${query} to ${key}: no rule`);
      button.append(...cell.childNodes);
      cell.append(button);
    }
    element('matrix').querySelector('.scroll')?.scrollTo({ left: scrolled });
    const button = this.buttonAt(this.at);
    if (button) button.tabIndex = 0;
    if (hadFocus) button?.focus({ preventScroll: true });
    else element('rule-status').textContent = '';
  }

  private edit(target: Element): void {
    const { rules } = this.state.shown;
    const position = cellOf(target);
    if (!position || isPerHead(rules)) return;
    this.at = position;
    const { query, key } = target.closest('td')!.dataset;
    const [of, to] = [query, key].map((name) => rules.tags.find((tag) => String(tag) === name)!);
    this.state.change({ rules: cycled(rules, of, to) });
  }

  private move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const position = cellOf(event.target as Element);
    if (!step || !position) return;
    event.preventDefault();
    this.buttonAt([position[0] + step[0], position[1] + step[1]])?.focus();
  }

  /** Puts the focused cell into the tab order, instead of the previous one. */
  private arrive(target: Element): void {
    const position = cellOf(target);
    const button = position && this.buttonAt(position);
    if (!button) return;
    const before = this.buttonAt(this.at);
    if (before) before.tabIndex = -1;
    button.tabIndex = 0;
    this.at = position;
    const { query, key } = button.closest('td')!.dataset;
    const meanings = [...new Set([query!, key!])].map((tag) => `${tag} is ${tagMeaning(tag)}`);
    element('rule-status').textContent = `${button.ariaLabel}. ${meanings.join('. ')}.`;
  }

  private buttonAt([row, column]: Cell): HTMLButtonElement | undefined {
    const rows = element('matrix').querySelectorAll('tbody tr');
    return rows[row]?.querySelectorAll<HTMLButtonElement>('td button')[column];
  }
}
