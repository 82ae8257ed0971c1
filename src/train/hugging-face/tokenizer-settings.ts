import { CallerError } from '../../base/errors.js';
import { isObject, type Json } from '../../base/json-schemas.js';
import type { JsonFile } from './added-tokens.js';

/** The classes of Hugging Face's whose tokenizer the engine has. */
const CLASSES = ['BertTokenizer', 'BertTokenizerFast', 'DistilBertTokenizer', 'DistilBertTokenizerFast'];

/** Settings of which the engine supports only one value, which is also the default of a file. */
const ONE_WAY: Json = {
  do_basic_tokenize: true,
  clean_text: true,
  split_special_tokens: false,
  truncation_side: 'right',
  wordpieces_prefix: '##',
  // Japanese tokenizers have other values here: they find words by a dictionary.
  word_tokenizer_type: 'basic',
  subword_tokenizer_type: 'wordpiece',
  do_word_tokenize: true,
  do_subword_tokenize: true,
};

function refuse(what: string, where: string, expected: string): never {
  throw new CallerError({ what: `${what}, which is not supported`, where, expected });
}

/** @throws CallerError where a file names another class of tokenizers than BERT's. */
export function checkClass({ json, where }: JsonFile): void {
  const name = json.tokenizer_class ?? undefined;
  if (name !== undefined && !CLASSES.some((supported) => supported === name)) {
    refuse(`"tokenizer_class" is ${JSON.stringify(name)}`, where, CLASSES.join(', '));
  }
  const custom = isObject(json.auto_map) ? (json.auto_map.AutoTokenizer ?? undefined) : undefined;
  if (custom !== undefined) {
    refuse(`"auto_map" names a tokenizer of its own, ${JSON.stringify(custom)}`, where, 'none');
  }
}

/** @throws CallerError where settings ask for another tokenizer than BERT's. */
export function checkSettings({ json, where }: JsonFile): void {
  checkClass({ json, where });
  for (const [name, value] of Object.entries(ONE_WAY)) {
    const actual = json[name] ?? value;
    if (actual !== value) refuse(`"${name}" is ${JSON.stringify(actual)}`, where, JSON.stringify(value));
  }
  const unsplit = json.never_split ?? [];
  if (!Array.isArray(unsplit) || unsplit.length > 0) {
    refuse(`"never_split" is ${JSON.stringify(unsplit)}`, where, 'none');
  }
}

/** A setting that is true or false, or undefined where it is left out. @throws CallerError where it is something else. */
export function flagOf({ json, where }: JsonFile, name: string): boolean | undefined {
  const value = json[name] ?? undefined;
  if (value === undefined || typeof value === 'boolean') return value;
  throw new CallerError({ what: `"${name}" is ${JSON.stringify(value)}`, where, expected: 'true or false' });
}

/** @throws CallerError where a part of `tokenizer.json` is not as BERT's tokenizer has it. */
function checkPart(part: unknown, name: string, expected: Json, where: string): void {
  for (const [field, value] of Object.entries(expected)) {
    const actual = isObject(part) ? part[field] : undefined;
    if (actual !== value) {
      refuse(`"${name}" has ${field} ${JSON.stringify(actual)}`, where, JSON.stringify(value));
    }
  }
}

/** What puts [CLS] and [SEP] around a text. */
const POST_PROCESSORS = ['TemplateProcessing', 'BertProcessing'];

/** @throws CallerError where `tokenizer.json` is not that of a tokenizer of BERT's. */
export function checkTokenizer({ json, where }: JsonFile): void {
  checkPart(json.normalizer, 'normalizer', { type: 'BertNormalizer', clean_text: true }, where);
  checkPart(json.pre_tokenizer, 'pre_tokenizer', { type: 'BertPreTokenizer' }, where);
  const wordPiece = { unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 };
  // Files of the first versions of Hugging Face's library name no type of model.
  const type = isObject(json.model) && json.model.type === undefined ? {} : { type: 'WordPiece' };
  checkPart(json.model, 'model', { ...type, ...wordPiece }, where);
  const post = json.post_processor ?? undefined;
  const kind = isObject(post) ? post.type : post;
  if (post !== undefined && !POST_PROCESSORS.some((supported) => supported === kind)) {
    refuse(`"post_processor" has type ${JSON.stringify(kind)}`, where, POST_PROCESSORS.join(' or '));
  }
}
