import type { Strategy, Tag } from '../grammar/rules.js';
import type { TaggedTokens } from '../grammar/tagged-tokenizer.js';
import { TOKEN_TAGS } from '../grammar/tags.js';
import type { Layout } from '../plan/layout.js';
import type { RuleMask } from '../plan/mask.js';
import type { TileChooser } from '../plan/tiles.js';

/** The number of tags of a model's learned biases; 0 where its strategy learns none. @param tags All tags that tokens may have. */
export function biasTags(strategy: Strategy, tags: readonly Tag[]): number {
  return strategy === 'learned' ? tags.length : 0;
}

/** Applies a mask to batches of sentences. */
export class Planner {
  readonly mask: RuleMask;
  /** For each of `tags`, its index among those of the mask. */
  private readonly indexOfTag: Uint8Array;

  /**
   * @param tags What the tags of sentences are indexes into. Tokens whose tag the rules do not list attend to nothing under `hard`.
   * @throws CallerError where they and the rules' tags are more than MOST_TAGS.
   */
  constructor(
    mask: RuleMask,
    private readonly tiles: TileChooser,
    readonly tags: readonly Tag[] = TOKEN_TAGS,
  ) {
    this.mask = mask.withTags(tags);
    this.indexOfTag = this.mask.tagIndexes(tags);
  }

  /** The tokens of some sentences, one text after the other. */
  tokensOf(texts: readonly TaggedTokens[]) {
    const lengths = texts.map(({ ids }) => ids.length);
    const tokens = lengths.reduce((total, length) => total + length, 0);
    const [tagIndexes, sentences] = [new Uint8Array(tokens), new Uint32Array(tokens)];
    let start = 0;
    for (const text of texts) {
      for (let token = 0; token < text.tags.length; token++) {
        tagIndexes[start + token] = this.indexOfTag[text.tags[token]];
      }
      sentences.set(text.sentences, start);
      start += text.tags.length;
    }
    return { lengths, tagIndexes, sentences };
  }

  layout(texts: readonly TaggedTokens[]): Layout {
    return this.mask.layout(this.tokensOf(texts), this.tiles);
  }
}
