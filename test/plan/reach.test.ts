import { describe, expect, it } from 'vitest';
import type { RulePairs } from '../../src/grammar/head-rules.js';
import { presetRules } from '../../src/grammar/presets.js';
import { splitEdits, withEdits } from '../../src/grammar/rule-edits.js';
import type { TagPair } from '../../src/grammar/rules.js';
import { predictReach } from '../../src/plan/reach.js';
import { generator, randomInteger } from '../support/random.js';

const TAGS = ['[CLS]', 'a', 'b', 'c', 'd'];

/** Whether a walk of at most this number of layers, from the last one down, leads from a tag to a key: tried one by one. */
function walks(ofLayers: readonly TagPair[][], from: string, key: string, layers: number): boolean {
  if (layers === 0) return false;
  const keys = ofLayers[(layers - 1) % ofLayers.length].filter(
    ([query, , scope]) => query === from && scope !== 0,
  );
  return (
    walks(ofLayers, from, key, layers - 1) ||
    keys.some(([, to]) => to === key || walks(ofLayers, String(to), key, layers - 1))
  );
}

describe('the prediction of what a readout can depend on', () => {
  it('is that of walks along the rules of each layer, the last layer first, for random rules of heads', () => {
    const random = generator(5);
    const draw = (): RulePairs => {
      const pairs = TAGS.flatMap((query) => TAGS.map((key): TagPair => [query, key]));
      const hard = pairs.filter(() => random() < 0.12);
      return { hard: [...hard, ['a', 'd', 0]], soft: [] };
    };
    const seen = new Set<number | undefined>();
    for (let time = 0; time < 60; time++) {
      const heads = Array.from({ length: randomInteger(random, 1, 3) }, () => [draw(), draw()]);
      const ofLayers = heads.map((layer) => layer.flatMap(({ hard }) => hard));
      const rules = { name: 'random', tags: TAGS, beta: 0, heads };
      const { pairs, isReached } = predictReach(rules, [['b', 'c']], { layers: 4, readout: 'a' });
      const expected = [1, 2, 3, 4].find((layers) =>
        ['b', 'c'].every((tag) => walks(ofLayers, 'a', tag, layers)),
      );
      expect(pairs[0].layers).toBe(expected);
      expect(isReached).toBe(expected !== undefined);
      seen.add(expected);
    }
    expect(seen.size, 'different cases').toBeGreaterThan(3);
  });

  it("is right for pairs of the paper's rules, with a closed readout", () => {
    const layersOf = (name: string, query: string, key: string, readout = 'VERB') => {
      const rules = withEdits(presetRules('paper'), splitEdits(`paper readout:${readout}${name}`).edits);
      return predictReach(rules, [[query, key]], { layers: 3 }).pairs[0];
    };
    expect(layersOf('', 'NOUN', 'ADJ')).toMatchObject({ isRule: true, layers: 3 });
    expect(layersOf('', 'VERB', 'PART')).toMatchObject({ isRule: false, layers: undefined });
    expect(layersOf(' +VERB:PART', 'VERB', 'PART')).toMatchObject({ isRule: true, layers: 2 });
    expect(layersOf(' -VERB:NOUN', 'NOUN', 'ADJ')).toMatchObject({ isRule: true, layers: undefined });
    expect(layersOf('', 'AUX', 'NOUN', 'AUX'), 'through the verb').toMatchObject({
      isRule: false,
      layers: 3,
    });
    expect(predictReach(presetRules('floor'), [['VERB', 'PART']], { layers: 3, strategy: 'soft' })).toEqual({
      isReached: true,
      pairs: [{ query: 'VERB', key: 'PART', isRule: true, layers: 1 }],
    });
  });
});

describe('edits of a name', () => {
  it('are split from it, and change hard and soft pairs of every head', () => {
    expect(splitEdits('my rules.json@3 +a:b -[CLS]:c readout:d')).toEqual({
      base: 'my rules.json@3',
      edits: ['+a:b', '-[CLS]:c', 'readout:d'],
    });
    const head = { hard: [['a', 'c', 3]] as TagPair[], soft: [['[CLS]', 'c']] as TagPair[] };
    const rules = { name: 'r', tags: TAGS, beta: 1, heads: [[head, head]] };
    const { heads, name } = withEdits(rules, ['+a:b', '-a:c', 'readout:d']);
    const expected = {
      hard: [
        ['a', 'b'],
        ['[CLS]', '[CLS]'],
        ['[CLS]', 'd'],
      ],
      soft: [],
    };
    expect(heads).toEqual([[expected, expected]]);
    expect(name).toBe('r +a:b -a:c readout:d');
  });

  it('add a pair within a scope, and remove one of that scope alone', () => {
    const rules = { name: 'r', tags: TAGS, beta: 1, hard: [['a', 'c', 3]] as TagPair[], soft: [] };
    expect(withEdits(rules, ['+a:b@sentence']).hard).toEqual([
      ['a', 'c', 3],
      ['a', 'b', 'sentence'],
    ]);
    expect(withEdits(rules, ['-a:c@3']).hard).toEqual([]);
    expect(withEdits(rules, ['readout:d@2']).hard.slice(1)).toEqual([
      ['[CLS]', '[CLS]'],
      ['[CLS]', 'd', 2],
    ]);
    expect(() => withEdits(rules, ['-a:c@4'])).toThrow('no pair to remove');
  });
});
