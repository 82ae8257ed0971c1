import { arrayLike, checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { Tag } from './rules.js';
import { TOKEN_TAGS } from './tags.js';

/** A word of a text with its tag; `start` and `end` are in UTF-16 units of the text. */
export interface TaggedWord {
  /** Its first UTF-16 unit in the text. */
  start: number;
  /** The UTF-16 unit after its last. */
  end: number;
  /** A tag of the rules. */
  tag: Tag;
  /** The number of its sentence in the text, from 0, in ascending order; a text is one sentence by default. */
  sentence?: number;
}

/** A text, with custom tags of its words where the data has them. wink-nlp tags the words otherwise. */
export interface Text {
  text: string;
  /** Its tagged words in the text's order. Together they cover the text except for white space. */
  words?: readonly TaggedWord[];
}

/** Whether all of these are tags that wink-nlp or the tokenizer gives. */
export function areUniversal(tags: readonly Tag[]): boolean {
  return tags.every(isTokenTag);
}

function isTokenTag(tag: Tag): boolean {
  return TOKEN_TAGS.some((tokenTag) => tokenTag === tag);
}

/**
 * All tags that tokens may have: the words' tags, then the universal and special ones. Only [CLS] and [SEP] are added where
 * every word has a custom tag and the custom tags are not universal.
 */
export function tokenTags(wordTags: readonly Tag[], customTags = false): readonly Tag[] {
  const added = customTags && !areUniversal(wordTags) ? ['[CLS]', '[SEP]'] : TOKEN_TAGS;
  return [...new Set([...wordTags, ...added])];
}

/**
 * Finds a written tag among `tags`. Digits match an integer tag.
 * @param where The location in an error: file and row, or the example's number.
 * @throws CallerError where it is not one of the tags.
 */
export function parseTag(written: unknown, tags: readonly Tag[], where: string): Tag {
  const tag = tags.find((each) => each === written) ?? tags.find((each) => String(each) === written);
  if (tag !== undefined) return tag;
  throw new CallerError({
    what: `unknown tag ${JSON.stringify(written)}`,
    where,
    expected: `a tag of the rules: ${tags.join(', ')}`,
  });
}

/**
 * Gives each word of a text a tag. White space separates words.
 * @param tags One for each word.
 * @param where The location in an error: file and row, or the example's number.
 * @throws CallerError where their number is not the number of words.
 */
export function wordsWithTags(text: string, tags: readonly Tag[], where: string): TaggedWord[] {
  checkArgument(string, text, 'text');
  checkArgument(arrayLike, tags, 'tags');
  const words = [...text.matchAll(/\S+/g)];
  if (words.length !== tags.length) {
    throw new CallerError({
      what: `${tags.length} tags`,
      where,
      expected: `${words.length}, one for each word between white space of the text`,
    });
  }
  return words.map(({ index, 0: word }, at) => ({ start: index, end: index + word.length, tag: tags[at] }));
}

function requireWords(texts: readonly Text[], tags: readonly Tag[], what: string): void {
  if (areUniversal(tags)) return;
  const untagged = texts.findIndex(({ words }) => !words);
  if (untagged < 0) return;
  throw new CallerError({
    what,
    where: `text ${untagged + 1}`,
    expected: `a tag for each word, among: ${tags.join(', ')}`,
    remedy: 'name their column with --tags-column, or read a .conllu file',
  });
}

/**
 * Checks that texts have the custom tags that a model was trained on.
 * @param tags The tags that words may have.
 * @throws CallerError for a text without tags, where wink-nlp does not give these tags.
 */
export function requireTags(texts: readonly Text[], tags: readonly Tag[]): void {
  requireWords(texts, tags, 'no tags, and this model was trained on custom tags');
}

/**
 * Checks that texts have tags where rules use tags that wink-nlp does not give: such rules would forbid all pairs.
 * @throws CallerError for a text without tags.
 */
export function requireRulesTags(
  texts: readonly Text[],
  rules: { name: string; tags: readonly Tag[] },
): void {
  const custom = rules.tags.filter((tag) => !isTokenTag(tag));
  requireWords(
    texts,
    rules.tags,
    `no tags, and rules "${rules.name}" are about tags that the tagger does not give: ${custom.join(', ')}`,
  );
}

/** A note for the user where texts have tags from another source than the model's training texts; else an empty list. */
export function tagsNote(customTags: boolean, texts: readonly Text[]): string[] {
  const tagged = texts.filter(({ words }) => words).length;
  if (customTags && tagged < texts.length) {
    const untagged = `${texts.length - tagged} of ${texts.length} texts`;
    return [`This model was trained on custom tags; wink-nlp tags ${untagged}, which have none.`];
  }
  if (customTags || tagged === 0) return [];
  const count = `${tagged} of ${texts.length} texts`;
  return [`This model was trained on wink-nlp's tags; it reads ${count} with custom tags.`];
}
