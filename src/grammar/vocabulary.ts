import * as v from 'valibot';
import { checkArgument, objectWith, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { withLineFeeds } from '../base/line-ends.js';
import type { SpecialToken } from './special-tokens.js';

/** The special tokens that every vocabulary must have. */
export const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** How a text is normalised before it is split: the settings of Hugging Face's `BertNormalizer`. */
export interface Normalisation {
  lowerCase: boolean;
  stripAccents: boolean;
  /** Whether each Chinese character is a word. */
  splitIdeographs: boolean;
}

/** BERT's uncased models. */
export const UNCASED: Normalisation = { lowerCase: true, stripAccents: true, splitIdeographs: true };

/** The special tokens that every model finds in a text before it is split. They are case-sensitive. */
export const BERT_TOKENS: readonly SpecialToken[] = SPECIAL_TOKENS.map((content) => {
  return { content, singleWord: false, normalised: false };
});

/** How a vocabulary treats text before it is split into tokens. */
export interface VocabularyOptions {
  /** Tokens that are found in a text before it is split, all in the vocabulary. `BERT_TOKENS` by default. */
  special?: readonly SpecialToken[];
  /** The number of tokens that words may be split into; the tokens after them are special. All by default. */
  ordinary?: number;
  /** Whether the case of the model is a guess from its tokens. */
  isCaseGuessed?: boolean;
}

/** The tokens of a model in the order of their ids. A token that continues a word starts with `##`. */
export class Vocabulary {
  /** Tokens that are found in a text before it is split. */
  readonly special: readonly SpecialToken[];
  /** Words are split into the tokens with ids below this; those from it on are special. */
  readonly ordinary: number;
  readonly isCaseGuessed: boolean;
  /** The length of the longest token, in UTF-16 units. */
  readonly longest: number;
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param tokens One for each id.
   * @param source Its name in errors.
   * @param normalisation How a text is normalised before it is split.
   * @throws CallerError where a special token is missing or a token occurs twice.
   */
  constructor(
    readonly tokens: readonly string[],
    source = 'vocabulary',
    readonly normalisation = UNCASED,
    { special = BERT_TOKENS, ordinary = tokens?.length, isCaseGuessed = false }: VocabularyOptions = {},
  ) {
    checkArgument(v.array(v.string('a token'), 'a list of tokens'), tokens, 'tokens');
    checkArgument(string, source, 'source');
    const ids = new Map<string, number>();
    let longest = 0;
    for (const [id, token] of tokens.entries()) {
      if (ids.has(token)) {
        const first = ids.get(token)! + 1;
        throw new CallerError({
          what: `token "${token}" is on line ${first} already`,
          where: `${source}:${id + 1}`,
        });
      }
      ids.set(token, id);
      longest = Math.max(longest, token.length);
    }
    for (const token of SPECIAL_TOKENS) {
      if (!ids.has(token)) {
        throw new CallerError({
          what: `no token ${token}`,
          where: source,
          expected: `all of ${SPECIAL_TOKENS.join(', ')}`,
        });
      }
    }
    this.ids = ids;
    this.longest = longest;
    this.special = special;
    this.ordinary = ordinary;
    this.isCaseGuessed = isCaseGuessed;
  }

  /** Tokens, special ones included. */
  get size(): number {
    return this.tokens.length;
  }

  /** Whether words may be split into this token. */
  has(token: string): boolean {
    return (this.ids.get(token) ?? this.ordinary) < this.ordinary;
  }

  /** The id of a token, or the id of [UNK]. */
  idOf(token: string): number {
    return this.ids.get(token) ?? this.ids.get('[UNK]')!;
  }

  /** The vocabulary of a smaller model: the special and the wanted tokens, in the same order. */
  restrictedTo(wanted: ReadonlySet<string>): Vocabulary {
    checkArgument(objectWith<Set<string>>('a Set of tokens', 'has'), wanted, 'wanted');
    const special = new Set(this.special.map(({ content }) => content));
    const isIncluded = (token: string) => special.has(token) || wanted.has(token);
    const tokens = this.tokens.filter(isIncluded);
    const ordinary = this.tokens.slice(0, this.ordinary).filter(isIncluded).length;
    return new Vocabulary(tokens, 'vocabulary', this.normalisation, { special: this.special, ordinary });
  }

  /** The content of a `vocab.txt`: one token per line, without the special tokens after the ordinary ones. */
  toText(): string {
    return `${this.tokens.slice(0, this.ordinary).join('\n')}\n`;
  }
}

/**
 * Whether a vocabulary is of a cased model: one of its tokens has a capital. Tokens in brackets ([CLS], [unused1], <URL>) do
 * not count.
 */
export function hasCapitals(tokens: readonly string[]): boolean {
  return tokens.some((token) => token !== token.toLowerCase() && !/^(?:\[.*\]|<.*>)$/su.test(token));
}

/** The normalisation of an uncased or a cased model. */
export function normalisationFor(lowerCase: boolean): Normalisation {
  return lowerCase ? UNCASED : { lowerCase: false, stripAccents: false, splitIdeographs: true };
}

/** The tokens of a `vocab.txt`. */
export function tokensOfText(text: string): string[] {
  checkArgument(string, text, 'text');
  const tokens = withLineFeeds(text).split(/\r?\n/);
  if (tokens.at(-1) === '') tokens.pop();
  return tokens;
}

/**
 * Reads a `vocab.txt`.
 * @param text A token a line, in the order of their ids.
 * @param file Its name in errors.
 * @param normalisation How a text is normalised. By default, texts keep their case if a token has a capital.
 * @throws CallerError as the constructor of `Vocabulary` does.
 */
export function parseVocabulary(text: string, file = 'vocab.txt', normalisation?: Normalisation): Vocabulary {
  const tokens = tokensOfText(text);
  const isCaseGuessed = normalisation === undefined;
  return new Vocabulary(tokens, file, normalisation ?? normalisationFor(!hasCapitals(tokens)), {
    isCaseGuessed,
  });
}

/** A note for the user where the case of a model is a guess from its tokens; else undefined. */
export function caseNote({ isCaseGuessed, normalisation }: Vocabulary): string | undefined {
  if (!isCaseGuessed) return undefined;
  return normalisation.lowerCase
    ? 'no token of the vocabulary has a capital: texts are lower-cased'
    : 'the vocabulary has tokens with capitals: texts keep their case';
}
