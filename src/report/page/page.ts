import { Html, html } from './html.js';
import { STYLE } from './style.js';

/** What stands on a page. */
export interface PageContent {
  /** Of the browser's tab. */
  title: string;
  /** A line above the headline that says what kind of page this is. */
  eyebrow: string;
  /** The first screen: the headline (h1) and what it rests on. */
  header: Html;
  main: Html;
}

/** A page in one file: it needs neither a network nor a script, and its policy lets nothing be loaded or run, even by mistake. */
export function page({ title, eyebrow, header, main }: PageContent): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE.trim())}</style>
</head>
<body>
<header>
<p class="eyebrow">${eyebrow}</p>
${header}</header>
<main>
${main}
</main>
</body>
</html>
`.text;
}
