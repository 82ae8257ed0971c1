import type { Example } from '../data/dataset.js';
import { PairCounts } from '../grammar/pair-counts.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { randomRules } from '../grammar/random-rules.js';
import { relabelled, type SeededRelabelling, tagNames } from '../grammar/relabelling.js';
import type { RuleSet } from '../grammar/rules.js';
import { encodeSentence } from '../grammar/tagged-pieces.js';
import type { Vocabulary } from '../grammar/vocabulary.js';

/** What `--rules random` means: a name for rules that need the data to be drawn. */
export const RANDOM_RULES = 'random';

/** The share of all pairs of some sentences that the paper's hard rules allow. */
export function paperDensity(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces?: number,
): number {
  return countsOf(examples, vocabulary, mostPieces).hardDensity(PAPER_RULES);
}

function countsOf(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces?: number,
  relabelling?: SeededRelabelling,
): PairCounts {
  const tags = examples.map(({ text }) => {
    const sentence = encodeSentence(text, vocabulary, mostPieces);
    if (!relabelling) return tagNames(sentence);
    return tagNames(relabelled(sentence, relabelling, vocabulary));
  });
  return PairCounts.ofTexts(tags);
}

/**
 * Rules drawn at random that allow as many pairs of these sentences as the paper's hard rules do.
 * @param relabelling Under which tags the rules drawn shall allow so many; the paper's are counted under the tagger's own.
 */
export function randomRulesFor(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces: number,
  seed: number,
  relabelling?: SeededRelabelling,
): RuleSet {
  const density = paperDensity(examples, vocabulary, mostPieces);
  return randomRules(countsOf(examples, vocabulary, mostPieces, relabelling), density, seed);
}
