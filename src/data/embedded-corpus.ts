import { hostRandom } from '../base/random.js';
import type { DataSource, Example } from './dataset.js';

/** A sentence judges a work. It also mentions a person, with another adjective. */
const WORKS = ['film', 'movie', 'story', 'comedy', 'novel'];
const PEOPLE = ['audience', 'crowd', 'critic', 'actor', 'director'];
const PRAISE = ['brilliant', 'charming', 'clever', 'funny', 'warm', 'gentle'];
const BLAME = ['dull', 'boring', 'stupid', 'ugly', 'cold', 'cruel'];
const VERBS = ['needs', 'follows', 'meets', 'shows', 'finds', 'knows'];
const LINKS = ['and', 'but', 'while'];
const ADVERBS = ['', 'really ', 'often ', 'very '];

/** A noun with its adjective, and whether the sentence negates it. */
interface Mention {
  noun: string;
  adjective: string;
  negated: boolean;
}

type Choose = <T>(items: readonly T[]) => T;

function phrase({ noun, adjective }: Mention, choose: Choose): string {
  return `the ${choose(ADVERBS)}${adjective} ${noun}`;
}

function clause({ noun, adjective, negated }: Mention, choose: Choose): string {
  return `the ${noun} is ${negated ? 'not ' : ''}${choose(ADVERBS)}${adjective}`;
}

/**
 * Draws a sentence about a work and a person, one praised and the other blamed. The label is the judgement of the work.
 * Swapping the two adjectives, or moving the "not", changes the label and keeps the bag of words.
 */
function sentence(random: () => number): Example {
  const choose: Choose = (items) => items[Math.floor(random() * items.length)];
  const praised = random() < 0.5;
  const negated = choose(['work', 'person', 'neither', 'neither']);
  const work = {
    noun: choose(WORKS),
    adjective: choose(praised ? PRAISE : BLAME),
    negated: negated === 'work',
  };
  const person = {
    noun: choose(PEOPLE),
    adjective: choose(praised ? BLAME : PRAISE),
    negated: negated === 'person',
  };
  const [first, second] = random() < 0.5 ? [work, person] : [person, work];
  const text =
    negated === 'neither'
      ? `${phrase(first, choose)} ${choose(VERBS)} ${phrase(second, choose)} .`
      : `${clause(first, choose)} ${choose(LINKS)} ${clause(second, choose)} .`;
  return { text, label: praised !== work.negated ? 1 : 0 };
}

const ADVERB = '(?:(?:really|often|very) )?';
const PHRASE = `the ${ADVERB}\\w+ \\w+`;
const CLAUSE = `the \\w+ is (?:not )?${ADVERB}\\w+`;
const FORM = new RegExp(`^(?:${PHRASE} \\w+ ${PHRASE}|${CLAUSE} (?:${LINKS.join('|')}) ${CLAUSE}) \\.$`);

/** A sentence of each form. */
export const EMBEDDED_FORMS =
  '"the film is not funny and the critic is dull ." or "the dull film follows the brilliant critic ."';

/** Whether a text has one of the two forms of the corpus' sentences. */
export function hasEmbeddedForm(text: string): boolean {
  return FORM.test(text);
}

/** The numbers of examples of `--data embedded`. */
export const EMBEDDED_ROWS = { train: 12_000, dev: 1_000, test: 1_000 };

export interface EmbeddedCorpus {
  train: Example[];
  dev: Example[];
  test: Example[];
}

/** Generates the corpus from a seed. No sentence occurs twice. */
export function embeddedCorpus(seed = 1, rows = EMBEDDED_ROWS): EmbeddedCorpus {
  const random = hostRandom(seed);
  const seen = new Set<string>();
  const draw = (count: number): Example[] => {
    const examples: Example[] = [];
    while (examples.length < count) {
      const example = sentence(random);
      if (seen.has(example.text)) continue;
      seen.add(example.text);
      examples.push(example);
    }
    return examples;
  };
  return { dev: draw(rows.dev), test: draw(rows.test), train: draw(rows.train) };
}

/**
 * The embedded corpus as a data source. It is generated, and needs no download. A label depends on which adjective belongs to
 * which noun and what a negation covers: a bag of words cannot predict it.
 */
export function embeddedSource(seed = 1, rows = EMBEDDED_ROWS): DataSource {
  const corpus = embeddedCorpus(seed, rows);
  return {
    name: 'embedded',
    classes: ['negative', 'positive'],
    note: 'generated text, from a seeded grammar',
    examples: async (split) => corpus[split],
    texts: async (split) => corpus[split].map(({ text }) => ({ text })),
    nameOf: (split) => `embedded (${split})`,
  };
}
