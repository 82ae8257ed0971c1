import { describe, expect, it } from 'vitest';
import { masked, mlmMasked, mlmTokens } from '../../src/data/masking.js';
import { bertVocabulary } from '../../src/grammar/bert-vocabulary.js';
import { encodedText } from '../support/tagged-text.js';

const vocabulary = bertVocabulary();
const maskId = vocabulary.idOf('[MASK]');
const masking = { probability: 0.3, maskId, seed: 7 };
const sentence = encodedText('the film is funny . '.repeat(400), vocabulary);

const draw = (options: Partial<typeof masking> = {}, epoch = 1, example = 0) =>
  masked(sentence, { ...masking, ...options }, epoch, example).ids;

describe('masks', () => {
  it('occur with their probability, and never on [CLS] or [SEP]', () => {
    const { length } = sentence.ids;
    for (const probability of [0.01, 0.3, 0.9]) {
      const ids = draw({ probability });
      const share = ids.filter((id) => id === maskId).length / length;
      const deviation = Math.sqrt((probability * (1 - probability)) / length);
      expect(Math.abs(share - probability)).toBeLessThan(5 * deviation);
      expect([ids[0], ids[length - 1]]).toEqual([sentence.ids[0], sentence.ids[length - 1]]);
    }
  });

  it('are never on a [SEP] in the text', () => {
    const named = encodedText('the film [SEP] is funny '.repeat(50), vocabulary);
    const { ids } = masked(named, { ...masking, probability: 1 }, 1, 0);
    const separator = vocabulary.idOf('[SEP]');
    expect(ids.filter((id) => id === separator)).toHaveLength(51);
    expect(new Set(ids)).toEqual(new Set([named.ids[0], separator, maskId]));
  });

  it('do not change other tokens, tags or sentences', () => {
    const result = masked(sentence, masking, 1, 0);
    result.ids.forEach((id, position) => {
      if (id !== maskId) expect(id).toBe(sentence.ids[position]);
    });
    expect(result.tags).toBe(sentence.tags);
    expect(result.sentences).toBe(sentence.sentences);
    expect(sentence.ids.includes(maskId), 'the sentence itself').toBe(false);
  });

  it('depend on seed, epoch and example', () => {
    expect(draw()).toEqual(draw());
    for (const other of [draw({ seed: 8 }), draw({}, 2), draw({}, 1, 1)]) expect(other).not.toEqual(draw());
  });

  it('do not occur with probability 0', () => {
    expect(masked(sentence, { ...masking, probability: 0 }, 1, 0)).toBe(sentence);
  });
});

describe('masks of masked-language modelling', () => {
  const mlm = { ...masking, probability: 0.15, vocabularySize: vocabulary.size };
  const { sentence: read, positions, labels } = mlmMasked(sentence, mlm, 1, 0);

  it('are 15 % of the tokens, of which 80 % are [MASK], 10 % random and 10 % unchanged', () => {
    const inner = sentence.ids.length - 2;
    expect(positions).toHaveLength(Math.round(0.15 * inner));
    expect(positions).toHaveLength(mlmTokens(sentence, 0.15));
    expect(positions).toEqual([...new Set(positions)].sort((a, b) => a - b));
    expect(positions[0]).toBeGreaterThan(0);
    expect(positions.at(-1)).toBeLessThan(sentence.ids.length - 1);
    expect(labels).toEqual(positions.map((at) => sentence.ids[at]));
    const share = (holds: (at: number) => boolean) => positions.filter(holds).length / positions.length;
    const shares = [
      share((at) => read.ids[at] === maskId),
      share((at) => read.ids[at] === sentence.ids[at]),
      share((at) => read.ids[at] !== maskId && read.ids[at] !== sentence.ids[at]),
    ];
    [0.8, 0.1, 0.1].forEach((expected, index) => {
      const deviation = Math.sqrt((expected * (1 - expected)) / positions.length);
      expect(Math.abs(shares[index] - expected)).toBeLessThan(5 * deviation);
    });
  });

  it('leave all other tokens, and depend on seed, epoch and example', () => {
    const chosen = new Set(positions);
    read.ids.forEach((id, at) => {
      if (!chosen.has(at)) expect(id).toBe(sentence.ids[at]);
    });
    expect(mlmMasked(sentence, mlm, 1, 0).positions).toEqual(positions);
    for (const other of [
      mlmMasked(sentence, { ...mlm, seed: 8 }, 1, 0),
      mlmMasked(sentence, mlm, 2, 0),
      mlmMasked(sentence, mlm, 1, 1),
    ])
      expect(other.positions).not.toEqual(positions);
  });

  it('are one at least, where there is a token', () => {
    expect(mlmTokens(encodedText('dull .', vocabulary), 0.01)).toBe(1);
    expect(mlmTokens(encodedText('', vocabulary), 0.9)).toBe(0);
  });
});
