import { isThere, placeIn, readText } from '../../data/files.js';
import { CallerError } from '../../gpu/errors.js';
import { type Normalisation, parseVocabulary, SPECIAL_PIECES, Vocabulary } from '../../grammar/vocabulary.js';
import { isObject, type Json, jsonIfThere } from './json.js';

const VOCABULARY = 'vocab.txt';
const TOKENIZER = 'tokenizer.json';
const SETTINGS = 'tokenizer_config.json';
const ADDED = 'added_tokens.json';

/** What a folder's tokenizer makes of texts. */
export interface TokenizerDescription {
  vocabulary: Vocabulary;
  /** `model_max_length`, where it is named. */
  mostPieces?: number;
}

function refuse(what: string, where: string, expected: string): never {
  throw new CallerError({ what: `${what}, which is not supported`, where, expected });
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

function checkTokenizer(json: Json, where: string): void {
  checkPart(json.normalizer, 'normalizer', { type: 'BertNormalizer', clean_text: true }, where);
  checkPart(json.pre_tokenizer, 'pre_tokenizer', { type: 'BertPreTokenizer' }, where);
  const wordPiece = { unk_token: '[UNK]', continuing_subword_prefix: '##', max_input_chars_per_word: 100 };
  // Files of the first versions of Hugging Face's library name no type of model.
  const type = isObject(json.model) && json.model.type === undefined ? {} : { type: 'WordPiece' };
  checkPart(json.model, 'model', { ...type, ...wordPiece }, where);
}

/** @throws CallerError where a token was added that is looked for in a text before it is split. */
function refuseAdded(tokens: readonly unknown[], where: string): void {
  const added = tokens.find((token) => !SPECIAL_PIECES.some((piece) => piece === token));
  if (added !== undefined) {
    refuse(`the added token ${JSON.stringify(added)}`, where, `none but ${SPECIAL_PIECES.join(', ')}`);
  }
}

const contentOf = (token: unknown) => (isObject(token) ? token.content : token);

/** As Hugging Face's fast tokenizer: what the settings name, else what `tokenizer.json` does, else uncased. */
function normalisationOf(settings: Json, tokenizer: Json): Normalisation {
  const normalizer = isObject(tokenizer.normalizer) ? tokenizer.normalizer : {};
  const lowerCase = (settings.do_lower_case ?? normalizer.lowercase ?? true) === true;
  return {
    lowerCase,
    stripAccents: (settings.strip_accents ?? normalizer.strip_accents ?? lowerCase) === true,
    splitIdeographs: (settings.tokenize_chinese_chars ?? normalizer.handle_chinese_chars ?? true) === true,
  };
}

/** The pieces of `tokenizer.json`, by id. */
function piecesOf(tokenizer: Json, where: string): string[] {
  const ids = isObject(tokenizer.model) && isObject(tokenizer.model.vocab) ? tokenizer.model.vocab : {};
  const entries = Object.entries(ids);
  const pieces: string[] = new Array(entries.length);
  for (const [piece, id] of entries) {
    const isFree = typeof id === 'number' && id in entries && pieces[id] === undefined;
    if (!isFree) {
      throw new CallerError({
        what: `piece "${piece}" has id ${JSON.stringify(id)}`,
        where,
        expected: `an id of its own, from 0 to ${entries.length - 1}`,
      });
    }
    pieces[id] = piece;
  }
  return pieces;
}

/**
 * Reads a folder's tokenizer: `vocab.txt` or else `tokenizer.json`, and how texts are normalised.
 * @throws CallerError where there is none, or it is no word-piece tokenizer as BERT's, naming what is not supported.
 */
export async function readTokenizer(folder: string): Promise<TokenizerDescription> {
  const [vocabularyFile, tokenizerFile, settingsFile, addedFile] = [
    VOCABULARY,
    TOKENIZER,
    SETTINGS,
    ADDED,
  ].map((name) => placeIn(folder, name));
  const settings = await jsonIfThere(settingsFile, "a tokenizer's settings");
  const tokenizer = await jsonIfThere(tokenizerFile, 'a tokenizer');
  const hasTokenizer = await isThere(tokenizerFile);
  if (hasTokenizer) {
    checkTokenizer(tokenizer, tokenizerFile);
    refuseAdded(
      Array.isArray(tokenizer.added_tokens) ? tokenizer.added_tokens.map(contentOf) : [],
      tokenizerFile,
    );
  }
  if (settings.do_basic_tokenize === false) refuse('"do_basic_tokenize" is false', settingsFile, 'true');
  const decoder = isObject(settings.added_tokens_decoder) ? settings.added_tokens_decoder : {};
  refuseAdded(Object.values(decoder).map(contentOf), settingsFile);
  refuseAdded(Object.keys(await jsonIfThere(addedFile, 'ids of added tokens')), addedFile);

  const normalisation = normalisationOf(settings, tokenizer);
  const vocabulary =
    hasTokenizer && !(await isThere(vocabularyFile))
      ? new Vocabulary(piecesOf(tokenizer, tokenizerFile), tokenizerFile, normalisation)
      : parseVocabulary(await readText(vocabularyFile, `it, or ${TOKENIZER}`), vocabularyFile, normalisation);
  const longest = settings.model_max_length;
  return typeof longest === 'number' ? { vocabulary, mostPieces: longest } : { vocabulary };
}

/** The files of a tokenizer by name, as Hugging Face's `BertTokenizer` reads them. */
export function tokenizerFiles({
  vocabulary,
  mostPieces,
}: Required<TokenizerDescription>): Record<string, string> {
  const { lowerCase, stripAccents, splitIdeographs } = vocabulary.normalisation;
  const settings = {
    tokenizer_class: 'BertTokenizer',
    do_lower_case: lowerCase,
    ...(stripAccents !== lowerCase && { strip_accents: stripAccents }),
    ...(!splitIdeographs && { tokenize_chinese_chars: false }),
    model_max_length: mostPieces,
  };
  return { [VOCABULARY]: vocabulary.toText(), [SETTINGS]: `${JSON.stringify(settings, null, 2)}\n` };
}
