import { type Html, html } from './html.js';
import { page } from './html-page.js';

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
