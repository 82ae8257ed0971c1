import type { ModelRules } from '../src/grammar/head-rules.js';
import type { Strategy } from '../src/grammar/rules.js';

/** What the page shows, and its reader can change. */
export interface Shown {
  text: string;
  strategy: Strategy;
  rules: ModelRules;
  beta: number;
}

/** Holds what is shown, and tells those who draw it of every change, a moment after the last one. */
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
   * Changes something.
   * @param delay Milliseconds to wait for further changes: while a user types, not every letter is drawn.
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
