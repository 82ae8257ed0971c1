import type { Example } from '../data/dataset.js';
import { randomRules } from '../grammar/density-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import type { RuleSet } from '../grammar/rules.js';
import { TaggedTokenizer, type TokenizerOptions } from '../grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { pairsOf } from './sparsity.js';

/** What `--rules random` means: a name for rules that need the data to be drawn. */
export const RANDOM_RULES = 'random';

/** The share of all pairs of some texts that the paper's hard rules allow, under the tags that the tagger gives. */
export function paperDensity(
  examples: readonly Example[],
  vocabulary: Vocabulary,
  maxLength?: number,
): number {
  const tokenizer = new TaggedTokenizer({ vocabulary, maxLength }, PAPER_RULES.tags);
  return pairsOf(tokenizer.encode(examples)).hardDensity(PAPER_RULES);
}

/**
 * Rules drawn at random that allow the same number of pairs of these texts as the paper's hard rules.
 * @param tagNoise Applies to the pairs of the drawn rules; those of the paper's are counted without it.
 */
export function randomRulesFor(
  examples: readonly Example[],
  { tagNoise, ...options }: TokenizerOptions,
  seed: number,
): RuleSet {
  const texts = new TaggedTokenizer(options, PAPER_RULES.tags).encode(examples);
  const counts = pairsOf(texts);
  const noisy = tagNoise && new TaggedTokenizer({ ...options, tagNoise }, PAPER_RULES.tags);
  const noisyCounts = noisy ? pairsOf(noisy.encode(examples)) : counts;
  return randomRules(noisyCounts, counts.hardDensity(PAPER_RULES), seed);
}
