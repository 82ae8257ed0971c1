import { arrayLike, checkArgument, string } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import type { RuleSet, Tag } from './rules.js';
import { PIECE_TAGS } from './tags.js';

/** A word of a text with a tag that the caller gave it; places in UTF-16 units of the text. */
export interface OwnWord {
  start: number;
  end: number;
  tag: Tag;
}

/** True where a tagger of universal tags can stand in for whoever gave the words their own. */
export function areUniversal({ tags }: Pick<RuleSet, 'tags'>): boolean {
  return tags.every((tag) => PIECE_TAGS.some((known) => known === tag));
}

/**
 * The tags that pieces carry under a rule set: its own, and those that it may not list. These are the universal ones, but
 * where words bring tags that are not: then they are only those of [CLS] and [SEP].
 */
export function pieceTags(rules: Pick<RuleSet, 'tags'>, ownTags: boolean): readonly Tag[] {
  const others = ownTags && !areUniversal(rules) ? ['[CLS]', '[SEP]'] : PIECE_TAGS;
  return [...new Set([...rules.tags, ...others])];
}

/**
 * The tag that is meant by what was written: the tag itself, or, where tags are integers, its digits.
 * @param where What an error calls the place: file and row, or the example's number.
 * @throws CallerError where it is none of the tags.
 */
export function knownTag(written: unknown, tags: readonly Tag[], where: string): Tag {
  const tag = tags.find((known) => known === written) ?? tags.find((known) => String(known) === written);
  if (tag !== undefined) return tag;
  throw new CallerError({
    what: `unknown tag ${JSON.stringify(written)}`,
    where,
    expected: `a tag of the rules: ${tags.join(', ')}`,
  });
}

/**
 * Gives the words of a text, which white space separates, a tag each.
 * @param tags As many as the text has words.
 * @throws CallerError where they are more or fewer.
 */
export function wordsWithTags(text: string, tags: readonly Tag[], where: string): OwnWord[] {
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
