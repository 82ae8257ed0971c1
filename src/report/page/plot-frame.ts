import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { Html, html } from './html.js';
import { PICTURE_STYLE } from './page-style.js';
import { fittedText, textWidth } from './text-width.js';

const { document } = parseHTML('<!doctype html><html><body></body></html>');

// Small enough for a phone: no text is shown in less than ten pixels.
const WIDTH = 400;
const HEIGHT = 290;

/** Shapes of markers, which can be distinguished without colour. */
export const MARKERS = ['circle', 'square', 'triangle', 'diamond', 'star', 'cross', 'wye'] as const;

/** How a series is drawn. The colour is a variable of the page's style, with one value for light and one for dark. */
export interface Look {
  colour: string;
  marker: (typeof MARKERS)[number];
  dashes: string;
}

/** A series of a plot, as its legend shows it. */
export interface Drawn {
  name: string;
  look: Look;
  /** Drawn as bars instead of a line with markers. */
  isBar?: boolean;
}

/** A plot with its title, legend and explanation. */
export interface Figure {
  /** States the point. */
  title: string;
  /** One line for someone who has not read the paper. */
  explanation: string;
  /** The plot's content in words, for screen readers. */
  description: string;
  series: readonly Drawn[];
  /** In units of the picture, which is 400 of them wide; `HEIGHT` by default. */
  height?: number;
  options: Plot.PlotOptions;
}

function draw(options: Plot.PlotOptions): Html {
  // Only the content of Plot's element is used: its style sheet and its outer element do not fit this page.
  const drawn = Plot.plot({ ...options, document: document as unknown as Document });
  drawn.querySelector('style')?.remove();
  // Groups have no role, so they may have no name. The figure has one, and a description.
  for (const group of Array.from(drawn.querySelectorAll('g[aria-label]')))
    group.removeAttribute('aria-label');
  return new Html(drawn.innerHTML);
}

function swatch({ look, isBar }: Drawn): Html {
  const across = [
    { x: 0.05, y: 0.5 },
    { x: 0.95, y: 0.5 },
  ];
  const marks = isBar
    ? [Plot.rectY([{}], { x1: 0.1, x2: 0.9, y1: 0, y2: 1, fill: look.colour })]
    : [line(across, look), markers([{ x: 0.5, y: 0.5 }], look)];
  const inside = draw({
    width: 34,
    height: 14,
    margin: 0,
    axis: null,
    x: { domain: [0, 1] },
    y: { domain: [0, 1] },
    marks,
  });
  return html`<svg viewBox="0 0 34 14" width="34" height="14" aria-hidden="true">${inside}</svg>`;
}

function plotOf({ height = HEIGHT, options }: Figure): Html {
  const margins = { marginTop: 30, marginRight: 18, marginBottom: 42, marginLeft: 62 };
  return draw({ width: WIDTH, height, ...margins, ...options });
}

/** Heights of the title above and of the explanation below each figure of a picture. */
const [ABOVE, BELOW] = [24, 26];

/** Room for a name of the legend, and for a row of it. */
const [KEY_WIDTH, KEY_HEIGHT] = [186, 18];

/** Figures side by side as one SVG file, for pages that are not ours. */
export function figuresSvg(figures: readonly Figure[]): string {
  const plots = ABOVE + Math.max(...figures.map((one) => one.height ?? HEIGHT)) + BELOW;
  const height = plots + KEY_HEIGHT * Math.ceil(Math.max(...figures.map(({ series }) => series.length)) / 2);
  const width = WIDTH * figures.length;
  const panels = figures.map((one, at) => {
    const below = ABOVE + (one.height ?? HEIGHT) + 14;
    return html`<g transform="translate(${WIDTH * at} 0)">
<text class="title" x="14" y="16">${one.title}</text>
<svg class="plot" y="${ABOVE}" width="${WIDTH}" height="${one.height ?? HEIGHT}" text-anchor="middle" fill="currentColor"><desc>${one.description}</desc>
${plotOf(one)}</svg>
<text class="caption" x="14" y="${below}">${one.explanation}</text>
${one.series.map((drawn, key) => {
  const [x, y] = [14 + KEY_WIDTH * (key % 2), plots + KEY_HEIGHT * (key >> 1)];
  return html`<g transform="translate(${x} ${y - 6})">${swatch(drawn)}<text x="40" y="11">${drawn.name}</text></g>`;
})}
</g>`;
  });
  return html`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<style>${new Html(PICTURE_STYLE)}</style>
<rect width="${width}" height="${height}" fill="var(--background)"/>
${panels}
</svg>
`.text;
}

