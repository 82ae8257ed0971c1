import { hostRandom, shuffle } from '../base/random.js';
import { type Text, wordsWithTags } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';
import { tagWords } from '../grammar/tagger.js';
import type { TextPair } from './pair-source.js';

/** What is changed in a text: two words are swapped, a verb gets the other number, or a "not" is dropped or added. */
export const CORRUPTIONS = ['determiner-noun', 'adverb-adjective', 'verb-number', 'negation'] as const;

export type Corruption = (typeof CORRUPTIONS)[number];

interface Word {
  word: string;
  tag: Tag;
}

/** A change of a text. */
interface Change {
  words: Word[];
  /** Where a word is changed, not the order: which word, and in which of two directions. */
  direction?: { of: string; isForward: boolean };
}

const AUXILIARIES = 'is/are was/were has/have does/do'.split(' ').map((pair) => pair.split('/'));
const NEGATABLE = new Set(
  'is are was were has have does do did can could will would should may might must'.split(' '),
);
const BETWEEN: readonly Tag[] = ['ADJ', 'ADV', 'NUM'];

/** Words that change their position must be in lower case, so that capitals do not reveal the change. */
function isLower(word: string): boolean {
  return /^\p{Ll}+$/u.test(word);
}

/** The third person singular of a regular English verb. */
function singularOf(base: string): string {
  if (/[^aeiou]y$/.test(base)) return `${base.slice(0, -1)}ies`;
  return /(s|x|z|ch|sh|o)$/.test(base) ? `${base}es` : `${base}s`;
}

/** The words of a text that have letters or signs, with their tags: the text's own, or the tagger's. */
function wordsOf({ text, words }: Text): Word[] {
  return (words ?? tagWords(text)).map(({ start, end, tag }) => ({ word: text.slice(start, end), tag }));
}

function swapped(words: readonly Word[], a: number, b: number): Change {
  const changed = [...words];
  [changed[a], changed[b]] = [words[b], words[a]];
  return { words: changed };
}

function swaps(words: readonly Word[], kind: 'determiner-noun' | 'adverb-adjective'): Change[] {
  return words.flatMap(({ word, tag }, at) => {
    if (tag !== (kind === 'determiner-noun' ? 'DET' : 'ADV') || !isLower(word)) return [];
    let other = at + 1;
    if (kind === 'determiner-noun') while (BETWEEN.includes(words[other]?.tag)) other++;
    const partner = words[other];
    const isPair = partner?.tag === (kind === 'determiner-noun' ? 'NOUN' : 'ADJ');
    return isPair && isLower(partner.word) && partner.word !== word ? [swapped(words, at, other)] : [];
  });
}

/** @param verbs The verbs of all texts: a form is regular where the other one occurs, too. */
function otherNumbers(words: readonly Word[], verbs: ReadonlySet<string>): Change[] {
  return words.flatMap(({ word, tag }, at) => {
    const replaced = (other: string, base: string): Change => {
      const changed = words.with(at, { word: other, tag });
      return { words: changed, direction: { of: base, isForward: other === base } };
    };
    if (tag === 'AUX') {
      const [singular, plural] = AUXILIARIES.find((pair) => pair.includes(word)) ?? [];
      return singular ? [replaced(word === singular ? plural : singular, plural)] : [];
    }
    if (tag !== 'VERB' || !isLower(word)) return [];
    if (verbs.has(singularOf(word))) return [replaced(singularOf(word), word)];
    const bases = [word.slice(0, -1), word.slice(0, -2), `${word.slice(0, -3)}y`];
    const base = bases.find((each) => verbs.has(each) && singularOf(each) === word);
    return base ? [replaced(base, base)] : [];
  });
}

function negations(words: readonly Word[]): Change[] {
  return words.flatMap(({ word, tag }, at) => {
    if (tag !== 'AUX' || !NEGATABLE.has(word)) return [];
    const next = words[at + 1]?.word;
    if (next === "n't") return [];
    const isDropped = next === 'not';
    const added = isDropped ? [] : [{ word: 'not', tag: 'PART' }];
    const changed = words.toSpliced(at + 1, Number(isDropped), ...added);
    return [{ words: changed, direction: { of: word, isForward: isDropped } }];
  });
}

function changesOf(kind: Corruption, words: readonly Word[], verbs: ReadonlySet<string>): Change[] {
  if (kind === 'verb-number') return otherNumbers(words, verbs);
  return kind === 'negation' ? negations(words) : swaps(words, kind);
}

/** Words with a space between them: both texts of a pair are written in the same way. */
function textOf(words: readonly Word[]): Text {
  const text = words.map(({ word }) => word).join(' ');
  return {
    text,
    words: wordsWithTags(
      text,
      words.map(({ tag }) => tag),
      'corruption',
    ),
  };
}

/** Keeps the same number of changes of each word in both directions. */
function balanced<Item extends { change: Change }>(items: readonly Item[]): Item[] {
  const directions = new Map<string, [Item[], Item[]]>();
  for (const item of items) {
    const { direction } = item.change;
    if (!direction) continue;
    const both = directions.get(direction.of) ?? [[], []];
    both[Number(direction.isForward)].push(item);
    directions.set(direction.of, both);
  }
  const kept = new Set<Item>();
  for (const [a, b] of directions.values()) {
    const count = Math.min(a.length, b.length);
    for (const item of [...a.slice(0, count), ...b.slice(0, count)]) kept.add(item);
  }
  return items.filter((item) => !item.change.direction || kept.has(item));
}

/**
 * Minimal pairs of some texts: each text with one change of a kind, where it has a place for it. Changed words keep the tags of the
 * text. Swaps keep the bag of words. The other changes occur equally often in both directions, so that neither a single word nor
 * the length reveals which text was changed. A pair with a text that occurs elsewhere is left out.
 */
export function corruptedPairs(texts: readonly Text[], kind: Corruption, seed: number): TextPair[] {
  const random = hostRandom(CORRUPTIONS.indexOf(kind), seed);
  const read = texts.map(wordsOf).filter((words) => words.every(({ word }) => !/\s/.test(word)));
  const verbs = new Set(read.flat().flatMap(({ word, tag }) => (tag === 'VERB' ? [word] : [])));
  const seen = new Set(read.map((words) => textOf(words).text));
  const used = new Set<string>();
  const items = read.flatMap((words) => {
    const original = textOf(words);
    const changes = changesOf(kind, words, verbs);
    if (changes.length === 0 || used.has(original.text)) return [];
    const change = changes[Math.floor(random() * changes.length)];
    const corrupted = textOf(change.words);
    if (seen.has(corrupted.text)) return [];
    used.add(original.text);
    seen.add(corrupted.text);
    return [{ change, original, corrupted }];
  });
  shuffle(items, random);
  return balanced(items).map(({ original, corrupted }) => ({ original, corrupted }));
}
