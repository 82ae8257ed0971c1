import type { RuleSet, Tag } from './rules.js';

/** The number of token pairs in texts, by the tags of query and key. Both tokens of a pair are in the same text. */
export class TagPairCounts {
  /** Pairs of any tags. */
  readonly total: number;

  private constructor(
    /** The tags that occur. */
    readonly tags: readonly Tag[],
    private readonly counts: ReadonlyMap<Tag, ReadonlyMap<Tag, number>>,
  ) {
    const rows = [...counts.values()].flatMap((row) => [...row.values()]);
    this.total = rows.reduce((sum, count) => sum + count, 0);
  }

  /** @param texts The tag of each token, text by text. */
  static ofTexts(texts: Iterable<Iterable<Tag>>): TagPairCounts {
    const counts = new Map<Tag, Map<Tag, number>>();
    for (const text of texts) {
      const tokens = new Map<Tag, number>();
      for (const tag of text) tokens.set(tag, (tokens.get(tag) ?? 0) + 1);
      for (const [query, queries] of tokens) {
        const row = counts.get(query) ?? new Map<Tag, number>();
        counts.set(query, row);
        for (const [key, keys] of tokens) row.set(key, (row.get(key) ?? 0) + queries * keys);
      }
    }
    return new TagPairCounts([...counts.keys()], counts);
  }

  /** Pairs whose query and key have these tags. */
  of(query: Tag, key: Tag): number {
    return this.counts.get(query)?.get(key) ?? 0;
  }

  /** The share of all pairs that hard rules allow, without regard to scopes. */
  hardDensity({ hard }: Pick<RuleSet, 'hard'>): number {
    const pairs = new Map(hard.map(([query, key]) => [JSON.stringify([query, key]), this.of(query, key)]));
    return [...pairs.values()].reduce((sum, count) => sum + count, 0) / this.total;
  }
}
