import type { Tag } from '../grammar/rules.js';

/** A word and its tag. */
export interface Tagged {
  word: string;
  tag: Tag;
}

/**
 * The tags of the words of a changed text: those of the unchanged text, which has as many words. A word that both have keeps its tag, in
 * its place or in another one. The others get the tags that are left, in their order: a word that replaces another gets its tag.
 * @returns [words]
 */
export function changedTags(original: readonly Tagged[], changed: readonly string[]): Tag[] {
  const plain = (word: string) => word.toLowerCase();
  const isUnmoved = (word: string, at: number) => plain(word) === plain(original[at].word);
  const left = new Set(original.filter((_, at) => !isUnmoved(changed[at], at)));
  const places = new Map<string, Tagged[]>();
  for (const each of left) {
    const word = plain(each.word);
    places.set(word, [...(places.get(word) ?? []), each]);
  }
  const tags = changed.map((word, at): Tag | undefined => {
    if (isUnmoved(word, at)) return original[at].tag;
    const moved = places.get(plain(word))?.shift();
    if (moved) left.delete(moved);
    return moved?.tag;
  });
  const rest = left.values();
  return tags.map((tag) => tag ?? rest.next().value!.tag);
}
