import type { RuleSet, Strategy, Tag, TagPair } from '../src/grammar/rules.js';
import { isPositional, type ReferencePlaces, referenceTokenBias } from './reference-pairs.js';

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
  return isPositional(rules, strategy) || text.causal
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

/** Tokens whose tag no rule lets attend to a tag of their sequence, at any distance. */
export function tokensWithoutPairs(text: PackedText, rules: RuleSet, strategy: Strategy): number {
  const tags = [...new Set(text.tags)];
  const anywhere = (pairs: readonly TagPair[]) => pairs.map(([query, key]): TagPair => [query, key]);
  const unscoped = { ...rules, hard: anywhere(rules.hard), soft: anywhere(rules.soft) };
  const biasOf = referenceTokenBias(unscoped, strategy, tags, { learned: () => 0 });
  return countTags(text).reduce<number>((idle, counts) => {
    const isIdle = (row: number) =>
      tags.every((key, column) => !counts.has(key) || biasOf(row, column) === undefined);
    return tags.reduce<number>((sum, query, row) => sum + (isIdle(row) ? (counts.get(query) ?? 0) : 0), idle);
  }, 0);
}
