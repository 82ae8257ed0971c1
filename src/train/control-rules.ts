import type { Example } from '../data/dataset.js';
import type { Text } from '../grammar/custom-tags.js';
import { permutedRules, randomRules } from '../grammar/density-rules.js';
import { PAPER_RULES } from '../grammar/presets.js';
import { splitEdits, withEdits } from '../grammar/rule-edits.js';
import type { RuleSet } from '../grammar/rules.js';
import { TaggedTokenizer, type TokenizerOptions } from '../grammar/tagged-tokenizer.js';
import type { Vocabulary } from '../grammar/vocabulary.js';
import { pairsOf } from './sparsity.js';

/** Rules that need the data to be drawn. */
export interface DrawnRules {
  /** `random` draws pairs of tags; `permuted` renames the tags of the paper's rules. */
  how: 'random' | 'permuted';
  seed: number;
  /** Edits of `splitEdits`, applied to the rules that were drawn. */
  edits: readonly string[];
}

/**
 * How to draw the rules of a name such as `random`, `permuted` or `permuted:7 readout:VERB`; undefined for other names.
 * @param seed The seed of the run, for a name without a seed.
 */
export function drawnRules(name: string, seed: number): DrawnRules | undefined {
  const { base, edits } = splitEdits(name);
  const [, how, written] = /^(random|permuted)(?::(\d{1,9}))?$/.exec(base) ?? [];
  return how ? { how: how as DrawnRules['how'], seed: Number(written ?? seed), edits } : undefined;
}

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
 * Draws rules that allow about the same number of pairs of these texts as the paper's hard rules.
 * @param tagNoise Applies to the pairs of the drawn rules; those of the paper's are counted without it.
 */
export function drawRules(
  { how, seed, edits }: DrawnRules,
  examples: readonly Text[],
  { tagNoise, ...options }: TokenizerOptions,
): RuleSet {
  const texts = new TaggedTokenizer(options, PAPER_RULES.tags).encode(examples);
  const counts = pairsOf(texts);
  const noisy = tagNoise && new TaggedTokenizer({ ...options, tagNoise }, PAPER_RULES.tags);
  const noisyCounts = noisy ? pairsOf(noisy.encode(examples)) : counts;
  const density = counts.hardDensity(PAPER_RULES);
  const rules =
    how === 'random'
      ? randomRules(noisyCounts, density, seed)
      : permutedRules(PAPER_RULES, noisyCounts, density, seed);
  return withEdits(rules, edits);
}
