import { parseHTML } from 'linkedom';

/** A page as a test reads it. */
export function openedPage(source: string) {
  const { document, window } = parseHTML(source);
  return {
    source,
    document,
    window,
    text: (selector: string) => document.querySelector(selector)?.textContent ?? '',
    titles: Array.from(document.querySelectorAll('figure h4')).map(({ textContent }) => textContent),
  };
}
