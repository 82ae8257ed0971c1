import type { Html } from '../src/report/page/html.js';

/** An element of the page by its id. */
export function element<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  return document.getElementById(id) as Kind;
}

/** Puts content into an element. Only `Html` is accepted, whose templates escape everything else. */
export function show(id: string, content: Html | ''): void {
  element(id).innerHTML = content === '' ? '' : content.text;
}
