import { type Html, html } from '../page/html.js';
import { fittedText, textWidth } from '../page/text-width.js';

/** Consecutive tokens with a label. */
export interface Span {
  text: string;
  start: number;
  length: number;
}

/** A label along the axis, moved away from the middle of its span where there is no room. */
export interface Label {
  text: string;
  middle: number;
  at: number;
}

/** Side of a matrix of pairs, in units of the picture. */
export const SIDE = 330;

/** Height of a label along the axis, in units of the picture. */
const ROOM = 11.5;
/** Size of the labels' font, as in the page's style. */
const FONT_SIZE = 10.5;
/** The longest label, in units of the picture. */
const LONGEST = 84;
/** The margin that the names of the axes need. */
const LEAST_MARGIN = 58;
/** Length of the line from the picture to a label. */
const LEADER = 8;

/** The spans that have room: the longest, or every n-th where all have the same length. */
function chosen(spans: readonly Span[], most: number): Span[] {
  if (spans.length <= most) return [...spans];
  const isEven = spans.every(({ length }) => length === spans[0].length);
  const step = Math.ceil(spans.length / most);
  if (isEven) return spans.filter((_, index) => index % step === 0);
  const longest = [...spans].sort((a, b) => b.length - a.length || a.start - b.start).slice(0, most);
  return longest.sort((a, b) => a.start - b.start);
}

/**
 * Labels for spans along an axis. Some are left out where there are too many, and they are moved apart where they would overlap.
 * @param cell Length of a token along the axis.
 * @param side Length of the axis.
 */
export function spacedLabels(spans: readonly Span[], cell: number, side: number): Label[] {
  const labelled = chosen(spans, Math.floor(side / ROOM)).map(({ text, start, length }) => {
    return { text, middle: (start + length / 2) * cell };
  });
  // First each label moves down until it is clear of the one before, then up until the last one is inside.
  const positions = labelled.map(({ middle }) => middle);
  for (let index = 0; index < positions.length; index++) {
    const least = index === 0 ? ROOM / 2 : positions[index - 1] + ROOM;
    positions[index] = Math.max(positions[index], least);
  }
  for (let index = positions.length - 1; index >= 0; index--) {
    const last = index === positions.length - 1 ? side - ROOM / 2 : positions[index + 1] - ROOM;
    positions[index] = Math.min(positions[index], last);
  }
  return labelled.map(({ text, middle }, index) => ({
    text: fittedText(text, LONGEST, FONT_SIZE),
    middle,
    at: positions[index],
  }));
}

/** The margin at the left and above for the labels and for the names of the axes. */
export function labelMargin(labels: readonly Label[]): number {
  const widths = labels.map(({ text }) => textWidth(text, FONT_SIZE));
  return Math.ceil(Math.max(LEAST_MARGIN, LEADER + 4 + Math.max(0, ...widths)));
}

function oneDigit(value: number): string {
  return value.toFixed(1);
}

/** Labels at the left of a picture, whose corner is the origin. */
function rowLabels(labels: readonly Label[]): Html {
  return html`<g class="labels" text-anchor="end">${labels.map(
    ({ text, middle, at }) =>
      html`<path d="M-1 ${oneDigit(middle)}L${-LEADER} ${oneDigit(at)}"/><text x="${-LEADER - 2}" y="${oneDigit(at + 3.7)}">${text}</text>`,
  )}</g>`;
}

/** Labels above a picture, turned by 90 degrees. */
function columnLabels(labels: readonly Label[]): Html {
  return html`<g class="labels">${labels.map(
    ({ text, middle, at }) =>
      html`<path d="M${oneDigit(middle)} -1L${oneDigit(at)} ${-LEADER}"/><text transform="translate(${oneDigit(at + 3.7)} ${-LEADER - 2}) rotate(-90)">${text}</text>`,
  )}</g>`;
}

interface MatrixPicture {
  /** The element that names the picture. */
  titleId: string;
  /** The picture in words, and the id of their element. */
  description?: { id: string; text: string };
  /** The labels of rows and columns, which have the same order. */
  spans: readonly Span[];
  /** Whether tokens are in the text's order or in the plan's. */
  order: 'reading' | 'sorted';
  /** The content: a square of `SIDE` units. */
  content: Html;
}

/** A matrix of pairs: queries down, keys across, with labels along both sides. */
export function matrixPicture({ titleId, description, spans, order, content }: MatrixPicture): Html {
  const tokens = spans.reduce((sum, { length }) => sum + length, 0);
  const labels = spacedLabels(spans, SIDE / tokens, SIDE);
  const margin = labelMargin(labels);
  const width = margin + SIDE + 4;
  return html`<svg class="plot" viewBox="0 0 ${width} ${width}" role="img" aria-labelledby="${titleId}"${description && html` aria-describedby="${description.id}"`}>
${description && html`<desc id="${description.id}">${description.text}</desc>\n`}<text class="axis" x="${margin - 4}" y="11" text-anchor="end">keys →</text><text class="axis" x="4" y="${margin - 8}">queries ↓</text>
<g transform="translate(${margin} ${margin})" data-order="${order}" data-side="${SIDE}">
<rect class="frame" width="${SIDE}" height="${SIDE}"/>
${content}
${rowLabels(labels)}${columnLabels(labels)}
</g></svg>`;
}
