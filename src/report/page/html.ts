/** Text that is HTML already and is not escaped again. */
export class Html {
  constructor(readonly text: string) {}
}

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function textOf(value: unknown): string {
  if (value instanceof Html) return value.text;
  if (Array.isArray(value)) return value.map(textOf).join('');
  if (value === null || value === undefined || value === false) return '';
  return String(value).replace(/[&<>"']/g, (character) => ESCAPES[character]);
}

/** A template whose values are escaped, unless they are `Html`. */
export function html(parts: TemplateStringsArray, ...values: unknown[]): Html {
  return new Html(parts.map((part, at) => (at === 0 ? part : textOf(values[at - 1]) + part)).join(''));
}

/** An element with JSON for a page's script. No character of the data can end the element. */
export function jsonElement(id: string, data: unknown): Html {
  const json = new Html(JSON.stringify(data).replaceAll('<', '\\u003c'));
  return html`<script type="application/json" id="${id}">${json}</script>`;
}

/** A column of a table: its heading and its cells. The first column names the row. */
export interface Column<Row> {
  heading: string;
  cell(row: Row): unknown;
}

/** A table that scrolls sideways in its own box, which takes the keyboard's focus. A table of words is aligned at the left. */
export function table<Row>(
  caption: string,
  columns: readonly Column<NoInfer<Row>>[],
  rows: readonly Row[],
  of: 'numbers' | 'words' = 'numbers',
): Html {
  const head = columns.map(({ heading }) => html`<th scope="col">${heading}</th>`);
  const [first, ...others] = columns;
  const body = rows.map(
    (row) =>
      html`<tr><th scope="row">${first.cell(row)}</th>${others.map(
        ({ cell }) => html`<td>${cell(row)}</td>`,
      )}</tr>\n`,
  );
  return html`<div class="scroll ${of}" role="region" aria-label="${caption}" tabindex="0"><table>
<caption>${caption}</caption>
<thead><tr>${head}</tr></thead>
<tbody>${body}</tbody></table></div>`;
}
