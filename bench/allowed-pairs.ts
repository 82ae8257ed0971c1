import type { RuleSet, Strategy, Tag } from '../src/grammar/rules.js';
import { type ReferencePlaces, referenceTokenBias } from './reference-pairs.js';

/** The tokens of a packed batch, in the caller's order. */
export interface PackedText extends Pick<ReferencePlaces, 'sentences' | 'causal'> {
  tags: readonly Tag[];
  /** Tokens of each sequence. */
  lengths: readonly number[];
}

/** The tags of each sequence. */
export function sequencesOf({ tags, lengths }: PackedText): Tag[][] {
  let start = 0;
  return lengths.map((length) => {
    start += length;
    return tags.slice(start - length, start);
  });
}

/** Tokens of each tag, sequence by sequence. */
export function countTags(text: PackedText): Map<Tag, number>[] {
  return sequencesOf(text).map((tags) => {
    const counts = new Map<Tag, number>();
    for (const tag of tags) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    return counts;
  });
}

/** The number of pairs that rules allow in a text: from its tag counts where positions do not matter, otherwise pair by pair. */
export function allowedPairs(text: PackedText, rules: RuleSet, strategy: Strategy): number {
  const isPositional = [...rules.hard, ...rules.soft].some(
    ([, , scope = 'document']) => scope !== 'document',
  );
  return isPositional || text.causal
    ? countedByPairs(text, rules, strategy)
    : countedByTags(text, rules, strategy);
}

function countedByTags(text: PackedText, rules: RuleSet, strategy: Strategy): number {
  const tags = [...new Set(text.tags)];
  // One token of each tag is enough: without scopes, only the tags decide.
  const biasOf = referenceTokenBias(rules, strategy, tags, { learned: () => 0 });
  let pairs = 0;
  for (const counts of countTags(text)) {
    tags.forEach((query, row) => {
      tags.forEach((key, column) => {
        if (biasOf(row, column) !== undefined) pairs += (counts.get(query) ?? 0) * (counts.get(key) ?? 0);
      });
    });
  }
  return pairs;
}

function countedByPairs(text: PackedText, rules: RuleSet, strategy: Strategy): number {
  const biasOf = referenceTokenBias(rules, strategy, text.tags, { ...text, learned: () => 0 });
  let pairs = 0;
  let start = 0;
  for (const length of text.lengths) {
    for (let query = start; query < start + length; query++) {
      for (let key = start; key < start + length; key++) if (biasOf(query, key) !== undefined) pairs++;
    }
    start += length;
  }
  return pairs;
}
