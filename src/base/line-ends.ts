/** Whether the first line ends in a carriage return alone. */
function isOfReturns(text: string, quotes: boolean): boolean {
  let inQuotes = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quotes && character === '"') inQuotes = !inQuotes;
    else if (!inQuotes && character === '\n') return false;
    else if (!inQuotes && character === '\r') return text[at + 1] !== '\n';
  }
  return false;
}

/**
 * A text whose lines end in "\n" or "\r\n". Old programs for the Macintosh end lines in "\r" alone: where the first line does, all
 * line breaks become "\n". Other texts stay as they are, and a "\r" in their lines is white space.
 * @param quotes Whether line breaks in quotation marks end no line, as in CSV.
 */
export function withLineFeeds(text: string, { quotes = false } = {}): string {
  return isOfReturns(text, quotes) ? text.replace(/\r\n?/g, '\n') : text;
}
