import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTokenizer, tokenizerFiles } from '../../../src/train/hugging-face/tokenizer.js';
import { PIECES } from '../../support/checkpoint-folder.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const folder = join(temporaryFolder(), 'tokenizer');

const VOCABULARY = `${PIECES.join('\n')}\n`;

/** As `BertTokenizerFast` saves it, in the fields that count. */
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
      vocab: Object.fromEntries(PIECES.map((piece, id) => [piece, id])),
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
      'both, where the settings count more',
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
    expect(vocabulary.pieces).toEqual(PIECES);
    expect(vocabulary.normalisation).toMatchObject(normalisation);
  });

  it('is written as it is read', async () => {
    write({
      'vocab.txt': VOCABULARY,
      'tokenizer_config.json':
        '{"do_lower_case":false,"strip_accents":true,"tokenize_chinese_chars":false,"model_max_length":48}',
    });
    const tokenizer = await readTokenizer(folder);
    expect(tokenizer.mostPieces).toBe(48);
    write(tokenizerFiles({ vocabulary: tokenizer.vocabulary, mostPieces: 48 }));
    expect(await readTokenizer(folder)).toEqual(tokenizer);
  });

  it.each<[string, Record<string, string>, RegExp]>([
    ['nothing', {}, /vocab\.txt: cannot be read \(ENOENT\); expected it, or tokenizer\.json/],
    ['no JSON', { 'tokenizer.json': '[' }, /tokenizer\.json: no JSON object; expected a tokenizer/],
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
      'an added token',
      { 'tokenizer.json': tokenizerJson({ added_tokens: [{ id: 30, content: '<url>' }] }) },
      /the added token "<url>", which is not supported/,
    ],
    [
      'an added token beside vocab.txt',
      { 'vocab.txt': VOCABULARY, 'added_tokens.json': '{"<user>":20}' },
      /added_tokens\.json: the added token "<user>"/,
    ],
    [
      'a piece of an id that another has',
      { 'tokenizer.json': tokenizerJson({ model: { vocab: { '[PAD]': 0, a: 0 } } }) },
      /piece "a" has id 0; expected an id of its own, from 0 to 1/,
    ],
    [
      'ids that leave out some',
      { 'tokenizer.json': tokenizerJson({ model: { vocab: { '[PAD]': 0, a: 7e9 } } }) },
      /piece "a" has id 7000000000/,
    ],
  ])('is refused where there is %s', async (_, files, says) => {
    write(files);
    expect(await messageOf()).toMatch(says);
  });
});
