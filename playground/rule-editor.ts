import { isPerHead } from '../src/grammar/head-rules.js';
import type { Tag } from '../src/grammar/rules.js';
import { ruleMatrix } from '../src/report/explain/rule-matrix-picture.js';
import { html } from '../src/report/page/html.js';
import { element, show } from './elements.js';
import { cycled } from './rule-cycle.js';
import type { State } from './state.js';

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

type Place = [row: number, column: number];

/** Where among the cells a button is. */
function placeOf(target: Element): Place | undefined {
  const cell = target.closest('button')?.closest('td');
  if (!cell) return undefined;
  // The first cell of a row is its heading.
  return [(cell.parentElement as HTMLTableRowElement).sectionRowIndex, cell.cellIndex - 1];
}

/**
 * The rule matrix with a button in each cell. One of them is in the tab order, and arrow keys go from cell to cell: else the
 * keyboard would meet four hundred stops on its way.
 */
export class RuleEditor {
  /** The cell with the keyboard. */
  private at: Place = [0, 0];

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
      button.setAttribute('aria-label', cell.title);
      button.append(...cell.childNodes);
      cell.append(button);
    }
    element('matrix').querySelector('.scroll')?.scrollTo({ left: scrolled });
    const button = this.buttonAt(this.at);
    if (button) button.tabIndex = 0;
    if (hadFocus) button?.focus({ preventScroll: true });
  }

  private edit(target: Element): void {
    const { rules } = this.state.shown;
    const place = placeOf(target);
    if (!place || isPerHead(rules)) return;
    this.at = place;
    const { query, key } = target.closest('td')!.dataset;
    const [of, to] = [query, key].map((name) => rules.tags.find((tag) => String(tag) === name)!);
    this.state.change({ rules: cycled(rules, of, to) });
  }

  private move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    const place = placeOf(event.target as Element);
    if (!step || !place) return;
    event.preventDefault();
    this.buttonAt([place[0] + step[0], place[1] + step[1]])?.focus();
  }

  /** The cell with the keyboard is the one in the tab order, however the keyboard came there. */
  private arrive(target: Element): void {
    const place = placeOf(target);
    const button = place && this.buttonAt(place);
    if (!button) return;
    const before = this.buttonAt(this.at);
    if (before) before.tabIndex = -1;
    button.tabIndex = 0;
    this.at = place;
  }

  private buttonAt([row, column]: Place): HTMLButtonElement | undefined {
    const rows = element('matrix').querySelectorAll('tbody tr');
    return rows[row]?.querySelectorAll<HTMLButtonElement>('td button')[column];
  }
}
