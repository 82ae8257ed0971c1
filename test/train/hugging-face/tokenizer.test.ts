import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { caseNote, type Vocabulary } from '../../../src/grammar/vocabulary.js';
import { splitTokens } from '../../../src/grammar/word-piece.js';
import { readTokenizer, tokenizerFiles } from '../../../src/train/hugging-face/tokenizer.js';
import { VOCABULARY_TOKENS } from '../../support/checkpoint-folder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = join(temporaryFolder(), 'tokenizer');

const VOCABULARY = `${VOCABULARY_TOKENS.join('\n')}\n`;

/** The fields of a `tokenizer.json` of `BertTokenizerFast` that are read. */
function tokenizerJson(changes: Record<string, object> = {}): string {
  const part = (name: string, json: object) => ({ [name]: { ...json, ...changes[name] } });
  return JSON.stringify({
    version: '1.0',
    added_tokens: changes.added_tokens ?? [{ id: 0, content: '[PAD]', special: true }],
    ...part('normalizer', {
      type: 'BertNormalizer',
      clean_text: true,
      handle_chinese_chars: true,
      strip_accents: null,
      lowercase: false,
    }),
    ...part('pre_tokenizer', { type: 'BertPreTokenizer' }),
    ...part('model', {
      type: 'WordPiece',
      unk_token: '[UNK]',
      continuing_subword_prefix: '##',
      max_input_chars_per_word: 100,
      vocab: Object.fromEntries(VOCABULARY_TOKENS.map((token, id) => [token, id])),
    }),
  });
}

function write(files: Record<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content);
}

const messageOf = () => readTokenizer(folder).then(String, (error: Error) => error.message);

