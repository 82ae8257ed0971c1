import type { Html } from '../src/report/page/html.js';

/** An element of the page by its id. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

const shown = new Map<string, string>();

/**
 * Puts content into an element, unless it is there already: then nothing is read out again, and the focus stays. Only `Html` is
 * accepted, whose templates escape everything else.
 * @returns Whether anything has changed.
 */
export function show(id: string, content: Html | ''): boolean {
  const text = content === '' ? '' : content.text;
  if (shown.get(id) === text) return false;
  shown.set(id, text);
  element(id).innerHTML = text;
  return true;
}
