import { CallerError } from '../base/errors.js';
import { hostRandom, shuffle } from '../base/random.js';
import type { EncodedSentence } from './tagged-pieces.js';
import { UNIVERSAL_TAGS } from './tags.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * A control: sentences keep their words, and their tags are not what the tagger said.
 *
 * | written     | the tags                                                                       |
 * |-------------|--------------------------------------------------------------------------------|
 * | `shuffled`  | those of the sentence, dealt out again: as many of each, grammar gone            |
 * | `noise:0.2` | of each word, with probability 0.2, another one of the 17, all equally likely   |
 * | `blocks:4`  | by place: the first four pieces are one, the next four another, after 17 again  |
 *
 * [CLS] and [SEP] keep theirs. What is drawn depends on the seed and on the sentence alone, not on its neighbours.
 */
export type Relabelling =
  | { kind: 'shuffled' }
  | { kind: 'noise'; probability: number }
  | { kind: 'blocks'; pieces: number };

/** A relabelling with the seed of what it draws. */
export interface SeededRelabelling {
  how: Relabelling;
  seed: number;
}

/** Keeps these draws apart from others of the same seed. */
const RELABEL = 0x5f3c91d7;

/** Reads `shuffled`, `noise:P`, `blocks:N`. @throws CallerError where it is none of them. */
export function parseRelabelling(text: string): Relabelling {
  const [kind, number, ...rest] = text.split(':');
  const value = number === undefined || number.trim() === '' ? Number.NaN : Number(number);
  if (rest.length === 0) {
    if (text === 'shuffled') return { kind: 'shuffled' };
    if (kind === 'noise' && value >= 0 && value <= 1) return { kind, probability: value };
    if (kind === 'blocks' && Number.isInteger(value) && value >= 1) return { kind, pieces: value };
  }
  throw new CallerError({
    what: `tags relabelled by "${text}"`,
    expected: 'shuffled, noise:P with a probability P, or blocks:N with a number of pieces N',
  });
}

/** A relabelling as `parseRelabelling` reads it. */
export function formatRelabelling(relabelling: Relabelling): string {
  if (relabelling.kind === 'noise') return `noise:${relabelling.probability}`;
  return relabelling.kind === 'blocks' ? `blocks:${relabelling.pieces}` : relabelling.kind;
}

const FIRST_SPECIAL = UNIVERSAL_TAGS.length;

/** The sentence with the tags of a control. */
export function relabelled(
  sentence: EncodedSentence,
  { how: relabelling, seed }: SeededRelabelling,
  vocabulary: Vocabulary,
): EncodedSentence {
  const { ids } = sentence;
  const tags = Uint8Array.from(sentence.tags);
  const inner = Array.from(tags.keys()).filter((piece) => tags[piece] < FIRST_SPECIAL);
  const random = hostRandom(RELABEL, seed, ...ids);
  if (relabelling.kind === 'blocks') {
    inner.forEach((piece, place) => {
      tags[piece] = Math.floor(place / relabelling.pieces) % FIRST_SPECIAL;
    });
  } else if (relabelling.kind === 'shuffled') {
    const dealt = inner.map((piece) => tags[piece]);
    shuffle(dealt, random);
    inner.forEach((piece, place) => {
      tags[piece] = dealt[place];
    });
  } else {
    let mistaken = false;
    let by = 0;
    for (const piece of inner) {
      // A tagger that is wrong about a word is wrong about all of its pieces.
      if (!vocabulary.pieces[ids[piece]].startsWith('##')) {
        mistaken = random() < relabelling.probability;
        by = 1 + Math.floor(random() * (FIRST_SPECIAL - 1));
      }
      if (mistaken) tags[piece] = (tags[piece] + by) % FIRST_SPECIAL;
    }
  }
  return { ...sentence, tags };
}
