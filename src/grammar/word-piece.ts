import { type Character, normalised } from './normalised-text.js';
import { SpecialFinder, type SpecialToken } from './special-tokens.js';
import type { Vocabulary } from './vocabulary.js';

/** A token with its place in the text, in UTF-16 units; [CLS] and [SEP] that are added have an empty place (start = end). */
export interface Token {
  id: number;
  text: string;
  start: number;
  end: number;
  /** Whether it is a special token that the text names ("[MASK]"). */
  isSpecial?: true;
}

/** BERT gives up on longer words. */
const LONGEST_WORD = 100;

/** ASCII symbols count as punctuation too, although Unicode says otherwise of some. */
const PUNCTUATION = /[!-/:-@[-`{-~\p{P}]/u;

/** A run of characters between white space, which is none of what BERT drops (`IGNORED`). */
const RUN = /[^\t\n\r\p{Z}]+/gu;

/** The finders of a vocabulary's special tokens: in texts as they are, and in texts that are normalised. */
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

/** The longest token that a word goes on with at `from`: where it ends, and its text. */
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

/** The tokens of normalised characters, in which white space and punctuation end words. */
function* tokensOfCharacters(characters: readonly Character[], vocabulary: Vocabulary): Generator<Token> {
  let word: Character[] = [];
  for (const character of characters) {
    const isSpace = character.text === ' ';
    const alone = isSpace || PUNCTUATION.test(character.text);
    if (alone && word.length > 0) {
      yield* tokensOfWord(word, vocabulary);
      word = [];
    }
    if (isSpace) continue;
    if (alone) yield* tokensOfWord([character], vocabulary);
    else word.push(character);
  }
  if (word.length > 0) yield* tokensOfWord(word, vocabulary);
}

/** A part of a text without special tokens, normalised or not yet; `offset` is where it begins in the text. */
type Section = { characters: readonly Character[] } | { text: string; offset: number };

/** The parts of a text between special tokens that are looked for as it is normalised, and those tokens. */
function* normalisedSections(
  text: string,
  offset: number,
  finder: SpecialFinder,
  vocabulary: Vocabulary,
): Generator<Section | Token> {
  const characters = normalised(text, offset, vocabulary.normalisation);
  // From a place in their text to a character.
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

/** The special tokens of a text, and the parts of the text between them. */
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
      for (const { index, 0: run } of section.text.matchAll(RUN)) {
        const characters = normalised(run, section.offset + index, vocabulary.normalisation);
        yield* tokensOfCharacters(characters, vocabulary);
      }
    }
  }
}

/** The special tokens that a text names ("[SEP]"), in its order. */
export function specialTokensIn(text: string, vocabulary: Vocabulary): Token[] {
  return [...sectionsOf(text, vocabulary)].filter((section) => 'id' in section);
}

/**
 * Splits a text into the tokens of BERT's tokenizer, normalised as the vocabulary says: greedy, longest match first (Wu et al. 2016,
 * arXiv 1609.08144, section 4.1; normalisation as in google-research/bert). A special token that the text names ("[SEP]") is one
 * token, as in Hugging Face's tokenizers. [CLS] and [SEP] are not added.
 * @param most Tokens after which the rest of the text is not looked at.
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
