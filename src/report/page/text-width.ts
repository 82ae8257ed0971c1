/** Widths of characters as shares of the font's size, those of the widest fonts that `system-ui` commonly stands for. */
const WIDTHS: readonly (readonly [characters: RegExp, width: number])[] = [
  [/[\p{M}\p{Cf}]/u, 0],
  [/[ilj.,:;'’"|!ftrI()[\]\-·° ]/, 0.42],
  [/[mwMW@%–—…]/, 1],
  [/[A-Z&]/, 0.79],
  [/[\0-~]/, 0.65],
  [/[\u0080-\u10ff]/, 0.85],
];

/** Of what is left: Chinese characters, emoji. */
const WIDEST = 1.4;

function characterWidth(character: string): number {
  return WIDTHS.find(([characters]) => characters.test(character))?.[1] ?? WIDEST;
}

/** How wide a text is at most in a plain sans-serif font, in the units of the font's size. Pictures are drawn where no font is. */
export function textWidth(text: string, size: number): number {
  return size * [...text].reduce((sum, character) => sum + characterWidth(character), 0);
}

/** A text as there is room for it: whole, or its beginning with an ellipsis. */
export function fittedText(text: string, room: number, size: number): string {
  if (textWidth(text, size) <= room) return text;
  const characters = [...text];
  while (characters.length > 0 && textWidth(`${characters.join('')}…`, size) > room) characters.pop();
  return `${characters.join('')}…`;
}
