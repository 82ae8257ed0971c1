import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Computed, onlySampled } from '../../bench/gate.js';
import { randomInputs } from '../../bench/inputs.js';
import { installedFolder, isInstalled } from '../../bench/peers/install.js';
import { identityModel, multiHeadAttentionModel, plainAttentionModel } from '../../bench/peers/onnx-model.js';
import { openOnnxRuntime } from '../../bench/peers/onnxruntime.js';
import { checkPeer, expectedOfPeer } from '../../bench/peers/peer-case.js';
import { PEERS } from '../../bench/peers/peer-list.js';
import { additiveMask, headsFirst, MASKED_SCORE, tokensFirst } from '../../bench/peers/peer-tensors.js';
import { referenceAttention } from '../../bench/reference-attention.js';
import { referenceTokenBias } from '../../bench/reference-pairs.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';

const WORKLOAD = {
  tags: ['[CLS]', 'DET', 'ADJ', 'NOUN', 'VERB', '[SEP]'],
  lengths: [6],
  heads: 2,
  headDim: 16,
};

describe('an ONNX model', () => {
  it('has the bytes that onnxruntime has read', () => {
    const shape = { tokens: 300, heads: 4, headDim: 32, mask: true };
    const models = [
      multiHeadAttentionModel(shape),
      plainAttentionModel(shape),
      identityModel([{ name: 'a', dims: [1, 2, 3000] }]),
    ];
    expect(models.map((bytes) => createHash('sha256').update(bytes).digest('hex').slice(0, 16))).toEqual([
      '4b1132cd8a82b753',
      '0d428d0781bab396',
      '6038b5f97e4b5aeb',
    ]);
  });

  it.each([
    ['multi-head', multiHeadAttentionModel, 'MultiHeadAttention', 'com.microsoft'],
    ['plain', plainAttentionModel, 'Softmax', 'Transpose'],
  ] as const)('of the %s graph has its operators, and the mask where there is one', (_, make, ...names) => {
    const latin = (mask: boolean) =>
      Buffer.from(make({ tokens: 6, heads: 2, headDim: 16, mask })).toString('latin1');
    for (const name of names) expect(latin(false)).toContain(name);
    expect(latin(true)).toContain('mask');
    expect(latin(false)).not.toContain('mask');
  });

  const packages = PEERS.find(({ name }) => name === 'ort-mha-cpu')!.packages;

  it.skipIf(!isInstalled(packages)).each(['multi-head', 'plain'] as const)(
    'of the %s graph computes attention in onnxruntime, where that is installed',
    async (graph) => {
      const require = createRequire(join(installedFolder(packages), 'package.json'));
      const peer = await openOnnxRuntime(
        graph,
        'cpu',
      )({ adapter: 'auto', card: '', load: async (name) => require(name) });
      const inputs = randomInputs(WORKLOAD, 1);
      const sampled = new Uint8Array(12).fill(1);
      for (const mask of [false, true]) {
        const task = { workload: WORKLOAD, inputs, mask, rules: PAPER_RULES, backward: false, seed: 1 };
        const prepared = await peer.prepare(task);
        const results = (await prepared.check()) as Computed;
        expect(checkPeer(expectedOfPeer(WORKLOAD, inputs, sampled, task), results).complaint).toBeUndefined();
        prepared.release();
      }
    },
  );
});

describe('the input of a peer', () => {
  it('is a mask of the pairs that the rules allow', () => {
    const { mask } = additiveMask({ mask: true, rules: PAPER_RULES, workload: WORKLOAD });
    const bias = referenceTokenBias(PAPER_RULES, 'hard', WORKLOAD.tags);
    const expected = Array.from({ length: 36 }, (_, at) => bias(Math.floor(at / 6), at % 6) ?? MASKED_SCORE);
    expect(Array.from(mask!)).toEqual(expected);
    expect(additiveMask({ mask: false, rules: PAPER_RULES, workload: WORKLOAD }).mask).toBeUndefined();
  });

  it('is laid out heads first, and back', () => {
    const rows = Float32Array.from({ length: 12 }, (_, at) => at);
    // Three tokens, two heads of two.
    expect(Array.from(headsFirst(rows, 2, 2))).toEqual([0, 1, 4, 5, 8, 9, 2, 3, 6, 7, 10, 11]);
    expect(tokensFirst(headsFirst(rows, 2, 2), 2, 2)).toEqual(rows);
  });
});

describe("the check of a peer's results", () => {
  const sampled = Uint8Array.from({ length: 12 }, (_, at) => (at % 3 === 0 ? 1 : 0));
  const all = randomInputs(WORKLOAD, 2);
  const inputs = { ...all, outputGradient: onlySampled(all.outputGradient, sampled, 16) };
  const task = { rules: PAPER_RULES, mask: true, backward: true };
  const reference = expectedOfPeer(WORKLOAD, inputs, sampled, task);

  /** The correct results of a peer: every row, and every gradient. */
  function right(): Required<Computed> {
    const { output, dq, dk, dv } = referenceAttention({
      q: inputs.query,
      k: inputs.key,
      v: inputs.value,
      outputGradient: inputs.outputGradient,
      ...WORKLOAD,
      scale: 0.25,
      bias: referenceTokenBias(PAPER_RULES, 'hard', WORKLOAD.tags),
    });
    const [o, q, k, v] = [output, dq, dk, dv].map((tensor) => Float32Array.from(tensor));
    return { output: o, queryGradient: q, keyGradient: k, valueGradient: v };
  }

  it('accepts correct results', () => {
    const { complaint, maxError, allowed } = checkPeer(reference, right());
    expect(complaint).toBeUndefined();
    expect(maxError).toBeLessThan(1e-6);
    expect(allowed).toBe(1e-5);
  });

  it.each([
    ['output', 'output'],
    ['queryGradient', 'query gradient'],
    ['keyGradient', 'key gradient'],
    ['valueGradient', 'value gradient'],
  ] as const)('names a wrong %s', (name, words) => {
    const results = right();
    // The first row of the first head is among the sampled ones.
    results[name][3] += 1e-3;
    expect(checkPeer(reference, results).complaint).toMatch(new RegExp(`^${words} is off by 1\\.0e-3`));
  });

  it('refuses a tensor that is missing or too short', () => {
    expect(checkPeer(reference, { ...right(), keyGradient: undefined }).maxError).toBe(Infinity);
    expect(checkPeer(reference, { ...right(), output: new Float32Array(3) }).maxError).toBe(Infinity);
  });
});
