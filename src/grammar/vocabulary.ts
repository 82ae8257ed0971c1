import * as v from 'valibot';
import { checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { SpecialToken } from './special-tokens.js';

/** The special tokens that every vocabulary must have. */
export const SPECIAL_TOKENS = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

/** What becomes of a text before it is split, as Hugging Face's `BertNormalizer` is set. */
export interface Normalisation {
  lowerCase: boolean;
  stripAccents: boolean;
  /** Whether each Chinese character is a word of its own. */
  splitIdeographs: boolean;
}

/** BERT's uncased models. */
export const UNCASED: Normalisation = { lowerCase: true, stripAccents: true, splitIdeographs: true };

/** What every model looks for in a text before it is split, and in this case alone: "[SEP]" is not "[sep]". */
export const BERT_TOKENS: readonly SpecialToken[] = SPECIAL_TOKENS.map((content) => {
  return { content, singleWord: false, normalised: false };
});

/** What else there is to a vocabulary. */
export interface VocabularyOptions {
  /** Tokens that are found in a text before it is split; the vocabulary has each. `BERT_TOKENS` where left out. */
  special?: readonly SpecialToken[];
  /** How many tokens words may be split into; those after them are only special tokens. All where left out. */
  ordinary?: number;
  /** Whether nothing but the tokens says if the model knows capitals. */
  isCaseGuessed?: boolean;
}

/** The tokens of a model, in the order of their ids; a token inside a word begins with `##`. */
export class Vocabulary {
  readonly special: readonly SpecialToken[];
  readonly ordinary: number;
  readonly isCaseGuessed: boolean;
  /** The length of the longest token, in UTF-16 units. */
  readonly longest: number;
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param tokens One for each id.
   * @param source What errors call it.
   * @param normalisation What becomes of a text before it is split into these tokens.
   * @throws CallerError where a special token is missing or a token occurs twice.
   */
  constructor(
    readonly tokens: readonly string[],
    source = 'vocabulary',
    readonly normalisation = UNCASED,
    { special = BERT_TOKENS, ordinary = tokens?.length, isCaseGuessed = false }: VocabularyOptions = {},
  ) {
    checkArgument(v.array(v.string('a token'), 'a list of tokens'), tokens, 'tokens');
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

  get size(): number {
    return this.tokens.length;
  }

  /** Whether a word can have this token. */
  has(token: string): boolean {
    return (this.ids.get(token) ?? this.ordinary) < this.ordinary;
  }

  /** The id of a token, or that of [UNK]. */
  idOf(token: string): number {
    return this.ids.get(token) ?? this.ids.get('[UNK]')!;
  }

  /** The special tokens and those that `wanted` names, in the order of this vocabulary: for a model that needs no others. */
  restrictedTo(wanted: ReadonlySet<string>): Vocabulary {
    const special = new Set(this.special.map(({ content }) => content));
    const isKept = (token: string) => special.has(token) || wanted.has(token);
    const tokens = this.tokens.filter(isKept);
    const ordinary = this.tokens.slice(0, this.ordinary).filter(isKept).length;
    return new Vocabulary(tokens, 'vocabulary', this.normalisation, { special: this.special, ordinary });
  }

  /** The content of a `vocab.txt`: a token a line, without those that are only special tokens. */
  toText(): string {
    return `${this.tokens.slice(0, this.ordinary).join('\n')}\n`;
  }
}

/**
 * Whether a vocabulary is of a cased model: it has a token with a capital. What is in brackets ([CLS], [unused1], <URL>) is
 * no token of a word.
 */
export function hasCapitals(tokens: readonly string[]): boolean {
  return tokens.some((token) => token !== token.toLowerCase() && !/^(?:\[.*\]|<.*>)$/su.test(token));
}

/** How a model reads a text whose case it keeps, or does not. */
export function normalisationFor(lowerCase: boolean): Normalisation {
  return lowerCase ? UNCASED : { lowerCase: false, stripAccents: false, splitIdeographs: true };
}

/** The tokens of a `vocab.txt`. */
export function tokensOfText(text: string): string[] {
  checkArgument(string, text, 'text');
  const tokens = text.split(/\r?\n/);
  if (tokens.at(-1) === '') tokens.pop();
  return tokens;
}

/**
 * Reads a `vocab.txt`.
 * @param normalisation What becomes of a text before it is split; where left out, a text keeps its case if a token has capitals.
 * @throws CallerError as the constructor of `Vocabulary` does.
 */
export function parseVocabulary(text: string, file = 'vocab.txt', normalisation?: Normalisation): Vocabulary {
  const tokens = tokensOfText(text);
  const isCaseGuessed = normalisation === undefined;
  return new Vocabulary(tokens, file, normalisation ?? normalisationFor(!hasCapitals(tokens)), {
    isCaseGuessed,
  });
}

/** What a reader must know where nothing but the tokens says if a model knows capitals; else undefined. */
export function caseNote({ isCaseGuessed, normalisation }: Vocabulary): string | undefined {
  if (!isCaseGuessed) return undefined;
  return normalisation.lowerCase
    ? 'no token of the vocabulary has a capital: texts are lower-cased'
    : 'the vocabulary has tokens with capitals: texts keep their case';
}
