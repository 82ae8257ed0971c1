import type { Example } from '../data/dataset.js';
import { encodeTexts } from '../data/encoded-data.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { randomRules } from '../grammar/random-rules.js';
import { relabelled, type SeededRelabelling } from '../grammar/relabelling.js';
import type { RuleSet } from '../grammar/rules.js';
import type { EncodedSentence } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { pairsOf } from './sparsity.js';

/** What `--rules random` means: a name for rules that need the data to be drawn. */
export const RANDOM_RULES = 'random';

/** Examples as a model under the paper's rules reads them, by their own tags where they have some. */
function encoded(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces = Number.POSITIVE_INFINITY,
): EncodedSentence[] {
  const reading = { vocabulary, mostPieces, rules: PAPER_RULES, tags: PIECE_TAGS, ownTags: false };
  return encodeTexts(examples, reading).sentences;
}

/** The share of all pairs of some sentences that the paper's hard rules allow. */
export function paperDensity(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces?: number,
): number {
  return pairsOf(encoded(examples, vocabulary, mostPieces)).hardDensity(PAPER_RULES);
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
  const sentences = encoded(examples, vocabulary, mostPieces);
  const counts = pairsOf(sentences);
  const others = relabelling
    ? pairsOf(sentences.map((sentence) => relabelled(sentence, relabelling, vocabulary)))
    : counts;
  return randomRules(others, counts.hardDensity(PAPER_RULES), seed);
}
