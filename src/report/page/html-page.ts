import { createHash } from 'node:crypto';
import { downloadsScript } from './downloads.js';
import { Html, html, jsonElement } from './html.js';
import { STYLE } from './page-style.js';

/** The content of a page. */
export interface PageContent {
  /** The title of the browser's tab. */
  title: string;
  /** A line above the headline that says what kind of page this is. */
  eyebrow: string;
  /** The first screen: the headline (h1) and the evidence. */
  header: Html;
  main: Html;
  /** Added to the style that every page has. */
  style?: string;
  /** A script besides that of the downloads. */
  script?: PageScript;
}

/** A script and its data. */
interface PageScript {
  source: string;
  /** The id of the element that holds `data` as JSON. */
  dataId: string;
  data: unknown;
}

/** @throws Error where the source would end its element early. */
function scriptElement(source: string): Html {
  if (/<\/script|<!--/i.test(source)) throw new Error('a script that ends its own element');
  return html`<script>${new Html(source)}</script>`;
}

/** Images may be data of the page: a figure becomes a PNG through one. */
function policyOf(scripts: readonly string[]): string {
  const hashes = scripts.map((source) => `'sha256-${createHash('sha256').update(source).digest('base64')}'`);
  return `default-src 'none'; style-src 'unsafe-inline'; img-src data:; script-src ${hashes.join(' ')}`;
}

/**
 * A page in one file, which needs no network. Its policy forbids every request, and every script but its own, which it names by
 * their hashes.
 */
export function page({ title, eyebrow, header, main, style = '', script }: PageContent): string {
  const scripts = [...(script ? [script.source] : []), downloadsScript()];
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policyOf(scripts))}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title}</title>
<style>${new Html(STYLE.trim() + style.trimEnd())}</style>
</head>
<body>
<header>
<p class="eyebrow">${eyebrow}</p>
${header}</header>
<main>
${main}
</main>
${script && [jsonElement(script.dataId, script.data), '\n']}${scripts.map(scriptElement)}
</body>
</html>
`.text;
}

/** A part of a page that makes one point. */
export interface Section {
  title: string;
  /** The point, in a sentence. */
  finding: string;
  /** The evidence, in a few more sentences. */
  lead: Html;
  /** Named facts: adapter, gate, seeds. */
  facts: readonly (readonly [name: string, fact: Html | string])[];
  /** Its highest headings are h3. */
  body: Html;
}

/** The first screen of a page: its point, the evidence, the facts. */
function pointOf({ finding, lead, facts }: Pick<Section, 'finding' | 'lead' | 'facts'>): Html {
  return html`<h1>${finding}</h1>
<div class="lead">${lead}</div>
${factList(facts)}`;
}

function factList(facts: Section['facts']): Html {
  return html`<dl class="facts">
${facts.map(([name, fact]) => html`<div><dt>${name}</dt><dd>${fact}</dd></div>\n`)}</dl>
`;
}

/** Links to the sections of a page, with what each found. */
function contents(sections: readonly Section[]): Html | '' {
  if (sections.length < 2) return '';
  const items = sections.map(
    ({ title, finding }, at) =>
      html`<li><a href="#part-${at + 1}">${title}</a>${at > 0 ? html`: ${finding}` : ''}</li>\n`,
  );
  return html`<nav aria-label="Parts of this page"><ol>
${items}</ol></nav>
`;
}

/** A page of sections. The finding of the first one is its headline. @param sections At least one. */
export function sectionsPage(title: string, sections: readonly Section[]): string {
  const [first] = sections;
  return page({
    title,
    eyebrow: title,
    header: html`${pointOf(first)}${contents(sections)}`,
    main: html`${sections.map(
      (section, at) => html`<section id="part-${at + 1}" aria-labelledby="part-${at + 1}-title">
<h2 id="part-${at + 1}-title">${section.title}</h2>
${at > 0 ? html`<div class="lead"><strong>${section.finding}.</strong> ${section.lead}</div>\n${factList(section.facts)}` : ''}${section.body}
</section>
`,
    )}`,
  });
}
