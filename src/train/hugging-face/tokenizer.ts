import { CallerError } from '../../base/errors.js';
import { isObject, type Json } from '../../base/json-schemas.js';
import { exists, pathIn, readText } from '../../data/files.js';
import type { TaggedTokenizer } from '../../grammar/tagged-tokenizer.js';
import { hasCapitals, type Normalisation, tokensOfText, Vocabulary } from '../../grammar/vocabulary.js';
import { addedTokens, addedTokensJson, type JsonFile } from './added-tokens.js';
import { jsonIfThere } from './json.js';
import { checkSettings, checkTokenizer, flagOf } from './tokenizer-settings.js';

const VOCABULARY = 'vocab.txt';
const TOKENIZER = 'tokenizer.json';
const SETTINGS = 'tokenizer_config.json';
const ADDED = 'added_tokens.json';
const MAP = 'special_tokens_map.json';

/** The tokenizer of a folder. */
export interface TokenizerFolder {
  vocabulary: Vocabulary;
  /** `model_max_length`, where it is named. */
  maxLength?: number;
}

/**
 * The normalisation of Hugging Face's fast tokenizer: that of the settings, else that of `tokenizer.json`; else case as the
 * tokens have it.
 */
function normalisationOf(settings: JsonFile, tokenizer: JsonFile, tokens: readonly string[]) {
  const { where } = tokenizer;
  const normalizer = { json: isObject(tokenizer.json.normalizer) ? tokenizer.json.normalizer : {}, where };
  const isLowerCase = flagOf(settings, 'do_lower_case') ?? flagOf(normalizer, 'lowercase');
  const lowerCase = isLowerCase ?? !hasCapitals(tokens);
  const normalisation: Normalisation = {
    lowerCase,
    stripAccents: flagOf(settings, 'strip_accents') ?? flagOf(normalizer, 'strip_accents') ?? lowerCase,
    splitIdeographs:
      flagOf(settings, 'tokenize_chinese_chars') ?? flagOf(normalizer, 'handle_chinese_chars') ?? true,
  };
  return { normalisation, isCaseGuessed: isLowerCase === undefined };
}

/** The tokens of `tokenizer.json`, by id. */
function tokensById(tokenizer: Json, where: string): string[] {
  const ids = isObject(tokenizer.model) && isObject(tokenizer.model.vocab) ? tokenizer.model.vocab : {};
  const entries = Object.entries(ids);
  const tokens: string[] = new Array(entries.length);
  for (const [token, id] of entries) {
    const isFree = typeof id === 'number' && id in entries && tokens[id] === undefined;
    if (!isFree) {
      throw new CallerError({
        what: `token "${token}" has id ${JSON.stringify(id)}`,
        where,
        expected: `an id of its own, from 0 to ${entries.length - 1}`,
      });
    }
    tokens[id] = token;
  }
  return tokens;
}

/** The tokens of a folder, by id, and the file that has them. @throws CallerError where two files have other ones. */
async function readTokens(folder: string, tokenizer: JsonFile): Promise<{ tokens: string[]; file: string }> {
  const file = pathIn(folder, VOCABULARY);
  const hasTokenizer = await exists(tokenizer.where);
  const described = hasTokenizer ? tokensById(tokenizer.json, tokenizer.where) : undefined;
  if (described && !(await exists(file))) return { tokens: described, file: tokenizer.where };
  const tokens = tokensOfText(await readText(file, `it, or ${TOKENIZER}`));
  const other = described?.findIndex((token, id) => token !== tokens[id]) ?? -1;
  if (described && other >= 0) {
    throw new CallerError({
      what: `token "${tokens[other] ?? ''}"`,
      where: `${file}:${other + 1}`,
      expected: `"${described[other]}", which has id ${other} in ${TOKENIZER}`,
      remedy: `remove the file of the two that is not the model's`,
    });
  }
  return { tokens, file };
}

/**
 * Reads a folder's tokenizer: `vocab.txt` or else `tokenizer.json`, how texts are normalised, and special tokens.
 * @throws CallerError where it is missing, or is not a WordPiece tokenizer as BERT's; the error names what is not supported.
 */
export async function readTokenizer(folder: string): Promise<TokenizerFolder> {
  const read = async (name: string, expected: string): Promise<JsonFile> => {
    const where = pathIn(folder, name);
    return { json: await jsonIfThere(where, expected), where };
  };
  const settings = await read(SETTINGS, "a tokenizer's settings");
  const tokenizer = await read(TOKENIZER, 'a tokenizer');
  const map = await read(MAP, 'special tokens by name');
  const added = await read(ADDED, 'ids of added tokens');
  checkSettings(settings);
  if (await exists(tokenizer.where)) checkTokenizer(tokenizer);
  const { tokens, file } = await readTokens(folder, tokenizer);
  const all = addedTokens(tokens, { tokenizer, settings, map, added });
  const { normalisation, isCaseGuessed } = normalisationOf(settings, tokenizer, tokens);
  const options = { special: all.special, ordinary: tokens.length, isCaseGuessed };
  const vocabulary = new Vocabulary(all.tokens, file, normalisation, options);
  const longest = settings.json.model_max_length;
  return typeof longest === 'number' ? { vocabulary, maxLength: longest } : { vocabulary };
}

/** The files of a tokenizer by name, as Hugging Face's `BertTokenizer` reads them. */
export function tokenizerFiles({
  vocabulary,
  maxLength,
}: Pick<TaggedTokenizer, 'vocabulary' | 'maxLength'>): Record<string, string> {
  const { lowerCase, stripAccents, splitIdeographs } = vocabulary.normalisation;
  const settings = {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: lowerCase,
    ...(stripAccents !== lowerCase && { strip_accents: stripAccents }),
    ...(!splitIdeographs && { tokenize_chinese_chars: false }),
    ...addedTokensJson(vocabulary.special, (content) => vocabulary.idOf(content)),
    model_max_length: maxLength,
  };
  return { [VOCABULARY]: vocabulary.toText(), [SETTINGS]: `${JSON.stringify(settings, null, 2)}\n` };
}
