/** Words that negate the following words, and words that contrast two halves of a sentence. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  negation: [
    'not',
    "n't",
    'no',
    'never',
    'nor',
    'neither',
    'nothing',
    'nobody',
    'without',
    'hardly',
    'barely',
  ],
  contrast: ['but', 'although', 'though', 'yet', 'however', 'despite', 'while', 'instead'],
};

export const SUBSETS: readonly string[] = Object.keys(WORDS);

/** Whether a sentence has a word of a subset. Words and contractions are split by spaces, as in SST-2. */
export function isInSubset(text: string, subset: string): boolean {
  const words = text.toLowerCase().split(/\s+/);
  return words.some((word) =>
    WORDS[subset].some((wanted) => word === wanted || (wanted === "n't" && word.endsWith(wanted))),
  );
}
