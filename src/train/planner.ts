import type { Strategy, Tag } from '../grammar/rules.js';
import { type TaggedTokens, tagNames } from '../grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../grammar/tags.js';
import type { RuleMask } from '../plan/mask.js';
import type { MaskTokens } from '../plan/mask-tokens.js';
import type { Plan } from '../plan/plan.js';
import type { ShapeOfTiles } from '../plan/tiles.js';

/** Tags of a model's learned biases; 0 where its strategy learns none. @param tags All that tokens may carry. */
export function biasTags(strategy: Strategy, tags: readonly Tag[]): number {
  return strategy === 'learned' ? tags.length : 0;
}

/** Lays a mask out over batches of sentences. */
export class Planner {
  readonly mask: RuleMask;

  /**
   * @param tags What the tags of sentences are indexes into. Those that the rules do not list see nothing under `hard`.
   * @throws CallerError where these and the rules' are more than MOST_TAGS.
   */
  constructor(
    mask: RuleMask,
    private readonly tiles: ShapeOfTiles,
    readonly tags: readonly Tag[] = TOKEN_TAGS,
  ) {
    this.mask = mask.withTags(tags);
  }

  /** The tokens of some sentences, one text after the other. */
  tokensOf(texts: readonly TaggedTokens[]): MaskTokens & { tags: Tag[] } {
    return {
      lengths: texts.map(({ ids }) => ids.length),
      tags: texts.flatMap((text) => tagNames(text, this.tags)),
      sentences: texts.flatMap(({ sentences }) => Array.from(sentences)),
    };
  }

  plan(texts: readonly TaggedTokens[]): Plan {
    return this.mask.layout(this.tokensOf(texts), this.tiles);
  }
}
