import { type Character, normalised } from './normalised-text.js';
import { SpecialFinder, type SpecialToken } from './special-tokens.js';
import type { Vocabulary } from './vocabulary.js';

/** A token with its position in the text, in UTF-16 units. Added [CLS] and [SEP] are empty (start = end). */
export interface Token {
  /** Index into the vocabulary's tokens. */
  id: number;
  /** As the vocabulary has it, with `##` where it continues a word. */
  text: string;
  /** Its first UTF-16 unit in the text. */
  start: number;
  /** The UTF-16 unit after its last. */
  end: number;
  /** Whether it is a special token in the text ("[MASK]"). */
  isSpecial?: true;
}

/** Longer words become [UNK], as in BERT. */
const LONGEST_WORD = 100;

/** ASCII symbols count as punctuation, although some are not in Unicode. */
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;

/** Characters between white space. Characters that BERT drops (`IGNORED`) do not separate. */
const UNSPACED = /[^\t\n\r\p{Z}]+/gu;

/** The finders of a vocabulary's special tokens in original and in normalised texts. */
interface Finders {
  written: SpecialFinder;
  normalised: SpecialFinder | undefined;
}

const findersByVocabulary = new WeakMap<Vocabulary, Finders>();

function findersOf(vocabulary: Vocabulary): Finders {
  let finders = findersByVocabulary.get(vocabulary);
  if (!finders) {
    const plain = ({ content }: SpecialToken) => textOf(normalised(content, 0, vocabulary.normalisation));
    const byNormal = vocabulary.special.filter((token) => token.normalised && plain(token) !== '');
    const written = vocabulary.special.filter((token) => !token.normalised);
    finders = {
      written: new SpecialFinder(new Map(written.map((token) => [token.content, token]))),
      normalised:
        byNormal.length === 0
          ? undefined
          : new SpecialFinder(new Map(byNormal.map((token) => [plain(token), token]))),
    };
    findersByVocabulary.set(vocabulary, finders);
  }
  return finders;
}

function textOf(characters: readonly Character[]): string {
  return characters.map(({ text }) => text).join('');
}

function specialToken({ content }: SpecialToken, start: number, end: number, vocabulary: Vocabulary): Token {
  return { id: vocabulary.idOf(content), text: content, start, end, isSpecial: true };
}

/** The longest token at character `from` of a word: its end and its text. */
function longestToken(
  word: string,
  starts: readonly number[],
  from: number,
  vocabulary: Vocabulary,
): { to: number; text: string } | undefined {
  const prefix = from > 0 ? '##' : '';
  for (let to = Math.min(starts.length - 1, from + vocabulary.longest); to > from; to--) {
    const text = prefix + word.slice(starts[from], starts[to]);
    if (vocabulary.has(text)) return { to, text };
  }
  return undefined;
}

function* tokensOfWord(word: readonly Character[], vocabulary: Vocabulary): Generator<Token> {
  const tokens: Token[] = [];
  let from = 0;
  if (word.length <= LONGEST_WORD) {
    const text = textOf(word);
    const starts = [0];
    for (const character of word) starts.push(starts[starts.length - 1] + character.text.length);
    while (from < word.length) {
      const found = longestToken(text, starts, from, vocabulary);
      if (!found) break;
      const { to, text: token } = found;
      tokens.push({
        id: vocabulary.idOf(token),
        text: token,
        start: word[from].start,
        end: word[to - 1].end,
      });
      from = to;
    }
  }
  if (from === word.length) {
    yield* tokens;
    return;
  }
  const { start } = word[0];
  yield { id: vocabulary.idOf('[UNK]'), text: '[UNK]', start, end: word[word.length - 1].end };
}

/** The tokens of normalised characters. White space and punctuation end words. */
function* tokensOfCharacters(characters: readonly Character[], vocabulary: Vocabulary): Generator<Token> {
  let word: Character[] = [];
  for (const character of characters) {
    const isSpace = character.text === ' ';
    const endsWord = isSpace || PUNCTUATION.test(character.text);
    if (endsWord && word.length > 0) {
      yield* tokensOfWord(word, vocabulary);
      word = [];
    }
    if (isSpace) continue;
    if (endsWord) yield* tokensOfWord([character], vocabulary);
    else word.push(character);
  }
  if (word.length > 0) yield* tokensOfWord(word, vocabulary);
}

/** A part of a text without special tokens, normalised or not. `offset` is its position in the text. */
type Section = { characters: readonly Character[] } | { text: string; offset: number };

/** The special tokens that are found in the normalised text, and the parts between them. */
function* normalisedSections(
  text: string,
  offset: number,
  finder: SpecialFinder,
  vocabulary: Vocabulary,
): Generator<Section | Token> {
  const characters = normalised(text, offset, vocabulary.normalisation);
  // From a position in the normalised text to a character.
  const indexes = new Map<number, number>();
  let length = 0;
  characters.forEach((character, index) => {
    indexes.set(length, index);
    length += character.text.length;
  });
  indexes.set(length, characters.length);
  let from = 0;
  for (const { token, start, end } of finder.find(textOf(characters))) {
    const [first, after] = [indexes.get(start)!, indexes.get(end)!];
    yield { characters: characters.slice(from, first) };
    yield specialToken(token, characters[first].start, characters[after - 1].end, vocabulary);
    from = after;
  }
  yield { characters: characters.slice(from) };
}

/** The special tokens of a text, and the parts between them. */
function* sectionsOf(text: string, vocabulary: Vocabulary): Generator<Section | Token> {
  const finders = findersOf(vocabulary);
  function* between(from: number, to: number): Generator<Section | Token> {
    const part = text.slice(from, to);
    if (finders.normalised) yield* normalisedSections(part, from, finders.normalised, vocabulary);
    else yield { text: part, offset: from };
  }
  let from = 0;
  for (const { token, start, end } of finders.written.find(text)) {
    yield* between(from, start);
    yield specialToken(token, start, end, vocabulary);
    from = end;
  }
  yield* between(from, text.length);
}

function* allTokens(text: string, vocabulary: Vocabulary): Generator<Token> {
  for (const section of sectionsOf(text, vocabulary)) {
    if ('id' in section) yield section;
    else if ('characters' in section) yield* tokensOfCharacters(section.characters, vocabulary);
    else {
      for (const { index, 0: unspaced } of section.text.matchAll(UNSPACED)) {
        const characters = normalised(unspaced, section.offset + index, vocabulary.normalisation);
        yield* tokensOfCharacters(characters, vocabulary);
      }
    }
  }
}

/** The special tokens in a text ("[SEP]"), in its order. */
export function specialTokensIn(text: string, vocabulary: Vocabulary): Token[] {
  return [...sectionsOf(text, vocabulary)].filter((section) => 'id' in section);
}

/**
 * Splits a text into WordPiece tokens as BERT's tokenizer does: normalised by the vocabulary's settings, then greedy, longest
 * match first (Wu et al. 2016, arXiv 1609.08144, section 4.1; normalisation as in google-research/bert). A special token in the
 * text ("[SEP]") is one token, as in Hugging Face's tokenizers. [CLS] and [SEP] are not added.
 * @param most The most tokens; the rest of the text is not read.
 */
export function splitTokens(text: string, vocabulary: Vocabulary, most = Number.POSITIVE_INFINITY): Token[] {
  const tokens: Token[] = [];
  if (most <= 0) return tokens;
  for (const token of allTokens(text, vocabulary)) {
    tokens.push(token);
    if (tokens.length >= most) break;
  }
  return tokens;
}
