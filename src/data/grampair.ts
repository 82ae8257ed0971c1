import { hostRandom, shuffle } from '../base/random.js';
import { type TaggedWord, wordsWithTags } from '../grammar/custom-tags.js';
import type { Tag } from '../grammar/rules.js';

/** A label of GRAMPAIR's sentences. */
export interface GrampairLabel {
  /** Names of the classes 0 and 1. */
  classes: readonly [string, string];
  /** The pairs of tags that decide it, from the token that it is read at: the query of the first pair. */
  pairs: readonly (readonly [query: Tag, key: Tag])[];
}

const AGREEMENT = ['disagrees', 'agrees'] as const;

/** The labels that every sentence has. Each depends on two words or more of the pairs' tags, and on none of them alone. */
export const GRAMPAIR_LABELS = {
  /** Whether what the adjective says of the subject is good news: much of a gain, or little of a loss. */
  attribution: {
    classes: ['bad', 'good'],
    pairs: [
      ['VERB', 'NOUN'],
      ['NOUN', 'ADJ'],
    ],
  },
  /** Whether the verb agrees with its subject, the first noun. The second noun, the attractor, has another number half of the time. */
  number: { classes: AGREEMENT, pairs: [['VERB', 'NOUN']] },
  /** Whether the clause of the verb is positive: a positive verb after "indeed", or a negative one after "not". */
  negation: { classes: ['negative', 'positive'], pairs: [['VERB', 'PART']] },
  /** Whether the auxiliary agrees with the subject. */
  auxiliary: { classes: AGREEMENT, pairs: [['AUX', 'NOUN']] },
  /** Whether the reflexive agrees with the subject. */
  reflexive: { classes: AGREEMENT, pairs: [['PRON', 'NOUN']] },
} as const satisfies Record<string, GrampairLabel>;

export type GrampairLabelName = keyof typeof GRAMPAIR_LABELS;

export const GRAMPAIR_LABEL_NAMES = Object.keys(GRAMPAIR_LABELS) as GrampairLabelName[];

/** The gold tag of each word. All sentences have the same tags, so absolute positions and lengths reveal nothing. */
export const GRAMPAIR_TAGS: readonly Tag[] =
  'DET ADJ ADJ NOUN ADP DET NOUN PART ADV VERB PRON CCONJ AUX ADV PUNCT'.split(' ');

/** Kinds of nouns and of verbs that decide a label. With few of them, a model learns from fewer sentences. */
const KINDS = 2;
const MUCH = 'big huge'.split(' ');
const LITTLE = 'small tiny'.split(' ');
const GAINS = 'gift/gifts prize/prizes'.split(' ').map(forms);
const LOSSES = 'bill/bills debt/debts'.split(' ').map(forms);
const POSITIVE = 'helps/help saves/save'.split(' ').map(forms);
const NEGATIVE = 'hurts/hurt ruins/ruin'.split(' ').map(forms);
const AUXILIARY = ['is', 'are'] as const;
const REFLEXIVE = ['itself', 'themselves'] as const;

/** Words without influence on labels (the attractor's number distracts). They separate the words that decide. */
const NEUTRAL = 'old new young modern'.split(' ');
const PLACES = 'town/towns city/cities village/villages house/houses'.split(' ').map(forms);
const PREPOSITIONS = 'near below beside above'.split(' ');
const ADVERBS = 'still often always really'.split(' ');
const WHERE = 'here there today again'.split(' ');

function forms(text: string): readonly [singular: string, plural: string] {
  const [singular, plural] = text.split('/');
  return [singular, plural];
}

/** A sentence, its tagged words, and a class for each label. */
export interface GrampairSentence {
  text: string;
  words: readonly TaggedWord[];
  labels: Readonly<Record<GrampairLabelName, number>>;
}

/**
 * Draws a sentence with these labels.
 *
 * A label is whether two words agree: a bag of words cannot predict it. The two are never neighbours: bigrams cannot predict it
 * either.
 *
 * @param isHeldOut Whether subject and verb are a combination that only the test split has.
 */
