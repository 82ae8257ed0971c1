import type { TaggedWord } from './custom-tags.js';
import { boundedUnits, joinContractions, plainText } from './tagger-text.js';
import type { TokenTag } from './tags.js';
import { readWithWink } from './wink.js';

/** A word of a text with its part of speech. */
export interface ParsedWord extends TaggedWord {
  tag: TokenTag;
  /** Which of the text's sentences it is in, counted from 0. */
  sentence: number;
}

/**
 * Words after the last one that counts which the tagger still sees. Its patterns are at most four words long, and it goes
 * through a text three times.
 */
const MARGIN = 16;

/** Characters of the tagger's text in which a token is looked for: more than it is shown without white space. */
const SEARCHED = 1024;

const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/g;

/** The paragraphs of a text: what blank lines part. */
function* paragraphs(text: string): Generator<{ start: number; end: number }> {
  let start = 0;
  for (const { index, 0: space } of text.matchAll(/\s{2,}/g)) {
    if ((space.match(LINE_BREAK) ?? []).length < 2) continue;
    if (index > start) yield { start, end: index };
    start = index + space.length;
  }
  if (start < text.length) yield { start, end: text.length };
}

/** The first place of a token in the tagger's text, or -1: wink writes a few words in another way. */
function placeOf(value: string, text: string, from: number): number {
  const start = text[from] === ' ' ? from + 1 : from;
  if (text.startsWith(value, start)) return start;
  const found = text.slice(from, from + SEARCHED).indexOf(value);
  return found < 0 ? -1 : from + found;
}

/**
 * Adds the words of a paragraph, up to the one at place `upTo` and some more.
 * @param offset Where the paragraph begins in its text.
 * @param firstSentence The number of its first sentence in its text.
 */
function addWords(
  words: ParsedWord[],
  paragraph: string,
  upTo: number,
  offset: number,
  firstSentence: number,
): void {
  const plain = plainText(paragraph);
  const { text, origins, joins } = joinContractions(plain.text);
  const last =
    upTo < paragraph.length ? origins.findIndex((place) => plain.origins[place] > upTo) : text.length;
  const shown = boundedUnits(text, last, MARGIN);
  const { values, tags, sentences } = readWithWink(shown.text);
  const add = (from: number, to: number, tag: TokenTag, index: number) => {
    const start = offset + plain.origins[origins[from]];
    const end = offset + plain.origins[origins[to - 1]] + 1;
    words.push({ start, end, tag, sentence: firstSentence + sentences[index] });
  };
  let cursor = 0;
  let join = 0;
  for (let index = 0; index < values.length; index++) {
    // wink knows empty tokens.
    const at = values[index] === '' ? -1 : placeOf(values[index], shown.text, cursor);
    if (at < 0) continue;
    cursor = at + values[index].length;
    const end = shown.origins[cursor - 1] + 1;
    let from = shown.origins[at];
    while (joins[join] <= from) join++;
    if (!(joins[join] < end)) {
      add(from, end, tags[index], index);
      continue;
    }
    // A word that wink left whole although its text was written apart ("i 'm", "here 's").
    add(from, joins[join], text.slice(from, joins[join]).toLowerCase() === 'i' ? 'PRON' : tags[index], index);
    while (joins[join] < end) {
      from = joins[join++];
      const to = Math.min(joins[join] ?? end, end);
      add(from, to, text.slice(from, to).toLowerCase() === "n't" ? 'PART' : 'AUX', index);
    }
  }
}

/**
 * Tags the words of an English text with wink-nlp. The result depends on this text alone. White space of any kind and length
 * counts as one space, but that blank lines part paragraphs, each of which is tagged by itself; curly apostrophes count as
 * straight ones; contractions that are written with a space before them, as SST-2 does, are tagged as if they were not; what
 * BERT's tokenizer drops is not seen. A run of more than 256 characters without white space is tagged in parts.
 * @param upTo The place of the last character whose tag counts: only some words after it are read, and the rest
 * changes no tag up to it.
 */
export function tagWords(text: string, upTo = Number.POSITIVE_INFINITY): ParsedWord[] {
  const words: ParsedWord[] = [];
  let sentence = 0;
  for (const { start, end } of paragraphs(text)) {
    if (start > upTo) break;
    addWords(words, text.slice(start, end), upTo - start, start, sentence);
    sentence = (words.at(-1)?.sentence ?? -1) + 1;
  }
  return words;
}
