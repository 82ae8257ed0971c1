import type { Html } from '../src/report/page/html.js';

/** An element of the page by its id. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const shown = new Map<string, string>();

/**
 * Sets the content of an element, unless it is there already: a screen reader then reads nothing again, and the focus stays. Only
 * `Html` is accepted, whose templates escape all values.
 * @returns Whether the content has changed.
 */
export function show(id: string, content: Html | ''): boolean {
  const text = content === '' ? '' : content.text;
  if (shown.get(id) === text) return false;
  shown.set(id, text);
  element(id).innerHTML = text;
  return true;
}
