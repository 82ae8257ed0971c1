/** Edits (insert, delete, replace, swap neighbours) that turn one word into another: the optimal string alignment distance. */
function edits(a: string, b: string): number {
  const rows = [Array.from({ length: b.length + 1 }, (_, column) => column)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const replaced = rows[i - 1][j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      row.push(Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, replaced));
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      if (isSwap) row[j] = Math.min(row[j], rows[i - 2][j - 2] + 1);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/** The most edits of a word that count as a typing mistake, as in commander. */
const MOST_EDITS = 3;

/** The fewest letters of a word that is corrected: shorter words are similar to too many others. */
const LEAST_LETTERS = 3;

/** The candidate that a misspelt word probably means, in any case of letters; undefined where none is near. */
export function closest(word: string, candidates: readonly string[]): string | undefined {
  if (word.length < LEAST_LETTERS || word.length > 60) return undefined;
  let best: { candidate: string; distance: number } | undefined;
  for (const candidate of candidates) {
    if (Math.abs(candidate.length - word.length) > MOST_EDITS) continue;
    const distance = edits(word.toLowerCase(), candidate.toLowerCase());
    const isNear = distance <= Math.min(MOST_EDITS, Math.ceil(0.4 * candidate.length));
    if (isNear && distance < (best?.distance ?? Number.POSITIVE_INFINITY)) best = { candidate, distance };
  }
  return best?.candidate;
}