/** A figure: title, plot, legend, explanation. */
export function figure(drawn: Figure, id: string): Html {
  const { title, explanation, description, series, height = HEIGHT } = drawn;
  const inside = plotOf(drawn);
  const legend = series.map((one) => html`<li>${swatch(one)} ${one.name}</li>`);
  return html`<figure aria-labelledby="${id}-title">
<h4 id="${id}-title">${title}</h4>
<svg class="plot" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${title}" aria-describedby="${id}-words" text-anchor="middle" fill="currentColor">
<desc id="${id}-words">${description}</desc>
${inside}</svg>
<ul class="legend">${legend}</ul>
<figcaption>${explanation}</figcaption>
</figure>
`;
}

/** A point with its interval, and the text beside the pointer. */
export interface Point {
  x: number;
  y: number;
  low?: number;
  high?: number;
  title?: string;
}

export function line(points: readonly Point[], look: Look, dx = 0): Plot.Markish {
  const { colour, dashes } = look;
  return Plot.line(points, { x: 'x', y: 'y', stroke: colour, strokeWidth: 2, strokeDasharray: dashes, dx });
}

export function markers(points: readonly Point[], look: Look, dx = 0): Plot.Markish {
  const { colour, marker } = look;
  return Plot.dot(points, { x: 'x', y: 'y', fill: colour, symbol: marker, r: 4, title: 'title', dx });
}

export function intervals(points: readonly Point[], look: Look, dx = 0): Plot.Markish {
  const options = { x: 'x', y1: 'low', y2: 'high', stroke: look.colour, strokeOpacity: 0.75, dx };
  return Plot.ruleX(points, options);
}

/** The horizontal shift of one of several series, so that their intervals do not hide each other. */
export function aside(at: number, of: number): number {
  return (at - (of - 1) / 2) * Math.min(3, 20 / of);
}

/** A horizontal axis with its label below the middle. */
export function horizontalAxis(label: string, options: Plot.ScaleOptions): Plot.ScaleOptions {
  return { label, labelAnchor: 'center', labelArrow: 'none', ...options };
}

/** A linear vertical axis with lines across the picture. */
export function verticalAxis(label: string, domain: readonly [number, number], ticks = 6): Plot.ScaleOptions {
  return { domain, grid: true, ticks, label, labelArrow: 'none' };
}

/** Size of the font of all pictures, as the page's style has it. */
const FONT_SIZE = 12;

/** Room for a name at the left of a picture. */
const NAME_ROOM = 150;

/** A vertical axis with a row for each name, and the margin that the names need. */
export function nameAxis(
  names: readonly string[],
  scale: Plot.ScaleOptions,
): Pick<Plot.PlotOptions, 'marginLeft' | 'y'> {
  const shortName = (name: string) => fittedText(name, NAME_ROOM, FONT_SIZE);
  return {
    marginLeft: 14 + Math.max(...names.map((name) => textWidth(shortName(name), FONT_SIZE))),
    y: { ...scale, domain: names, label: null, tickFormat: shortName, tickSize: 0 },
  };
}

/**
 * A logarithmic scale from a value on. D3's own (`log`) leaves out the labels of ticks such as 8000, also where the ticks are given;
 * this one (`symlog`) differs from it by a millionth.
 */
function logScale(from: number): Plot.ScaleOptions {
  return { type: 'symlog', constant: from / 1e6 };
}

/** A logarithmic axis of lengths, with a tick at each measured length that has room. */
export function lengthAxis(lengths: readonly number[]): Plot.ScaleOptions {
  const [shortest, longest] = [lengths[0], lengths[lengths.length - 1]];
  const room = Math.log(longest / shortest) / 9;
  const ticks: number[] = [];
  for (const length of [...lengths].reverse()) {
    if (ticks.length === 0 || Math.log(ticks[ticks.length - 1] / length) > room) ticks.push(length);
  }
  const domain = shortest < longest ? [shortest, longest] : [shortest / 2, longest * 2];
  const label = 'length of a sequence, tokens (log)';
  return horizontalAxis(label, { ...logScale(domain[0]), domain, ticks, tickFormat: String, inset: 14 });
}

/** A logarithmic axis over some values: ticks at powers of ten, and at their doubles and halves where there is room. */
export function logAxis(values: readonly number[], label: string): Plot.ScaleOptions {
  const [least, most] = [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
  const steps = most / least < 200 ? [1, 2, 5] : [1];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(least)); power <= Math.log10(most); power++) {
    ticks.push(...steps.map((step) => Number(`${step}e${power}`)).filter((at) => at >= least && at <= most));
  }
  const domain = [least, most];
  return { ...logScale(least), domain, ticks, tickFormat: String, grid: true, label, labelArrow: 'none' };
}
