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

/** The labels that every sentence has. Each depends on the words of the pairs' tags, and on none of them alone. */
export const GRAMPAIR_LABELS = {
  /** Whether the adjective of the work (a film, not a critic) is praise. */
  attribution: {
    classes: ['negative', 'positive'],
    pairs: [
      ['VERB', 'NOUN'],
      ['NOUN', 'ADJ'],
    ],
  },
  /** Whether the verb agrees with its subject, the first noun. The second noun, the attractor, has the other number. */
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

/** The gold tag of each word. All sentences have the same: absolute positions and lengths tell nothing. */
export const GRAMPAIR_TAGS: readonly Tag[] =
  'DET ADJ ADJ NOUN ADP DET ADJ ADJ NOUN PART ADV VERB PRON CCONJ AUX PART ADV PUNCT'.split(' ');

/** Words that occur in combinations: a word's group is its index modulo `GROUPS`. Nouns and verbs: singular, plural. */
const GROUPS = 4;
const PRAISE = 'brilliant charming clever funny warm gentle honest elegant'.split(' ');
const BLAME = 'dull boring stupid ugly cold cruel awful bitter'.split(' ');
const WORKS =
  'film/films movie/movies story/stories novel/novels song/songs album/albums poem/poems drama/dramas'
    .split(' ')
    .map(forms);
const PEOPLE =
  'actor/actors critic/critics singer/singers writer/writers artist/artists teacher/teachers dancer/dancers poet/poets'
    .split(' ')
    .map(forms);
const POSITIVE =
  'loves/love likes/like trusts/trust respects/respect supports/support values/value enjoys/enjoy helps/help'
    .split(' ')
    .map(forms);
const NEGATIVE =
  'hates/hate fears/fear attacks/attack ignores/ignore avoids/avoid doubts/doubt rejects/reject fights/fight'
    .split(' ')
    .map(forms);
const AUXILIARY = ['is', 'are'] as const;
const REFLEXIVE = ['itself', 'themselves'] as const;

/** Words between those that decide: no two of these are neighbours. */
const NEUTRAL = 'old new small large young tall famous modern'.split(' ');
const PLACES = 'near below beside above'.split(' ');
const ADVERBS = 'still often always really'.split(' ');
const WHERE = 'here there today again outside'.split(' ');

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
 * The attractor is of the other kind and number than the subject and has the other judgement, and of the two particles one is
 * "not": a bag of words tells no label. What decides a label is never next to what it decides about: bigrams tell none either.
 * The adjectives share a group, and so do the nouns: a combination that is left out leaves out the swapped one, too.
 *
 * @param isHeldOut Whether adjectives with nouns, and subjects with verbs, are the combinations that only the test split has.
 */
function sentence(
  labels: GrampairSentence['labels'],
  isHeldOut: boolean,
  random: () => number,
): GrampairSentence {
  const below = (count: number) => Math.floor(random() * count);
  const choose = <T>(items: readonly T[]) => items[below(items.length)];
  const ofGroup = <T>(items: readonly T[], group: number) =>
    items[group + GROUPS * below(items.length / GROUPS)];
  const nounGroup = below(GROUPS);
  /** Groups whose sum is divisible by their number are held out. */
  const partner = () => (2 * GROUPS - nounGroup - (isHeldOut ? 0 : 1 + below(GROUPS - 1))) % GROUPS;
  const [adjectiveGroup, verbGroup] = [partner(), partner()];
  const [aboutWorkFirst, isPlural, isPositive] = [below(2) === 1, below(2), below(2) === 1];
  const agreeing = (label: number) => (label === 1 ? isPlural : 1 - isPlural);
  const work = [labels.attribution === 1 ? PRAISE : BLAME, WORKS] as const;
  const person = [labels.attribution === 1 ? BLAME : PRAISE, PEOPLE] as const;
  const phrase = ([adjectives, nouns]: typeof work, number: number) => [
    'the',
    ofGroup(adjectives, adjectiveGroup),
    choose(NEUTRAL),
    ofGroup(nouns, nounGroup)[number],
  ];
  const particles = isPositive === (labels.negation === 1) ? ['indeed', 'not'] : ['not', 'indeed'];
  const text = [
    ...phrase(aboutWorkFirst ? work : person, isPlural),
    choose(PLACES),
    ...phrase(aboutWorkFirst ? person : work, 1 - isPlural),
    particles[0],
    choose(ADVERBS),
    ofGroup(isPositive ? POSITIVE : NEGATIVE, verbGroup)[agreeing(labels.number)],
    REFLEXIVE[agreeing(labels.reflexive)],
    'and',
    AUXILIARY[agreeing(labels.auxiliary)],
    particles[1],
    choose(WHERE),
    '.',
  ].join(' ');
  return { text, words: wordsWithTags(text, GRAMPAIR_TAGS, 'GRAMPAIR'), labels };
}

/** The numbers of sentences, where no other is asked for. */
export const GRAMPAIR_ROWS = { train: 8192, dev: 1024, test: 1024 };

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
