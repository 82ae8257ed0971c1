import type { Model, WinkMethods } from 'wink-nlp';
import { type TokenTag, UNIVERSAL_TAGS } from './tags.js';
import { winkPackages } from './wink-packages.js';

/** The tokens of wink-nlp in a text: their text, tag and sentence number. */
export interface WinkTokens {
  values: readonly string[];
  tags: readonly TokenTag[];
  sentences: Uint32Array;
}

/** The parts of wink's model that it changes while it reads. Its types do not list them. */
interface Core {
  features: { lexeme: { list: string[]; hash: Record<string, number>; index: number } };
  preserve: { prefix: object; suffix: object };
}

interface OpenModel {
  core(): Core;
  featureFn(config: unknown): object;
}

/** Words to forget before wink is created again: it keeps some bytes for each. */
const MOST_FORGOTTEN = 65_536;

/** A machine that recognises nothing, for unused stages. */
const NO_MACHINE = JSON.stringify([100, 0, { 0: {} }, {}, {}, {}]);

/**
 * wink-nlp without memory of earlier texts. It adds each unknown word to its lexicon, and splits later texts by it ("p.36"
 * makes "36" a word). The words that a text added are therefore removed after it.
 */
class WinkReader {
  private readonly packages = winkPackages();
  private readonly core: Core;
  private readonly initialWords: number;
  private nlp: WinkMethods;
  private forgotten = 0;

  constructor() {
    this.core = (this.packages.model as unknown as OpenModel).core();
    const { lexeme } = this.core.features;
    this.initialWords = lexeme.list.length;
    const { preserve } = this.core;
    // Plain objects inherit names such as "constructor", which are not prefixes.
    for (const part of ['prefix', 'suffix'] as const) {
      preserve[part] = Object.assign(Object.create(null), preserve[part]);
    }
    this.nlp = this.createWink();
  }

  private createWink(): WinkMethods {
    const { winkNLP, model } = this.packages;
    const { featureFn } = model as unknown as OpenModel;
    const machines = { machines: [NO_MACHINE], transformers: [], setter: () => {} };
    const parts = {
      ...model,
      core: () => this.core,
      // Only entities use these, and wink remembers their values too.
      featureFn: (config: unknown) => {
        return { ...featureFn(config), prefix: () => '', suffix: () => '', shape: () => '' };
      },
      ner: () => machines,
      sa: () => machines,
      negation: () => machines,
    };
    return winkNLP(parts as Model, ['sbd', 'pos']);
  }

  /** Removes the words of the last text from wink's lexicon. */
  private forget(): void {
    const { lexeme } = this.core.features;
    for (; this.initialWords + this.forgotten < lexeme.list.length; this.forgotten++) {
      delete lexeme.hash[lexeme.list[this.initialWords + this.forgotten]];
    }
    if (this.forgotten < MOST_FORGOTTEN) return;
    lexeme.list.length = this.initialWords;
    lexeme.index = this.initialWords;
    this.forgotten = 0;
    this.nlp = this.createWink();
  }

  read(text: string): WinkTokens {
    const { nlp } = this;
    try {
      const document = nlp.readDoc(text);
      const tokens = document.tokens();
      const values: string[] = tokens.out(nlp.its.value);
      const tags: string[] = tokens.out(nlp.its.pos);
      const spans = document.sentences().out(nlp.its.span) as unknown as [number, number][];
      return { values, tags: tags.map(universal), sentences: sentencesOfTokens(spans, values.length) };
    } finally {
      this.forget();
    }
  }
}

const TAGS: ReadonlyMap<string, TokenTag> = new Map(UNIVERSAL_TAGS.map((tag) => [tag, tag]));

/** wink has the universal tags and SPACE, for line breaks and similar tokens. */
function universal(tag: string): TokenTag {
  return TAGS.get(tag) ?? 'X';
}

/** The sentence number of each token. */
function sentencesOfTokens(
  spans: readonly (readonly [first: number, last: number])[],
  tokens: number,
): Uint32Array {
  const sentences = new Uint32Array(tokens);
  spans.forEach(([first, last], sentence) => {
    sentences.fill(sentence, first, last + 1);
  });
  return sentences;
}

let reader: WinkReader | undefined;

/** Splits and tags an English text with wink-nlp. The result depends on the text alone. */
export function readWithWink(text: string): WinkTokens {
  reader ??= new WinkReader();
  return reader.read(text);
}
