import * as v from 'valibot';
import { checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { SpecialToken } from './special-tokens.js';

/** The special pieces that every vocabulary must have. */
export const SPECIAL_PIECES = ['[PAD]', '[UNK]', '[CLS]', '[SEP]', '[MASK]'] as const;

export type SpecialPiece = (typeof SPECIAL_PIECES)[number];

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
export const BERT_TOKENS: readonly SpecialToken[] = SPECIAL_PIECES.map((content) => {
  return { content, singleWord: false, normalised: false };
});

/** What else there is to a vocabulary. */
export interface VocabularyOptions {
  /** Tokens that are looked for in a text before it is split; each is one of the pieces. `BERT_TOKENS` where left out. */
  special?: readonly SpecialToken[];
  /** How many of the pieces words are split into; those after them are only special tokens. All where left out. */
  ordinary?: number;
  /** Whether nothing but the pieces says if the model knows capitals. */
  isCaseGuessed?: boolean;
}

/** The word pieces of a model, in the order of their ids; a piece inside a word begins with `##`. */
export class Vocabulary {
  readonly special: readonly SpecialToken[];
  readonly ordinary: number;
  readonly isCaseGuessed: boolean;
  /** The length of the longest piece, in UTF-16 units. */
  readonly longest: number;
  private readonly ids: ReadonlyMap<string, number>;

  /**
   * @param pieces One for each id.
   * @param source What errors call it.
   * @param normalisation What becomes of a text before it is split into these pieces.
   * @throws CallerError where a special piece is missing or a piece stands twice.
   */
  constructor(
    readonly pieces: readonly string[],
    source = 'vocabulary',
    readonly normalisation = UNCASED,
    { special = BERT_TOKENS, ordinary = pieces?.length, isCaseGuessed = false }: VocabularyOptions = {},
  ) {
    checkArgument(v.array(v.string('a piece'), 'a list of pieces'), pieces, 'pieces');
    const ids = new Map<string, number>();
    let longest = 0;
    for (const [id, piece] of pieces.entries()) {
      if (ids.has(piece)) {
        const first = ids.get(piece)! + 1;
        throw new CallerError({
          what: `piece "${piece}" stands on line ${first} already`,
          where: `${source}:${id + 1}`,
        });
      }
      ids.set(piece, id);
      longest = Math.max(longest, piece.length);
    }
    for (const piece of SPECIAL_PIECES) {
      if (!ids.has(piece)) {
        throw new CallerError({
          what: `no piece ${piece}`,
          where: source,
          expected: `all of ${SPECIAL_PIECES.join(', ')}`,
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
    return this.pieces.length;
  }

  /** Whether a word can have this piece. */
  has(piece: string): boolean {
    return (this.ids.get(piece) ?? this.ordinary) < this.ordinary;
  }

  /** The id of a piece, or that of [UNK]. */
  idOf(piece: string): number {
    return this.ids.get(piece) ?? this.ids.get('[UNK]')!;
  }

  /** The special pieces and those that `wanted` names, in the order of this vocabulary: for a model that needs no others. */
  restrictedTo(wanted: ReadonlySet<string>): Vocabulary {
    const special = new Set(this.special.map(({ content }) => content));
    const isKept = (piece: string) => special.has(piece) || wanted.has(piece);
    const pieces = this.pieces.filter(isKept);
    const ordinary = this.pieces.slice(0, this.ordinary).filter(isKept).length;
    return new Vocabulary(pieces, 'vocabulary', this.normalisation, { special: this.special, ordinary });
  }

  /** The content of a `vocab.txt`: a piece a line, without those that are only special tokens. */
  toText(): string {
    return `${this.pieces.slice(0, this.ordinary).join('\n')}\n`;
  }
}

/**
 * Whether a vocabulary is of a cased model: it has a piece with a capital. What stands in brackets ([CLS], [unused1], <URL>) is
 * none of a word's pieces.
 */
export function hasCapitals(pieces: readonly string[]): boolean {
  return pieces.some((piece) => piece !== piece.toLowerCase() && !/^(?:\[.*\]|<.*>)$/su.test(piece));
}

/** How a model reads a text whose case it keeps, or does not. */
export function normalisationFor(lowerCase: boolean): Normalisation {
  return lowerCase ? UNCASED : { lowerCase: false, stripAccents: false, splitIdeographs: true };
}

/** The pieces of a `vocab.txt`. */
export function piecesOfText(text: string): string[] {
  checkArgument(string, text, 'text');
  const pieces = text.split(/\r?\n/);
  if (pieces.at(-1) === '') pieces.pop();
  return pieces;
}

/**
 * Reads a `vocab.txt`.
 * @param normalisation What becomes of a text before it is split; where left out, a text keeps its case if a piece has capitals.
 * @throws CallerError as the constructor of `Vocabulary` does.
 */
export function parseVocabulary(text: string, file = 'vocab.txt', normalisation?: Normalisation): Vocabulary {
  const pieces = piecesOfText(text);
  const isCaseGuessed = normalisation === undefined;
  return new Vocabulary(pieces, file, normalisation ?? normalisationFor(!hasCapitals(pieces)), {
    isCaseGuessed,
  });
}

/** What a reader must know where nothing but the pieces says if a model knows capitals; else undefined. */
export function caseNote({ isCaseGuessed, normalisation }: Vocabulary): string | undefined {
  if (!isCaseGuessed) return undefined;
  return normalisation.lowerCase
    ? 'no piece of the vocabulary has a capital: texts are lower-cased'
    : 'the vocabulary has pieces with capitals: texts keep their case';
}
