/** Widths of characters as shares of the font's size, in the widest of the common fonts for `system-ui`. */
const WIDTHS: readonly (readonly [characters: RegExp, width: number])[] = [
  [/[\p{M}\p{Cf}]/u, 0],
  [/[ilj.,:;'’"|!ftrI()[\]\-·° ]/, 0.42],
  [/[mwMW@%–—…]/, 1],
  [/[A-Z&]/, 0.79],
  [/[\0-~]/, 0.65],
  [/[\u0080-\u10ff]/, 0.85],
];

/** All other characters: Chinese ones, emoji. */
const WIDEST = 1.4;

function characterWidth(character: string): number {
  return WIDTHS.find(([characters]) => characters.test(character))?.[1] ?? WIDEST;
}

/** The largest width of a text in a plain sans-serif font, in units of the font's size. Node has no font to measure it with. */
export function textWidth(text: string, size: number): number {
  return size * [...text].reduce((sum, character) => sum + characterWidth(character), 0);
}

/** A text that fits into some room: whole, or its beginning with an ellipsis. */
export function fittedText(text: string, room: number, size: number): string {
  if (textWidth(text, size) <= room) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size) > room) characters.pop();
  return `${characters.join('')}…`;
}