describe('the tokenizer of a folder', () => {
  it.each<[string, Record<string, string>, object]>([
    ['vocab.txt alone, uncased', { 'vocab.txt': VOCABULARY }, { lowerCase: true, stripAccents: true }],
    [
      'vocab.txt, cased by its settings',
      { 'vocab.txt': VOCABULARY, 'tokenizer_config.json': '{"do_lower_case":false}' },
      { lowerCase: false, stripAccents: false },
    ],
    [
      'vocab.txt, with accents',
      { 'vocab.txt': VOCABULARY, 'tokenizer_config.json': '{"do_lower_case":true,"strip_accents":false}' },
      { lowerCase: true, stripAccents: false },
    ],
    [
      'tokenizer.json alone, cased',
      { 'tokenizer.json': tokenizerJson() },
      { lowerCase: false, stripAccents: false },
    ],
    [
      'both, where tokenizer_config.json decides',
      {
        'vocab.txt': VOCABULARY,
        'tokenizer.json': tokenizerJson(),
        'tokenizer_config.json': '{"do_lower_case":true}',
      },
      { lowerCase: true, stripAccents: true },
    ],
    [
      'tokenizer.json that keeps Chinese words',
      { 'tokenizer.json': tokenizerJson({ normalizer: { handle_chinese_chars: false } }) },
      { splitIdeographs: false },
    ],
  ])('is read: %s', async (_, files, normalisation) => {
    write(files);
    const { vocabulary } = await readTokenizer(folder);
    expect(vocabulary.tokens).toEqual(VOCABULARY_TOKENS);
    expect(vocabulary.normalisation).toMatchObject(normalisation);
  });

  it('is written as it is read', async () => {
    write({
      'vocab.txt': VOCABULARY,
      'tokenizer_config.json':
        '{"do_lower_case":false,"strip_accents":true,"tokenize_chinese_chars":false,"model_max_length":48}',
    });
    const tokenizer = await readTokenizer(folder);
    expect(tokenizer.maxLength).toBe(48);
    write(tokenizerFiles({ vocabulary: tokenizer.vocabulary, maxLength: 48 }));
    expect(await readTokenizer(folder)).toEqual(tokenizer);
  });

  it.each<[string, Record<string, string>, string[]]>([
    [
      'in the vocabulary',
      {
        'vocab.txt': `${VOCABULARY}<e1>\n`,
        'special_tokens_map.json': '{"additional_special_tokens":["<e1>"]}',
      },
      ['<e1>', 'film', '[UNK]', '[SEP]'],
    ],
    [
      'after the vocabulary, in lower case',
      { 'vocab.txt': VOCABULARY, 'added_tokens.json': '{"<e1>":20}' },
      ['<e1>', 'film', '<e1>', '[SEP]'],
    ],
    [
      'in tokenizer_config.json',
      {
        'vocab.txt': VOCABULARY,
        'tokenizer_config.json': '{"added_tokens_decoder":{"20":{"content":"<e1>","special":true}}}',
      },
      ['<e1>', 'film', '[UNK]', '[SEP]'],
    ],
  ])('reads an added token, also from the files that are written of it: %s', async (_, files, expected) => {
    write(files);
    const { vocabulary } = await readTokenizer(folder);
    const textOf = (by: Vocabulary) => splitTokens('<e1>film <E1>[SEP]', by).map(({ text }) => text);
    expect(
      textOf(vocabulary)
        .filter((token) => !['<', '>'].includes(token))
        .slice(0, 2),
    ).toEqual(expected.slice(0, 2));
    expect(textOf(vocabulary).at(-1)).toBe('[SEP]');
    expect(textOf(vocabulary).includes('[UNK]')).toBe(expected.includes('[UNK]'));
    write(tokenizerFiles({ vocabulary, maxLength: 48 }));
    const again = await readTokenizer(folder);
    expect(textOf(again.vocabulary)).toEqual(textOf(vocabulary));
    expect(again.vocabulary.tokens).toEqual(vocabulary.tokens);
  });

  it('keeps case where only capitals in the vocabulary call for that, and reports it', async () => {
    write({ 'vocab.txt': `${VOCABULARY}The\n`, 'tokenizer_config.json': '{"model_max_length":48}' });
    const { vocabulary } = await readTokenizer(folder);
    expect(vocabulary.normalisation).toMatchObject({ lowerCase: false, stripAccents: false });
    expect(caseNote(vocabulary)).toMatch(/has tokens with capitals: texts keep their case/);
    write(tokenizerFiles({ vocabulary, maxLength: 48 }));
    const again = (await readTokenizer(folder)).vocabulary;
    expect(again.normalisation).toEqual(vocabulary.normalisation);
    expect(caseNote(again)).toBeUndefined();
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['nothing', {}, /vocab\.txt: cannot be read \(ENOENT\); expected it, or tokenizer\.json/],
    ['no JSON', { 'tokenizer.json': '[' }, /tokenizer\.json: not a JSON object; expected a tokenizer/],
    [
      'byte pairs',
      { 'tokenizer.json': tokenizerJson({ model: { type: 'BPE' } }) },
      /"model" has type "BPE", which is not supported; expected "WordPiece"/,
    ],
    [
      'another normalizer',
      { 'tokenizer.json': tokenizerJson({ normalizer: { type: 'NFKC' } }) },
      /"normalizer" has type "NFKC", which is not supported/,
    ],
    [
      'an added token whose id leaves a gap',
      { 'tokenizer.json': tokenizerJson({ added_tokens: [{ id: 30, content: '<url>' }] }) },
      /the added token "<url>"; expected id 20, the next after the vocabulary, not 30/,
    ],
    [
      "an added token with another token's id",
      { 'vocab.txt': VOCABULARY, 'added_tokens.json': '{"<user>":7}' },
      /added_tokens\.json: the added token "<user>"; expected it to have its id 7 in the vocabulary/,
    ],
    [
      'an additional token without an id',
      { 'vocab.txt': VOCABULARY, 'special_tokens_map.json': '{"additional_special_tokens":["<e1>"]}' },
      /special_tokens_map\.json: the added token "<e1>"; expected it in the vocabulary/,
    ],
    [
      'another token for the end',
      { 'vocab.txt': VOCABULARY, 'special_tokens_map.json': '{"sep_token":"</s>"}' },
      /"sep_token" is "<\/s>", which is not supported; expected "\[SEP\]"/,
    ],
    ...[
      ['tokenizer_class', '"BertJapaneseTokenizer"'],
      ['tokenizer_class', '"ElectraTokenizer"'],
      ['never_split', '["<e1>"]'],
      ['do_basic_tokenize', 'false'],
      ['split_special_tokens', 'true'],
      ['word_tokenizer_type', '"mecab"'],
      ['truncation_side', '"left"'],
      ['do_lower_case', '"false"'],
    ].map(([name, value]): [string, Record<string, string>, RegExp] => [
      `${name} ${value}`,
      { 'vocab.txt': VOCABULARY, 'tokenizer_config.json': `{"${name}":${value}}` },
      new RegExp(`tokenizer_config\\.json: "${name}" is ${value.replace(/[[\]]/g, '\\$&')}`),
    ]),
    [
      'a custom tokenizer',
      { 'vocab.txt': VOCABULARY, 'tokenizer_config.json': '{"auto_map":{"AutoTokenizer":["a.B",null]}}' },
      /"auto_map" names a tokenizer of its own/,
    ],
    [
      'a second file with other tokens',
      {
        'vocab.txt': `${[...VOCABULARY_TOKENS.slice(0, 19), 'x'].join('\n')}\n`,
        'tokenizer.json': tokenizerJson(),
      },
      /vocab\.txt:20: token "x"; expected "\.", which has id 19 in tokenizer\.json/,
    ],
    [
      'an id of two tokens',
      { 'tokenizer.json': tokenizerJson({ model: { vocab: { '[PAD]': 0, a: 0 } } }) },
      /token "a" has id 0; expected an id of its own, from 0 to 1/,
    ],
    [
      'a gap between ids',
      { 'tokenizer.json': tokenizerJson({ model: { vocab: { '[PAD]': 0, a: 7e9 } } }) },
      /token "a" has id 7000000000/,
    ],
  ])('is refused where there is %s', async (_, files, says) => {
    write(files);
    expect(await messageOf()).toMatch(says);
  });
});
