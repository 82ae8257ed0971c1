import { CallerError } from '../gpu/errors.js';

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

/** The word pieces of a model, in the order of their ids; a piece inside a word begins with `##`. */
export class Vocabulary {
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
  ) {
    const ids = new Map<string, number>();
    for (const [id, piece] of pieces.entries()) {
      if (ids.has(piece)) {
        const first = ids.get(piece)! + 1;
        throw new CallerError({
          what: `piece "${piece}" stands on line ${first} already`,
          where: `${source}:${id + 1}`,
        });
      }
      ids.set(piece, id);
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
  }

  get size(): number {
    return this.pieces.length;
  }

  has(piece: string): boolean {
    return this.ids.has(piece);
  }

  /** The id of a piece, or that of [UNK]. */
  idOf(piece: string): number {
    return this.ids.get(piece) ?? this.ids.get('[UNK]')!;
  }

  /** The special pieces and those that `wanted` names, in the order of this vocabulary: for a model that needs no others. */
  restrictedTo(wanted: ReadonlySet<string>): Vocabulary {
    const special = new Set<string>(SPECIAL_PIECES);
    const pieces = this.pieces.filter((piece) => special.has(piece) || wanted.has(piece));
    return new Vocabulary(pieces, 'vocabulary', this.normalisation);
  }

  /** The content of a `vocab.txt`: a piece a line. */
  toText(): string {
    return `${this.pieces.join('\n')}\n`;
  }
}

/** Reads a `vocab.txt`. @throws CallerError as the constructor of `Vocabulary` does. */
export function parseVocabulary(text: string, file = 'vocab.txt', normalisation = UNCASED): Vocabulary {
  const pieces = text.split(/\r?\n/);
  if (pieces.at(-1) === '') pieces.pop();
  return new Vocabulary(pieces, file, normalisation);
}
