import * as v from 'valibot';
import { options as anyOptions, arrayLike, checkArgument, number } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { parseTag, requireTags, type TaggedWord, type Text, tokenTags } from './custom-tags.js';
import { checkText, checkTexts, vocabulary as vocabularyArgument } from './grammar-arguments.js';
import type { Tag } from './rules.js';
import { NO_SENTENCE } from './scope.js';
import { type SeededTagNoise, withTagNoise } from './tag-noise.js';
import { tagWords } from './tagger.js';
import { SPECIAL_TAGS, TOKEN_TAGS } from './tags.js';
import type { Vocabulary } from './vocabulary.js';
import { specialTokensIn, splitTokens, type Token } from './word-piece.js';

/** How text becomes tagged tokens. */
export interface TokenizerOptions {
  /** From `bertVocabulary` or `parseVocabulary`. */
  vocabulary: Vocabulary;
  /** The most tokens of a text, [CLS] and [SEP] included. Longer texts are truncated. No limit by default. */
  maxLength?: number;
  /** Whether texts have custom tags. A text without tags is then an error, unless the rules' tags are universal. */
  customTags?: boolean;
  /** A control: replaces tags at random. */
  tagNoise?: SeededTagNoise | undefined;
}

/** A token of a text with its tag and the number of its sentence. */
export interface TaggedToken extends Token {
  /** The tag of its word; [CLS], [SEP] and [PAD] have their own, and a token that no word covers is X. */
  tag: Tag;
  /** The number of its sentence, from 0; NO_SENTENCE for [CLS], [SEP] and [PAD], which belong to the document. */
  sentence: number;
}

/** A text as a model reads it: for each token its id, its tag and its sentence. */
export interface TaggedTokens {
  /** [tokens], indexes into the vocabulary's tokens. */
  ids: Uint32Array;
  /** Indexes into the tokenizer's `tags`. */
  tags: Uint8Array;
  /** Numbers of sentences, or NO_SENTENCE. */
  sentences: Uint32Array;
  /** Whether the text was truncated to `maxLength`. */
  isCut?: boolean;
}

const OPTIONS = anyOptions({
  vocabulary: vocabularyArgument,
  maxLength: v.optional(number),
  customTags: v.optional(v.boolean('true or false')),
  tagNoise: v.optional(anyOptions({ how: v.unknown(), seed: number })),
});

/** [CLS] and [SEP]. */
const ADDED_TOKENS = 2;

/** The tag of a token that no word covers: a special token's tag, or X. */
function tagWithoutWord({ text, isSpecial }: Token): Tag {
  return (isSpecial && SPECIAL_TAGS.find((tag) => tag === text)) || 'X';
}

/** A text for the tagger: blank lines replace [CLS], [SEP] and [PAD], and spaces replace other special tokens. */
function withoutSpecial(text: string, vocabulary: Vocabulary): string {
  const parts: string[] = [];
  let from = 0;
  for (const token of specialTokensIn(text, vocabulary)) {
    const { start, end } = token;
    const blank = tagWithoutWord(token) === 'X' ? '' : '\n\n';
    parts.push(text.slice(from, start), blank.padEnd(end - start));
    from = end;
  }
  parts.push(text.slice(from));
  return parts.join('');
}

/** Gives each token the tag of the word that covers its first character, or the result of `uncovered` where no word does. */
function alignTags(
  tokens: readonly Token[],
  words: readonly TaggedWord[],
  uncovered: (token: Token) => Tag,
): TaggedToken[] {
  let word = 0;
  let sentence = 0;
  return tokens.map((token) => {
    while (word < words.length && words[word].end <= token.start) word++;
    const isCovered = word < words.length && words[word].start <= token.start;
    // A token that no word covers is in the sentence of the words before it.
    if (isCovered) sentence = words[word].sentence ?? 0;
    const tag = isCovered ? words[word].tag : uncovered(token);
    const isOfDocument = !isCovered && SPECIAL_TAGS.some((special) => special === tag);
    return { ...token, tag, sentence: isOfDocument ? NO_SENTENCE : sentence };
  });
}

/** Encodes tagged tokens as numbers. @param tags The tags that the numbers are indexes into. */
export function encodeTokens(
  tokens: readonly TaggedToken[],
  tags: readonly Tag[] = TOKEN_TAGS,
): TaggedTokens {
  const index = new Map(tags.map((tag, at) => [tag, at]));
  return {
    ids: Uint32Array.from(tokens, ({ id }) => id),
    tags: Uint8Array.from(tokens, ({ tag }) => index.get(tag)!),
    sentences: Uint32Array.from(tokens, ({ sentence }) => sentence),
  };
}

/** The tags of a text's tokens. @param tags The tags that the text's numbers are indexes into. */
export function tagNames(text: TaggedTokens, tags: readonly Tag[] = TOKEN_TAGS): Tag[] {
  return Array.from(text.tags, (tag) => tags[tag]);
}

