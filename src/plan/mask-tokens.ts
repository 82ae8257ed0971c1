import * as v from 'valibot';
import { arrayLike, sizes } from '../base/argument-schemas.js';
import { CallerError } from '../base/errors.js';
import { MOST_TAGS, type Tag, tagIndexes } from '../grammar/rules.js';
import { checkedLengths } from './layout.js';
import { type Labelling, leavesOf, type MaskTerm } from './mask-term.js';

/** The tokens of a packed batch, in the caller's order. */
export interface MaskTokens {
  /** Tokens of each sequence; all tokens are one sequence by default. */
  lengths?: ArrayLike<number>;
  /** [tokens], by name or integer (see `tagIndexes`), where the mask is made from rules about tags. */
  tags?: ArrayLike<Tag>;
  /** [tokens], instead of `tags`: their indexes among the tags of the mask. */
  tagIndexes?: Uint8Array;
  /** [tokens] each: further labels, by the names that masks from rules give them. */
  labels?: Readonly<Record<string, ArrayLike<Tag>>>;
  /**
   * [tokens], the sentence of each: numbers that ascend within a sequence, or NO_SENTENCE for tokens that belong to the
   * document. By default each sequence is one sentence.
   */
  sentences?: ArrayLike<number>;
}

/** The types of `MaskTokens`. Their contents are checked where they are used. */
export const TOKENS = {
  lengths: v.optional(sizes),
  tags: v.optional(arrayLike),
  tagIndexes: v.optional(v.instance(Uint8Array, 'a Uint8Array')),
  labels: v.optional(v.record(v.string(), arrayLike, 'lists of labels by name')),
  sentences: v.optional(arrayLike),
};

/** The default labelling of rules. */
export const TAGS = 'tags';

/** The labellings that the rules of some terms use. @param moreTags Tags of tokens that no rule lists. */
export function labellingsOf(terms: readonly MaskTerm[], moreTags: readonly Tag[]): Labelling[] {
  const tags = new Map<string, Set<Tag>>();
  for (const leaf of new Set(terms.flatMap(leavesOf))) {
    if (leaf.kind !== 'rules') continue;
    tags.set(leaf.labels, new Set([...(tags.get(leaf.labels) ?? []), ...leaf.rules.tags]));
  }
  if (moreTags.length > 0 && tags.has(TAGS)) tags.set(TAGS, new Set([...tags.get(TAGS)!, ...moreTags]));
  return [...tags].map(([name, values]) => ({ name, tags: checkedCount([...values], 'tags') }));
}

/** @throws CallerError where there are more labels than kernels have bits for. */
function checkedCount<T>(labels: T[], what: string): T[] {
  if (labels.length <= MOST_TAGS) return labels;
  throw new CallerError({ what: `${labels.length} ${what}`, expected: `1 to ${MOST_TAGS}` });
}

/** Tokens of each sequence. @throws CallerError where neither lengths nor labels are given. */
export function lengthsOf({ lengths, tags, tagIndexes, labels = {} }: MaskTokens): ArrayLike<number> {
  const labelled = tags ?? tagIndexes ?? Object.values(labels)[0];
  if (lengths) return lengths;
  if (labelled) return [labelled.length];
  throw new CallerError({
    what: 'neither lengths nor tags were given',
    expected: 'the lengths of the sequences',
  });
}

function checkedIndexes(indexes: Uint8Array, count: number): Uint8Array {
  const unknown = indexes.findIndex((index) => index >= count);
  if (unknown < 0) return indexes;
  throw new CallerError({
    what: `tag index ${indexes[unknown]}`,
    where: `tagIndexes[${unknown}]`,
    expected: `0 to ${count - 1}`,
  });
}

/** The index of each token's value in a labelling. */
function valuesOf({ name, tags }: Labelling, tokens: MaskTokens, mask: string): Uint8Array {
  if (name === TAGS && tokens.tagIndexes) return checkedIndexes(tokens.tagIndexes, tags.length);
  const values = name === TAGS ? tokens.tags : tokens.labels?.[name];
  if (values) return tagIndexes({ name: mask, tags }, values);
  throw new CallerError({
    what: `mask "${mask}" without ${name === TAGS ? TAGS : `labels "${name}"`}`,
    expected: 'one for every token',
  });
}

/**
 * One label for each token: its tag, or the combination of its values where a mask uses several labellings.
 * @param mask The mask's name in errors.
 * @throws CallerError where tokens lack labels, or more combinations occur than kernels hold bits for.
 */
export function labelsOf(
  labellings: readonly Labelling[],
  tokens: MaskTokens,
  mask: string,
): { labels: readonly (readonly number[])[]; tags: Uint8Array } {
  if (labellings.length === 0) {
    const lengths = lengthsOf(tokens);
    const count = Array.from(lengths).reduce((total, length) => total + length, 0);
    checkedLengths(lengths, count);
    return { labels: [[]], tags: new Uint8Array(count) };
  }
  const [values, ...others] = labellings.map((labelling) => valuesOf(labelling, tokens, mask));
  if (others.length === 0) return { labels: labellings[0].tags.map((_, tag) => [tag]), tags: values };
  const wrong = others.find(({ length }) => length !== values.length);
  if (wrong) {
    throw new CallerError({ what: `labels of ${wrong.length} tokens`, expected: `${values.length}` });
  }
  // As text: numbers are not exact for many labellings. Each index is one character, so that texts sort as indexes do.
  const keys = Array.from(values, (value, token) =>
    String.fromCharCode(value, ...others.map((each) => each[token])),
  );
  const used = checkedCount([...new Set(keys)].sort(), 'combinations of labels');
  const labels = used.map((key) => Array.from(key, (character) => character.charCodeAt(0)));
  const labelOf = new Map(used.map((key, label) => [key, label]));
  return { labels, tags: Uint8Array.from(keys, (key) => labelOf.get(key)!) };
}
