import type { ModelRules } from '../src/grammar/head-rules.js';
import type { Strategy } from '../src/grammar/rules.js';

/** The text and settings of the page, which the user changes. */
export interface Shown {
  text: string;
  strategy: Strategy;
  rules: ModelRules;
  beta: number;
  /** A preset whose rules are shown beside the others. */
  compared?: string;
}

/** The state of the page. Listeners are called after a change. */
export class State {
  private readonly listeners: ((shown: Shown) => void)[] = [];
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(private current: Shown) {}

  get shown(): Shown {
    return this.current;
  }

  onChange(listener: (shown: Shown) => void): void {
    this.listeners.push(listener);
  }

  /**
   * Changes the state.
   * @param delay Milliseconds to wait for further changes, so that not every typed letter is drawn.
   */
  change(changes: Partial<Shown>, delay = 0): void {
    this.current = { ...this.current, ...changes };
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.tell(), delay);
  }

  tell(): void {
    for (const listener of this.listeners) listener(this.current);
  }
}
