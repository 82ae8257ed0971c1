/** Words that turn what follows, and words that set one half of a sentence against the other. */
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

/** Whether a sentence has one of the words of a subset, as SST-2 writes words: apart, contractions split off. */
export function isInSubset(text: string, subset: string): boolean {
  const words = text.toLowerCase().split(/\s+/);
  return words.some((word) =>
    WORDS[subset].some((wanted) => word === wanted || (wanted === "n't" && word.endsWith(wanted))),
  );
}
