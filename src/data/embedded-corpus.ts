import { hostRandom } from '../base/random.js';
import type { DataSource, Example } from './dataset.js';

/** Works are judged; people stand beside them and have adjectives of their own. */
const WORKS = ['film', 'movie', 'story', 'comedy', 'novel'];
const PEOPLE = ['audience', 'crowd', 'critic', 'actor', 'director'];
const PRAISE = ['brilliant', 'charming', 'clever', 'funny', 'warm', 'gentle'];
const BLAME = ['dull', 'boring', 'stupid', 'ugly', 'cold', 'cruel'];
const VERBS = ['needs', 'follows', 'meets', 'shows', 'finds', 'knows'];
const LINKS = ['and', 'but', 'while'];
const ADVERBS = ['', 'really ', 'often ', 'very '];

/** A noun with its adjective, and whether the sentence denies it. */
interface Mention {
  noun: string;
  adjective: string;
  denied: boolean;
}

type Pick = <T>(items: readonly T[]) => T;

function phrase({ noun, adjective }: Mention, pick: Pick): string {
  return `the ${pick(ADVERBS)}${adjective} ${noun}`;
}

function clause({ noun, adjective, denied }: Mention, pick: Pick): string {
  return `the ${noun} is ${denied ? 'not ' : ''}${pick(ADVERBS)}${adjective}`;
}

/**
 * One sentence about a work and a person, of which one is praised and the other blamed. Its label is what it says of the
 * work. Swapping the two adjectives, or moving the "not", turns the label and keeps the bag of words.
 */
function sentence(random: () => number): Example {
  const pick: Pick = (items) => items[Math.floor(random() * items.length)];
  const praised = random() < 0.5;
  const denied = pick(['work', 'person', 'nobody', 'nobody']);
  const work = { noun: pick(WORKS), adjective: pick(praised ? PRAISE : BLAME), denied: denied === 'work' };
  const person = {
    noun: pick(PEOPLE),
    adjective: pick(praised ? BLAME : PRAISE),
    denied: denied === 'person',
  };
  const [first, second] = random() < 0.5 ? [work, person] : [person, work];
  const text =
    denied === 'nobody'
      ? `${phrase(first, pick)} ${pick(VERBS)} ${phrase(second, pick)} .`
      : `${clause(first, pick)} ${pick(LINKS)} ${clause(second, pick)} .`;
  return { text, label: praised !== work.denied ? 1 : 0 };
}

/** Sizes of the corpus as `--data embedded` uses it. */
export const EMBEDDED_ROWS = { train: 12_000, dev: 1_000, test: 1_000 };

export interface EmbeddedCorpus {
  train: Example[];
  dev: Example[];
  test: Example[];
}

/** Generates the corpus: the same seed and rows, the same sentences. No sentence stands in it twice. */
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
 * The embedded corpus as a data source. It is generated text: it needs no download, and its label is decided by which
 * adjective belongs to which noun and what a negation covers, so that words alone do not give it away.
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
    sentences: async (split) => corpus[split].map(({ text }) => text),
  };
}
