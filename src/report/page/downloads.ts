/**
 * The script with which a page offers its figures and tables as files. The page contains the source text of these functions, so
 * they may use only their arguments, the other functions and constants of this file, and what every browser has.
 */

/** Pixels of a PNG for each unit of a figure. */
const PNG_SCALE = 3;
/** Height of a line of a figure's legend, in units of the figure. */
const LEGEND_LINE = 18;

/** A field of CSV (RFC 4180), in quotation marks where it needs them. */
export function csvField(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows of cells as CSV. */
export function csvOf(rows: readonly (readonly string[])[]): string {
  return rows.map((row) => `${row.map(csvField).join(',')}\r\n`).join('');
}

/** Rows of cells, the first of them headings, as a LaTeX table. Its rules need the package booktabs. */
export function latexOf(caption: string, rows: readonly (readonly string[])[]): string {
  const special: Readonly<Record<string, string>> = {
    '\\': '\\textbackslash{}',
    '~': '\\textasciitilde{}',
    '^': '\\textasciicircum{}',
    '–': '--',
    '−': '$-$',
    '×': '$\\times$',
    '→': '$\\to$',
    β: '$\\beta$',
    '<': '\\textless{}',
    '>': '\\textgreater{}',
    '|': '\\textbar{}',
    // After the end of a row, a bracket would be read as the space below it.
    '[': '{[}',
    // Two hyphens would become a dash.
    '-': '-{}',
  };
  const escaped = (text: string) =>
    text.replace(/-(?=-)|[\\~^–−×→β<>|[]|[&%$#_{}]/g, (found) => special[found] ?? `\\${found}`);
  const lines = rows.map((row) => `${row.map(escaped).join(' & ')} \\\\`);
  return [
    '\\begin{table}',
    `\\caption{${escaped(caption)}}`,
    `\\begin{tabular}{l${'r'.repeat(rows[0].length - 1)}}`,
    '\\toprule',
    lines[0],
    '\\midrule',
    ...lines.slice(1),
    '\\bottomrule',
    '\\end{tabular}',
    '\\end{table}',
    '',
  ].join('\n');
}

/** The cells of a table as text, row by row. What is hidden from screen readers is left out. */
export function cellsOf(table: HTMLTableElement): string[][] {
  return Array.from(table.querySelectorAll('tr'), (row) =>
    Array.from(row.querySelectorAll('th, td'), (cell) => {
      const copy = cell.cloneNode(true) as Element;
      for (const hidden of Array.from(copy.querySelectorAll('[aria-hidden="true"]'))) hidden.remove();
      return copy.textContent!.replace(/\s+/g, ' ').trim();
    }),
  );
}

/** A figure's plot with its legend, as an SVG file that needs no page: the page's styles are inside. */
function svgOf(figure: Element): { text: string; width: number; height: number } {
  const { ownerDocument: document } = figure;
  const copy = figure.querySelector('svg.plot')!.cloneNode(true) as Element;
  const space = copy.namespaceURI;
  const [left, top, width, plotHeight] = copy.getAttribute('viewBox')!.split(' ').map(Number);
  let height = plotHeight;
  for (const item of Array.from(figure.querySelectorAll('.legend li'))) {
    const line = document.createElementNS(space, 'g');
    line.setAttribute('transform', `translate(${left + 8} ${top + height})`);
    const swatch = item.querySelector('svg')?.cloneNode(true) as Element | undefined;
    if (swatch) line.append(swatch);
    const name = document.createElementNS(space, 'text');
    name.setAttribute('x', String(swatch ? Number(swatch.getAttribute('width')) + 6 : 0));
    name.setAttribute('y', '11');
    name.setAttribute('text-anchor', 'start');
    name.setAttribute('fill', 'currentColor');
    name.textContent = item.textContent!.trim();
    line.append(name);
    copy.append(line);
    height += LEGEND_LINE;
  }
  const style = document.createElementNS(space, 'style');
  style.textContent = Array.from(document.styleSheets)
    .flatMap((sheet) => Array.from(sheet.cssRules, ({ cssText }) => cssText))
    .join('\n');
  copy.prepend(style);
  copy.setAttribute('viewBox', `${left} ${top} ${width} ${height}`);
  copy.setAttribute('width', String(width));
  copy.setAttribute('height', String(height));
  // Not as an attribute: the policies of some pages forbid these.
  Object.assign((copy as SVGSVGElement).style, {
    width: `${width}px`,
    height: `${height}px`,
    color: 'var(--text)',
    background: 'var(--background)',
  });
  return { text: new XMLSerializer().serializeToString(copy), width, height };
}

/** A PNG of an SVG file. */
async function pngOf({ text, width, height }: ReturnType<typeof svgOf>): Promise<Blob> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(text)}`;
  await image.decode();
  const canvas = document.createElement('canvas');
  canvas.width = width * PNG_SCALE;
  canvas.height = height * PNG_SCALE;
  canvas.getContext('2d')!.drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob((png) => resolve(png!), 'image/png'));
}

/** Adds buttons to each figure and table of the page, also to those that appear later. */
export function offerDownloads(document: Document): void {
  const save = (name: string, content: Blob) => {
    const link = document.createElement('a');
    link.href = URL.createObjectURL(content);
    link.download = name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  };
  const fileName = (title: string) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N}]+/gu, '-')
      .replace(/^-|-$/g, '')
      .slice(0, 60) || 'parsimony';
  const add = (after: Element, title: string, files: Record<string, () => Blob | Promise<Blob>>) => {
    const line = document.createElement('p');
    line.className = 'downloads';
    for (const [kind, content] of Object.entries(files)) {
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = kind.toUpperCase();
      button.ariaLabel = `Download ${kind.toUpperCase()}: ${title}`;
      button.addEventListener('click', async () => save(`${fileName(title)}.${kind}`, await content()));
      line.append(button);
    }
    after.after(line);
  };
  const offer = () => {
    for (const figure of Array.from(document.querySelectorAll('figure:not([data-offered])'))) {
      const plot = figure.querySelector('svg.plot');
      if (!plot) continue;
      (figure as HTMLElement).dataset.offered = '';
      const title = figure.querySelector('h3, h4')?.textContent ?? document.title;
      add(figure.lastElementChild!, title, {
        svg: () => new Blob([svgOf(figure).text], { type: 'image/svg+xml' }),
        png: () => pngOf(svgOf(figure)),
      });
    }
    for (const table of Array.from(
      document.querySelectorAll<HTMLTableElement>('table:not([data-offered])'),
    )) {
      table.dataset.offered = '';
      const caption = table.querySelector('caption')?.textContent;
      if (!caption) continue;
      add(table.closest('.scroll') ?? table, caption, {
        csv: () => new Blob([csvOf(cellsOf(table))], { type: 'text/csv' }),
        tex: () => new Blob([latexOf(caption, cellsOf(table))], { type: 'application/x-tex' }),
      });
    }
  };
  offer();
  new MutationObserver(offer).observe(document.body, { childList: true, subtree: true });
}

/** The script of the downloads. */
export function downloadsScript(): string {
  const functions = [csvField, csvOf, latexOf, cellsOf, svgOf, pngOf, offerDownloads].map((each) =>
    each.toString(),
  );
  const constants = Object.entries({ PNG_SCALE, LEGEND_LINE }).map(
    ([name, value]) => `const ${name} = ${value};`,
  );
  return `${[...constants, ...functions].join('\n')}\nofferDownloads(document);`;
}