/**
 * Turns text into tagged tokens: splits it into WordPiece tokens, gives each the tag of its word, and adds [CLS] and [SEP].
 * Words have the text's custom tags, or else the tags of wink-nlp. A character that no word of wink-nlp covers is X, so that
 * every token has a tag. Special tokens in the text: [CLS], [SEP] and [PAD] have tags and separate paragraphs for the tagger.
 * Others ([MASK], [UNK], added tokens) are X, and the tagger does not see them. A text with custom tags is one sentence where
 * its words do not name their sentences.
 */
export class TaggedTokenizer implements TokenizerOptions {
  readonly vocabulary: Vocabulary;
  /** The most tokens of a text, [CLS] and [SEP] included; Infinity without a limit. */
  readonly maxLength: number;
  /** Whether texts must have custom tags, unless the rules' tags are universal. */
  readonly customTags: boolean;
  /** A control that replaces tags; undefined for none. */
  readonly tagNoise: SeededTagNoise | undefined;
  /** The tags that words may have: those of the rules. */
  readonly wordTags: readonly Tag[];
  /** All tags that tokens may have. */
  readonly tags: readonly Tag[];

  /** @param wordTags The tags that words may have: those of the rules. */
  constructor(options: TokenizerOptions, wordTags: readonly Tag[] = TOKEN_TAGS) {
    checkArgument(OPTIONS, options, 'options');
    checkArgument(arrayLike, wordTags, 'wordTags');
    this.vocabulary = options.vocabulary;
    this.maxLength = options.maxLength ?? Number.POSITIVE_INFINITY;
    this.customTags = options.customTags ?? false;
    this.tagNoise = options.tagNoise;
    this.wordTags = wordTags;
    if (!(this.maxLength >= ADDED_TOKENS)) {
      throw new CallerError({
        what: `texts of up to ${this.maxLength} tokens`,
        expected: `${ADDED_TOKENS} or more, for [CLS] and [SEP]`,
      });
    }
    this.tags = tokenTags(wordTags, this.customTags);
  }

  /**
   * The same tokenizer for rules with other tags.
   * @param maxLength The most tokens of a text, [CLS] and [SEP] included; unchanged by default.
   */
  withTags(wordTags: readonly Tag[], maxLength = this.maxLength): TaggedTokenizer {
    return new TaggedTokenizer({ ...this, maxLength }, wordTags);
  }

  /**
   * The tokens of a text, with their positions in it.
   * @param where The text's name in an error.
   * @throws CallerError for a custom tag that the rules do not have, and for a token whose first character no tagged word covers.
   */
  tokens(text: string | Text, where = 'text 1'): TaggedToken[] {
    checkText(text, 'text');
    return this.read(text, where).tokens;
  }

  /**
   * Encodes texts for a model.
   * @throws CallerError as `tokens` does, and for a text without custom tags where `customTags` needs them.
   */
  encode(texts: readonly (string | Text)[]): TaggedTokens[] {
    checkTexts(texts, 'texts');
    if (this.customTags) requireTags(texts.map(asText), this.wordTags);
    return texts.map((text, index) => {
      const { tokens, isCut } = this.read(text, `text ${index + 1}`);
      return { ...encodeTokens(tokens, this.tags), isCut };
    });
  }

  private read(input: string | Text, where: string): { tokens: TaggedToken[]; isCut: boolean } {
    const { text, words } = asText(input);
    const most = this.maxLength - ADDED_TOKENS;
    const split = splitTokens(text, this.vocabulary, most + 1);
    const inner = split.slice(0, most);
    const tagged = words ? this.customTagged(inner, words, where) : this.winkTagged(inner, text);
    const added = (tag: Tag & string, at: number): TaggedToken => {
      return { id: this.vocabulary.idOf(tag), text: tag, start: at, end: at, tag, sentence: NO_SENTENCE };
    };
    const tokens = [added('[CLS]', 0), ...tagged, added('[SEP]', inner.at(-1)?.end ?? 0)];
    return {
      tokens: this.tagNoise ? withTagNoise(tokens, this.tagNoise, where) : tokens,
      isCut: split.length > most,
    };
  }

  /** Does not tag the text after the last token. */
  private winkTagged(tokens: readonly Token[], text: string): TaggedToken[] {
    const last = tokens.at(-1);
    const words = last ? tagWords(withoutSpecial(text, this.vocabulary), last.start) : [];
    return alignTags(tokens, words, tagWithoutWord);
  }

  private customTagged(tokens: readonly Token[], words: readonly TaggedWord[], where: string): TaggedToken[] {
    const tagged = words.map((word) => ({ ...word, tag: parseTag(word.tag, this.wordTags, where) }));
    return alignTags(tokens, tagged, ({ start, text }) => {
      throw new CallerError({
        what: `no word with a tag covers "${text}", at character ${start + 1} of the text`,
        where,
        expected: 'words that cover the whole text, in its order',
      });
    });
  }
}

function asText(text: string | Text): Text {
  return typeof text === 'string' ? { text } : text;
}
