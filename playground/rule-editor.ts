import { isPerHead } from '../src/grammar/head-rules.js';
import type { Tag } from '../src/grammar/rules.js';
import { ruleMatrix } from '../src/report/explain/rule-matrix.js';
import { html } from '../src/report/page/html.js';
import { element, show } from './page.js';
import { cycled } from './rule-cycle.js';
import type { State } from './state.js';

const STEPS: Readonly<Record<string, readonly [down: number, right: number]>> = {
  ArrowUp: [-1, 0],
  ArrowDown: [1, 0],
  ArrowLeft: [0, -1],
  ArrowRight: [0, 1],
};

/**
 * The rule matrix with a button in each cell. One of them is in the tab order, and arrow keys go from cell to cell: else the
 * keyboard would meet four hundred stops on its way.
 */
export class RuleEditor {
  /** The cell with the keyboard. */
  private at: [row: number, column: number] = [0, 0];

  constructor(private readonly state: State) {
    const matrix = element('matrix');
    matrix.addEventListener('click', (event) => this.edit(event.target as Element));
    matrix.addEventListener('keydown', (event) => this.move(event));
  }

  /** @param present The tags of the sentence; the others stand back. */
  show(present: ReadonlySet<Tag>): void {
    const { rules } = this.state.shown;
    const hadFocus = element('matrix').contains(document.activeElement);
    const scrolled = element('matrix').querySelector('.scroll')?.scrollLeft ?? 0;
    show('matrix', ruleMatrix(rules, present));
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
    const cell = target.closest('button')?.closest('td');
    const { rules } = this.state.shown;
    if (!cell || isPerHead(rules)) return;
    const row = cell.parentElement as HTMLTableRowElement;
    // The first cell of a row is its heading.
    this.at = [row.sectionRowIndex, cell.cellIndex - 1];
    const [query, key] = this.at.map((index) => rules.tags[index]);
    this.state.change({ rules: cycled(rules, query, key) });
  }

  private move(event: KeyboardEvent): void {
    const step = STEPS[event.key];
    if (!step || !(event.target as Element).closest('td button')) return;
    event.preventDefault();
    const to: [number, number] = [this.at[0] + step[0], this.at[1] + step[1]];
    const [from, button] = [this.buttonAt(this.at), this.buttonAt(to)];
    if (!from || !button) return;
    from.tabIndex = -1;
    button.tabIndex = 0;
    button.focus();
    this.at = to;
  }

  private buttonAt([row, column]: [number, number]): HTMLButtonElement | undefined {
    const rows = element('matrix').querySelectorAll('tbody tr');
    return rows[row]?.querySelectorAll<HTMLButtonElement>('td button')[column];
  }
}
