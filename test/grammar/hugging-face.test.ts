import { Tokenizer } from '@huggingface/tokenizers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { SPECIAL_TOKENS } from '../../src/grammar/vocabulary.js';
import { splitTokens } from '../../src/grammar/word-piece.js';
import { runs } from '../support/arbitraries.js';
import { bertTokenizerJson } from './bert-tokenizer-json.js';
import { devSentences, SST2_IS_MISSING } from './dev-sentences.js';
import { anyText, INCOMPARABLE } from './texts.js';

/** What `tokenizer.json` of bert-base-uncased says. */
const TOKENIZER_JSON = bertTokenizerJson(
  bertVocabulary().tokens,
  SPECIAL_TOKENS.map((content) => {
    const flags = { lstrip: false, rstrip: false, single_word: false, normalized: false, special: true };
    return { id: bertVocabulary().idOf(content), content, ...flags };
  }),
);

const reference = new Tokenizer(TOKENIZER_JSON, {});

function ours(text: string): number[] {
  return splitTokens(text, bertVocabulary()).map(({ id }) => id);
}

function theirs(text: string): number[] {
  return reference.encode(text, { add_special_tokens: false }).ids;
}

/** The first of `texts` that the two split differently, with the tokens of both. */
function firstDifference(texts: Iterable<string>): object | undefined {
  for (const text of texts) {
    const [actual, expected] = [ours(text), theirs(text)];
    if (actual.join() !== expected.join()) {
      const spelled = (ids: number[]) => ids.map((id) => bertVocabulary().tokens[id]).join(' ');
      return { text: JSON.stringify(text), ours: spelled(actual), theirs: spelled(expected) };
    }
  }
  return undefined;
}

function* charactersBetween(first: number, last: number, step = 1): Generator<string> {
  for (let code = first; code <= last; code += step) {
    yield `pla${String.fromCodePoint(code)}ying`.replace(INCOMPARABLE, '');
  }
}

describe('splitTokens agrees with @huggingface/tokenizers', () => {
  it('on simple texts', () => {
    expect(theirs('Unaffable, naïve [SEP]')).toHaveLength(6);
    expect(
      firstDifference(['', ' ', 'Unaffable, naïve [SEP]', 'a'.repeat(100), 'a'.repeat(101)]),
    ).toBeUndefined();
  });

  it('on every character of the basic plane, inside a word', () => {
    expect(firstDifference(charactersBetween(0, 0xffff))).toBeUndefined();
  });

  it('on every 37th character beyond it', () => {
    expect(firstDifference(charactersBetween(0x10000, 0x10ffff, 37))).toBeUndefined();
  });

  it('on any text', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        expect(firstDifference([text.replace(INCOMPARABLE, '')])).toBeUndefined();
      }),
      runs(4000),
    );
  });

  it.skipIf(SST2_IS_MISSING)('on the sentences of SST-2 (needs ../shared/sst2)', () => {
    expect(firstDifference(devSentences())).toBeUndefined();
  });
});
