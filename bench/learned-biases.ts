import { hostRandom } from '../src/base/random.js';
import type { RuleSet, Tag } from '../src/grammar/rules.js';
import type { ReferenceInput } from './reference-attention.js';
import { type ReferencePlaces, referenceTokenBias } from './reference-pairs.js';

/** Draws the biases: other numbers than those of the inputs. */
const SEED = 77;

/** Biases of strategy `learned`, [heads, tags, tags], evenly spread over [-1, 1]. */
export function randomBiases({ tags }: RuleSet, heads: number): Float32Array {
  const random = hostRandom(SEED);
  return Float32Array.from({ length: heads * tags.length ** 2 }, () => 2 * random() - 1);
}

/** What such biases add to the score of two tokens, head by head. */
export function referenceOfBiases(
  biases: Float32Array,
  rules: RuleSet,
  heads: number,
  text: ReferencePlaces & { tags: readonly Tag[] },
): ReferenceInput['bias'] {
  const size = rules.tags.length;
  const place = new Map(rules.tags.map((tag, index) => [tag, index]));
  const ofHeads = Array.from({ length: heads }, (_, head) => {
    const learned = (query: Tag, key: Tag) =>
      biases[(head * size + place.get(query)!) * size + place.get(key)!];
    return referenceTokenBias(rules, 'learned', text.tags, { ...text, learned });
  });
  return (query, key, head) => ofHeads[head](query, key);
}
