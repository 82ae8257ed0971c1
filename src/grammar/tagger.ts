import type { TaggedWord } from './custom-tags.js';
import { boundedUnits, joinContractions, plainText } from './tagger-text.js';
import type { TokenTag } from './tags.js';
import { readWithWink } from './wink.js';

/** A word of a text with its part of speech. */
export interface ParsedWord extends TaggedWord {
  tag: TokenTag;
  /** The number of its sentence in the text, from 0. */
  sentence: number;
}

/**
 * Words that the tagger gets after the last word whose tag is needed. Its patterns are at most four words long, and it makes
 * three passes.
 */
const MARGIN = 16;

/** Characters of the tagger's text in which a token is searched: more than the longest unit without white space. */
const SEARCHED = 1024;

const LINE_BREAK = /\r\n|[\n\r\u2028\u2029]/g;

/** The paragraphs of a text, which blank lines separate. */
function* paragraphs(text: string): Generator<{ start: number; end: number }> {
  let start = 0;
  for (const { index, 0: space } of text.matchAll(/\s{2,}/g)) {
    if ((space.match(LINE_BREAK) ?? []).length < 2) continue;
    if (index > start) yield { start, end: index };
    start = index + space.length;
  }
  if (start < text.length) yield { start, end: text.length };
}

/** The position of a token in the tagger's text, or -1: wink changes the spelling of a few words. */
function positionOf(value: string, text: string, from: number): number {
  const start = text[from] === ' ' ? from + 1 : from;
  if (text.startsWith(value, start)) return start;
  const found = text.slice(from, from + SEARCHED).indexOf(value);
  return found < 0 ? -1 : from + found;
}

/**
 * Adds the words of a paragraph, up to the word at position `upTo` and some more.
 * @param offset The position of the paragraph in its text.
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
    upTo < paragraph.length ? origins.findIndex((position) => plain.origins[position] > upTo) : text.length;
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
    // wink returns some empty tokens.
    const at = values[index] === '' ? -1 : positionOf(values[index], shown.text, cursor);
    if (at < 0) continue;
    cursor = at + values[index].length;
    const end = shown.origins[cursor - 1] + 1;
    let from = shown.origins[at];
    while (joins[join] <= from) join++;
    if (!(joins[join] < end)) {
      add(from, end, tags[index], index);
      continue;
    }
    // A word that wink did not split, although its text has a space there ("i 'm", "here 's").
    add(from, joins[join], text.slice(from, joins[join]).toLowerCase() === 'i' ? 'PRON' : tags[index], index);
    while (joins[join] < end) {
      from = joins[join++];
      const to = Math.min(joins[join] ?? end, end);
      add(from, to, text.slice(from, to).toLowerCase() === "n't" ? 'PART' : 'AUX', index);
    }
  }
}

/**
 * Tags the words of an English text with wink-nlp. The result depends on this text alone.
 *
 * Blank lines separate paragraphs, which are tagged separately. Other white space of any kind and length counts as one space.
 * Curly apostrophes count as straight ones. Contractions with a space, as in SST-2, are tagged as without it. Characters that
 * BERT's tokenizer drops are ignored. More than 256 characters without white space are tagged in parts.
 * @param upTo The position of the last character whose tag is needed. Only some words after it are read; the rest of the text
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
