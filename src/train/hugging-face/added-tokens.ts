import { CallerError } from '../../base/errors.js';
import { isObject, type Json } from '../../base/json-schemas.js';
import type { SpecialToken } from '../../grammar/special-tokens.js';
import { BERT_TOKENS, SPECIAL_TOKENS } from '../../grammar/vocabulary.js';

/** An entry for a token in a file. */
interface TokenEntry {
  token: SpecialToken;
  id?: number;
  where: string;
}

/** The tokens of a vocabulary with the tokens that were added to them. */
export interface AddedTokens {
  /** By id: the vocabulary's own, then those that were added after them. */
  tokens: string[];
  special: readonly SpecialToken[];
}

/** A JSON file of a tokenizer, with its path. */
export interface JsonFile {
  json: Json;
  where: string;
}

/** The files with entries for tokens. */
export interface TokenFiles {
  tokenizer: JsonFile;
  settings: JsonFile;
  /** `special_tokens_map.json` */
  map: JsonFile;
  /** `added_tokens.json`: ids by content. */
  added: JsonFile;
}

/** The named tokens of BERT's tokenizer, and the content that the engine requires. */
const NAMED: Readonly<Record<string, string>> = {
  pad_token: '[PAD]',
  unk_token: '[UNK]',
  cls_token: '[CLS]',
  sep_token: '[SEP]',
  mask_token: '[MASK]',
};

function refuseToken(token: unknown, where: string, expected: string): never {
  throw new CallerError({ what: `the added token ${JSON.stringify(token)}`, where, expected });
}

function flagIn(token: Json, name: string, missing: boolean, where: string): boolean {
  const value = token[name] ?? missing;
  if (typeof value === 'boolean') return value;
  return refuseToken(token, where, `"${name}" to be true or false`);
}

/**
 * A token as Hugging Face's `AddedToken` reads it. `lstrip` and `rstrip` do not change a token of BERT's: white space is
 * dropped either way.
 * @param isSpecial Where the file does not say.
 */
function tokenOf(written: unknown, isSpecial: boolean, where: string): SpecialToken {
  const token: Json = isObject(written) ? written : { content: written };
  const { content } = token;
  if (typeof content !== 'string' || content.trim() === '') return refuseToken(written, where, 'a text');
  // A vocabulary has a token a line.
  if (/[\r\n]/.test(content)) return refuseToken(written, where, 'a text without line breaks');
  const special = flagIn(token, 'special', isSpecial, where);
  return {
    content,
    singleWord: flagIn(token, 'single_word', false, where),
    normalised: flagIn(token, 'normalized', !special, where),
  };
}

function idOf(id: unknown, token: unknown, where: string): number {
  if (Number.isInteger(id) && (id as number) >= 0) return id as number;
  return refuseToken(token, where, `an id, not ${JSON.stringify(id)}`);
}

/** Tokens that a list has, or an object by name. */
function listed(json: Json, name: string, where: string): TokenEntry[] {
  const value = json[name] ?? [];
  if (typeof value !== 'object') {
    throw new CallerError({
      what: `"${name}" is ${JSON.stringify(value)}`,
      where,
      expected: 'a list of tokens',
    });
  }
  return Object.values(value).map((token) => ({ token: tokenOf(token, true, where), where }));
}

/** @throws CallerError where a named token, such as `mask_token`, is not BERT's. */
function named({ json, where }: JsonFile): TokenEntry[] {
  return Object.entries(NAMED).flatMap(([name, expected]) => {
    const written = json[name] ?? undefined;
    if (written === undefined) return [];
    const content = isObject(written) ? written.content : written;
    if (content !== expected) {
      throw new CallerError({
        what: `"${name}" is ${JSON.stringify(content)}, which is not supported`,
        where,
        expected: JSON.stringify(expected),
      });
    }
    return isObject(written) ? [{ token: tokenOf(written, true, where), where }] : [];
  });
}

