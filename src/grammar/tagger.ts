import model from 'wink-eng-lite-web-model';
import winkNLP, { type WinkMethods } from 'wink-nlp';
import { joinContractions } from './contractions.js';
import { type PieceTag, UNIVERSAL_TAGS } from './tags.js';

/** A word of a text with its part of speech; places in UTF-16 units of the text as it was given. */
export interface TaggedWord {
  start: number;
  end: number;
  tag: PieceTag;
  /** Which of the text's sentences it is in, counted from 0. */
  sentence: number;
}

let nlp: WinkMethods | undefined;

/** wink's tags are the universal ones and SPACE, for line breaks and the like. */
function universal(tag: string): PieceTag {
  return UNIVERSAL_TAGS.find((known) => known === tag) ?? 'X';
}

/**
 * Splits a word that the tagger left whole although its text was written apart ("i 'm", "here 's"): the ending is a
 * particle where it is "n't", else an auxiliary, and "i" is a pronoun.
 */
function splitContraction(word: TaggedWord, original: string): TaggedWord[] {
  const space = original.slice(word.start, word.end).indexOf(' ');
  if (space < 0) return [word];
  const host = original.slice(word.start, word.start + space);
  const ending = original.slice(word.start + space + 1, word.end);
  const { start, end, tag, sentence } = word;
  return [
    { start, end: start + space, tag: host.toLowerCase() === 'i' ? 'PRON' : tag, sentence },
    { start: start + space + 1, end, tag: ending.toLowerCase() === "n't" ? 'PART' : 'AUX', sentence },
  ];
}

/** For each token of the tagger's, the sentence that it is in. */
function sentencesOfTokens(
  spans: readonly (readonly [first: number, last: number])[],
  tokens: number,
): Uint32Array {
  const sentences = new Uint32Array(tokens);
  spans.forEach(([first, last], sentence) => {
    sentences.fill(sentence, first, last + 1);
  });
  return sentences;
}

/**
 * Tags the words of an English text with wink-nlp. Contractions that are written with a space before them, as SST-2
 * does, are tagged as if they were not.
 */
export function tagWords(text: string): TaggedWord[] {
  nlp ??= winkNLP(model, ['sbd', 'pos']);
  const joined = joinContractions(text);
  const document = nlp.readDoc(joined.text);
  const tokens = document.tokens();
  const values: string[] = tokens.out(nlp.its.value);
  const tags: string[] = tokens.out(nlp.its.pos);
  const spans = document.sentences().out(nlp.its.span) as unknown as [number, number][];
  const sentences = sentencesOfTokens(spans, values.length);
  const words: TaggedWord[] = [];
  let cursor = 0;
  for (const [index, value] of values.entries()) {
    const at = joined.text.indexOf(value, cursor);
    // The tagger knows empty tokens, and may write a character in another way than the text does.
    if (value === '' || at < 0) continue;
    cursor = at + value.length;
    const word = {
      start: joined.origins[at],
      end: joined.origins[cursor - 1] + 1,
      tag: universal(tags[index]),
      sentence: sentences[index],
    };
    words.push(...splitContraction(word, text));
  }
  return words;
}