function sentence(
  labels: GrampairSentence['labels'],
  isHeldOut: boolean,
  random: () => number,
): GrampairSentence {
  const below = (count: number) => Math.floor(random() * count);
  const choose = <T>(items: readonly T[]) => items[below(items.length)];
  const noun = below(KINDS);
  const verb = isHeldOut ? noun : 1 - noun;
  const [isGain, isPlural, isPositive] = [below(2), below(2), below(2)];
  const agreeing = (label: number) => (label === 1 ? isPlural : 1 - isPlural);
  const text = [
    'the',
    choose(isGain === labels.attribution ? MUCH : LITTLE),
    choose(NEUTRAL),
    (isGain ? GAINS : LOSSES)[noun][isPlural],
    choose(PREPOSITIONS),
    'the',
    choose(PLACES)[below(2)],
    isPositive === labels.negation ? 'indeed' : 'not',
    choose(ADVERBS),
    (isPositive ? POSITIVE : NEGATIVE)[verb][agreeing(labels.number)],
    REFLEXIVE[agreeing(labels.reflexive)],
    'and',
    AUXILIARY[agreeing(labels.auxiliary)],
    choose(WHERE),
    '.',
  ].join(' ');
  return { text, words: wordsWithTags(text, GRAMPAIR_TAGS, 'GRAMPAIR'), labels };
}

/**
 * Documents of several sentences: the first is the sentence that the labels are of, the others are drawn from the same split. Labels of the
 * others are independent of it.
 * @param sentences The sentences of a document.
 * @param seed Draws the others.
 */
export function documentsOf(
  split: readonly GrampairSentence[],
  sentences: number,
  seed: number,
): GrampairSentence[] {
  const random = hostRandom(seed, sentences);
  return split.map((first) => {
    const parts = Array.from({ length: sentences }, (_, at) =>
      at === 0 ? first : split[Math.floor(random() * split.length)],
    );
    let start = 0;
    const words = parts.flatMap(({ text, words: of }, sentence) => {
      const from = start;
      start += text.length + 1;
      return of.map((word) => ({ ...word, start: from + word.start, end: from + word.end, sentence }));
    });
    return { text: parts.map(({ text }) => text).join(' '), words, labels: first.labels };
  });
}

/** The numbers of sentences, where no other is asked for. */
export const GRAMPAIR_ROWS = { train: 8192, dev: 512, test: 1024 };

/**
 * Generates GRAMPAIR from a seed: sentences with gold tags, each with all labels. Every 32 sentences have each combination of labels
 * once. No sentence occurs twice. The test split has combinations of words that the others do not have. A longer training split
 * starts with the shorter one.
 */
export function grampair(
  seed = 1,
  rows = GRAMPAIR_ROWS,
): Record<'train' | 'dev' | 'test', GrampairSentence[]> {
  const random = hostRandom(seed);
  const seen = new Set<string>();
  const draw = (count: number, isHeldOut = false): GrampairSentence[] => {
    const sentences: GrampairSentence[] = [];
    let combinations: number[] = [];
    while (sentences.length < count) {
      if (combinations.length === 0) {
        combinations = Array.from({ length: 2 ** GRAMPAIR_LABEL_NAMES.length }, (_, bits) => bits);
        shuffle(combinations, random);
      }
      const bits = combinations[combinations.length - 1];
      const labels = Object.fromEntries(GRAMPAIR_LABEL_NAMES.map((name, at) => [name, (bits >> at) & 1]));
      const drawn = sentence(labels as GrampairSentence['labels'], isHeldOut, random);
      if (seen.has(drawn.text)) continue;
      seen.add(drawn.text);
      sentences.push(drawn);
      combinations.pop();
    }
    return sentences;
  };
  return { dev: draw(rows.dev), test: draw(rows.test, true), train: draw(rows.train) };
}