/** All entries of the files; the first entry for a token counts. */
function tokenEntries({ tokenizer, settings, map, added }: TokenFiles): TokenEntry[] {
  const decoder = isObject(settings.json.added_tokens_decoder) ? settings.json.added_tokens_decoder : {};
  const list = Array.isArray(tokenizer.json.added_tokens) ? tokenizer.json.added_tokens : [];
  return [
    ...Object.entries(decoder).map(([id, token]) => {
      const { where } = settings;
      return { token: tokenOf(token, false, where), id: idOf(Number(id), token, where), where };
    }),
    ...list.map((token) => {
      const { where } = tokenizer;
      const id = isObject(token) ? idOf(token.id, token, where) : undefined;
      return { token: tokenOf(token, false, where), id, where };
    }),
    ...[settings, map].flatMap((file) => [
      ...named(file),
      ...listed(file.json, 'additional_special_tokens', file.where),
      ...listed(file.json, 'extra_special_tokens', file.where),
    ]),
    ...Object.entries(added.json).map(([content, id]) => {
      const { where } = added;
      return { token: tokenOf(content, false, where), id: idOf(id, content, where), where };
    }),
  ];
}

/**
 * The special tokens of a tokenizer's files, and those of BERT.
 * @param vocabulary Its tokens without those that were added, by id.
 * @throws CallerError for a token without a place of its own in the vocabulary or after them.
 */
export function addedTokens(vocabulary: readonly string[], files: TokenFiles): AddedTokens {
  const ids = new Map(vocabulary.map((token, id) => [token, id]));
  const special = new Map<string, SpecialToken>();
  const after = new Map<number, TokenEntry>();
  const entries = tokenEntries(files);
  const idsTold = new Map(
    entries.flatMap(({ token, id }) => (id === undefined ? [] : [[token.content, id]])),
  );
  for (const entry of entries) {
    const { token, where } = entry;
    const { content } = token;
    const inVocabulary = ids.get(content);
    const id = entry.id ?? idsTold.get(content) ?? inVocabulary;
    if (id === undefined) {
      refuseToken(content, where, `it in the vocabulary, or an id for it`);
    }
    if (inVocabulary !== undefined ? inVocabulary !== id : id < vocabulary.length) {
      refuseToken(
        content,
        where,
        `it to have its id ${inVocabulary ?? id} in the vocabulary, not that of another token`,
      );
    }
    if (inVocabulary === undefined) {
      const other = after.get(id) ?? entry;
      if (other.token.content !== content)
        refuseToken(content, where, `another id than "${other.token.content}"`);
      after.set(id, other);
    }
    if (!special.has(content)) special.set(content, token);
  }
  const more = [...after].sort(([a], [b]) => a - b);
  more.forEach(([id, { token, where }], index) => {
    if (id === vocabulary.length + index) return;
    refuseToken(
      token.content,
      where,
      `id ${vocabulary.length + index}, the next after the vocabulary, not ${id}`,
    );
  });
  for (const token of BERT_TOKENS) if (!special.has(token.content)) special.set(token.content, token);
  return {
    tokens: [...vocabulary, ...more.map(([, { token }]) => token.content)],
    special: [...special.values()],
  };
}

/** `added_tokens_decoder`, as Hugging Face writes it, where there are other tokens than BERT's own. */
export function addedTokensJson(
  special: readonly SpecialToken[],
  idOfToken: (content: string) => number,
): Json {
  const isOwn = ({ content, singleWord, normalised }: SpecialToken) =>
    !singleWord && !normalised && SPECIAL_TOKENS.some((token) => token === content);
  if (special.every(isOwn)) return {};
  const entries = special.map(({ content, singleWord, normalised }) => {
    const flags = { lstrip: false, normalized: normalised, rstrip: false, single_word: singleWord };
    return [idOfToken(content), { content, ...flags, special: !normalised }] as const;
  });
  return { added_tokens_decoder: Object.fromEntries(entries) };
}
