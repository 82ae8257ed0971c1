import type { ModelRules } from '../grammar/head-rules.js';
import { pieceTags } from '../grammar/own-tags.js';
import type { Strategy, Tag } from '../grammar/rules.js';
import { type EncodedSentence, tagNames } from '../grammar/tagged-pieces.js';
import { PIECE_TAGS } from '../grammar/tags.js';
import type { RuleMask } from '../plan/mask.js';
import type { MaskTokens } from '../plan/mask-tokens.js';
import type { Plan } from '../plan/plan.js';
import type { ShapeOfTiles } from '../plan/tiles.js';

/** Tags of a model's learned bias tables; 0 where its strategy learns none. */
export function biasTags(rules: ModelRules, strategy: Strategy, ownTags = false): number {
  return strategy === 'learned' ? pieceTags(rules, ownTags).length : 0;
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
    readonly tags: readonly Tag[] = PIECE_TAGS,
  ) {
    this.mask = mask.withTags(tags);
  }

  /** The tokens of some sentences, one text after the other. */
  tokensOf(texts: readonly EncodedSentence[]): MaskTokens & { tags: Tag[] } {
    return {
      lengths: texts.map(({ ids }) => ids.length),
      tags: texts.flatMap((text) => tagNames(text, this.tags)),
      sentences: texts.flatMap(({ sentences }) => Array.from(sentences)),
    };
  }

  plan(texts: readonly EncodedSentence[]): Plan {
    return this.mask.layout(this.tokensOf(texts), this.tiles);
  }
}
