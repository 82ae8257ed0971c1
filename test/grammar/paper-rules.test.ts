import { describe, expect, it } from 'vitest';
import { pairTable } from '../../src/grammar/pair-table.js';
import { PAPER_RULES, presetRules } from '../../src/grammar/presets.js';
import type { Tag, TagPair } from '../../src/grammar/rules.js';
import { callerErrorOf } from './caller-error.js';

/** The parts of speech by the names that a grammar book gives them. */
const TAGS: Record<string, string> = {
  adjective: 'ADJ',
  adposition: 'ADP',
  adverb: 'ADV',
  auxiliary: 'AUX',
  'coordinating conjunction': 'CCONJ',
  determiner: 'DET',
  interjection: 'INTJ',
  noun: 'NOUN',
  numeral: 'NUM',
  particle: 'PART',
  pronoun: 'PRON',
  'proper noun': 'PROPN',
  'punctuation mark': 'PUNCT',
  'subordinating conjunction': 'SCONJ',
  symbol: 'SYM',
  verb: 'VERB',
  'anything else': 'X',
  'beginning of the text': '[CLS]',
  'end of the text': '[SEP]',
  padding: '[PAD]',
};

/** Beside these, every tag sees its own, and the beginning of the text sees everything. */
const HARD_SENTENCES = [
  'adjective -> noun, proper noun',
  'determiner -> noun, proper noun',
  'adposition -> noun, proper noun, pronoun',
  'noun -> determiner, adjective, adposition',
  'proper noun -> determiner, adjective, adposition',
  'pronoun -> adjective, adposition',
  'verb -> noun, proper noun, pronoun, adverb',
  'auxiliary -> verb',
  'subordinating conjunction -> verb',
];

/** Beside these, the beginning of the text sees everything. */
const SOFT_SENTENCES = [
  'verb -> adposition',
  'noun -> verb',
  'proper noun -> verb',
  'pronoun -> verb',
  'adverb -> verb, adjective, adverb',
  'coordinating conjunction -> noun, verb, adjective, proper noun, pronoun',
];

function says(sentences: string[], query: string, key: string): boolean {
  return sentences.some((sentence) => {
    const [who, whom] = sentence.split(' -> ');
    return who === query && whom.split(', ').includes(key);
  });
}

function isHard(query: string, key: string): boolean {
  return query === key || query === 'beginning of the text' || says(HARD_SENTENCES, query, key);
}

function isSoft(query: string, key: string): boolean {
  return query === 'beginning of the text' || says(SOFT_SENTENCES, query, key);
}

const WORD_PAIRS = Object.keys(TAGS).flatMap((query) => Object.keys(TAGS).map((key) => [query, key]));

function has(pairs: readonly TagPair[], query: Tag, key: Tag): boolean {
  return pairs.some((pair) => pair[0] === query && pair[1] === key);
}

/** What the table holds for a pair of tags, as a word. */
function entry(strategy: 'none' | 'hard' | 'soft' | 'guided', query: string, key: string): string {
  const { size, biases } = pairTable(PAPER_RULES, strategy);
  const [row, column] = [query, key].map((word) => PAPER_RULES.tags.indexOf(TAGS[word]));
  const bias = biases[row * size + column];
  return bias < -1e29 ? 'forbidden' : String(bias);
}

describe("the paper's rules", () => {
  it('are over the 17 universal tags and the three of the special tokens', () => {
    expect([...PAPER_RULES.tags].sort()).toEqual(Object.values(TAGS).sort());
  });

  it.each(WORD_PAIRS)('%s -> %s', (query, key) => {
    const hard = isHard(query, key);
    const soft = isSoft(query, key);
    expect(has(PAPER_RULES.hard, TAGS[query], TAGS[key])).toBe(hard);
    expect(has(PAPER_RULES.soft, TAGS[query], TAGS[key])).toBe(soft);
    expect(entry('none', query, key)).toBe('0');
    expect(entry('hard', query, key)).toBe(hard ? '0' : 'forbidden');
    expect(entry('soft', query, key)).toBe(soft && !hard ? '5' : '0');
    expect(entry('guided', query, key)).toBe(hard ? '0' : soft ? '5' : 'forbidden');
  });

  it('write no pair twice', () => {
    for (const pairs of [PAPER_RULES.hard, PAPER_RULES.soft]) {
      expect(new Set(pairs.map((pair) => JSON.stringify(pair))).size).toBe(pairs.length);
    }
  });

  it('are the preset "paper", with a bias of 5; a preset that does not exist is refused', () => {
    expect(presetRules('paper')).toBe(PAPER_RULES);
    expect(PAPER_RULES.beta).toBe(5);
    expect(callerErrorOf(() => presetRules('newspaper')).message).toContain('one of: paper');
    expect(callerErrorOf(() => presetRules('constructor')).message).toContain('one of: paper');
  });
});
