import * as v from 'valibot';
import { options as anyOptions, arrayLike, checkArgument } from '../base/argument-schemas.js';
import { parseTag } from '../grammar/custom-tags.js';
import { modelRulesOf } from '../grammar/grammar-arguments.js';
import { type ModelRules, ruleSetsOf } from '../grammar/head-rules.js';
import { STRATEGIES, type Strategy, type Tag } from '../grammar/rules.js';
import { layerCount } from './closure.js';

/** A pair of tags that decides a label. */
export type DecidingPair = readonly [query: Tag, key: Tag];

/** What a rule set does with a deciding pair. */
export interface PairReach {
  query: Tag;
  key: Tag;
  /** Whether some head of some layer has a rule for it. */
  isRule: boolean;
  /** Layers after which the readout depends on both tags; undefined where it never does. */
  layers: number | undefined;
}

/** Whether a model can use the pairs that decide a label. */
export interface Prediction {
  /** Whether the readout depends on both tags of every pair after all layers of the model. */
  isReached: boolean;
  /** One for each pair that was asked about, in their order. */
  pairs: PairReach[];
}

/** For each layer, the key tags that a query of each tag sees in some head. */
function keysByLayer(rules: ModelRules, strategy: Strategy): ((query: Tag) => Iterable<Tag>)[] {
  if (strategy !== 'hard' && strategy !== 'guided') return [() => rules.tags];
  return ruleSetsOf(rules).map((heads) => {
    const keys = new Map<Tag, Set<Tag>>();
    for (const { hard, soft } of heads) {
      for (const [query, key, scope] of strategy === 'hard' ? hard : [...hard, ...soft]) {
        // Within a scope of no tokens, a token sees only itself.
        if (scope === 0) continue;
        keys.set(query, (keys.get(query) ?? new Set()).add(key));
      }
    }
    return (query) => keys.get(query) ?? [];
  });
}

/** After 0, 1, 2, … layers, the tags of other tokens that a token of the readout's tag depends on. */
function dependences(
  layers: readonly ((query: Tag) => Iterable<Tag>)[],
  tags: readonly Tag[],
  readout: Tag,
  count: number,
): ReadonlySet<Tag>[] {
  let reached = new Map(tags.map((tag) => [tag, new Set<Tag>()]));
  const ofReadout = [reached.get(readout)!];
  for (let layer = 0; layer < count; layer++) {
    const before = reached;
    reached = new Map(
      tags.map((query) => {
        const keys = [...layers[layer % layers.length](query)];
        return [
          query,
          new Set([...before.get(query)!, ...keys, ...keys.flatMap((key) => [...before.get(key)!])]),
        ];
      }),
    );
    ofReadout.push(reached.get(readout)!);
  }
  return ofReadout;
}

const PAIRS = v.array(arrayLike, 'a list of pairs of tags');
const OPTIONS = anyOptions({
  layers: layerCount,
  strategy: v.optional(v.picklist(STRATEGIES, `one of: ${STRATEGIES.join(', ')}`)),
});

/**
 * Predicts before training whether a model can learn a label that pairs of tags decide: whether the readout depends on both
 * tags of each pair, one pair of a rule a layer. It is necessary, not sufficient: the label may need more than the pairs.
 * Scopes of one token or more are taken to hold: the prediction is that of the whole document.
 * @param options `layers` of the model: after the last layer of the rules, their first follows again. `strategy`: `hard` by
 * default; under any but `hard` and `guided` every tag sees all. `readout`: the tag of the token whose
 * last row is classified, [CLS] by default.
 * @throws CallerError for a tag that the rules do not have.
 */
export function predictReach(
  rules: ModelRules,
  pairs: readonly DecidingPair[],
  options: { layers: number; strategy?: Strategy; readout?: Tag },
): Prediction {
  modelRulesOf(rules);
  checkArgument(PAIRS, pairs, 'pairs');
  checkArgument(OPTIONS, options, 'options');
  const { layers, strategy = 'hard', readout = '[CLS]' } = options;
  const seenBy = keysByLayer(rules, strategy);
  const tagOf = (tag: Tag) => parseTag(tag, rules.tags, `rules "${rules.name}"`);
  const last = tagOf(readout);
  const reached = dependences(seenBy, rules.tags, last, layers);
  const reaches = pairs.map((pair): PairReach => {
    const [query, key] = [tagOf(pair[0]), tagOf(pair[1])];
    const joined = reached.findIndex((tags) => tags.has(key) && (query === last || tags.has(query)));
    return {
      query,
      key,
      isRule: seenBy.some((keysOf) => [...keysOf(query)].includes(key)),
      layers: joined < 0 ? undefined : joined,
    };
  });
  return { isReached: reaches.every((pair) => pair.layers !== undefined), pairs: reaches };
}
