import type { Example } from '../data/dataset.js';
import { PairCounts } from '../grammar/pair-counts.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { randomRules } from '../grammar/random-rules.js';
import { type Relabelling, relabelled, tagNames } from '../grammar/relabelling.js';
import type { RuleSet } from '../grammar/rules.js';
import { encodeSentence } from '../grammar/tagged-pieces.js';
import type { Vocabulary } from '../grammar/vocabulary.js';

/** How a model's sentences get other tags than the tagger's. */
export interface RelabellingOfModel {
  how: Relabelling;
  seed: number;
}

/** What `--rules random` means: a name for rules that need the data to be drawn. */
export const RANDOM_RULES = 'random';

/**
 * Rules drawn at random that allow as many pairs of these sentences as the paper's hard rules do.
 * @param relabelling Under which tags the rules drawn shall allow so many; the paper's are counted under the tagger's own.
 */
export function randomRulesFor(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  mostPieces: number,
  seed: number,
  relabelling?: RelabellingOfModel,
): RuleSet {
  const sentences = examples.map(({ text }) => encodeSentence(text, vocabulary, mostPieces));
  const grammar = PairCounts.ofTexts(sentences.map(tagNames));
  const density = grammar.hardDensity(PAPER_RULES);
  if (!relabelling) return randomRules(grammar, density, seed);
  const { how, seed: tagSeed } = relabelling;
  const others = sentences.map((sentence) => tagNames(relabelled(sentence, how, vocabulary, tagSeed)));
  return randomRules(PairCounts.ofTexts(others), density, seed);
}
