import { Attention } from '../src/attention/attention.js';
import { createStorage, readFloats, upload } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import { hostRandom } from '../src/gpu/random.js';
import { type RuleSet, type Strategy, type Tag, withTags } from '../src/grammar/rules.js';
import { errorBound, largest, largestError } from './error-bound.js';
import { type ReferenceInput, type ReferenceResult, referenceAttention } from './reference-attention.js';
import { referenceTokenBias } from './reference-pairs.js';
import type { Contender } from './timing.js';

export interface AttentionCase {
  /** The tag of every token of the document. */
  tags: readonly Tag[];
  rules: RuleSet;
  strategy: Strategy;
  heads: number;
  headDim: number;
}

/** Whether outputs and gradients of a run were those of the float64 reference. */
export interface GateResult {
  passed: boolean;
  /** The largest error of any tensor, as a share of what its bound allows. */
  shareOfBound: number;
  /** The largest absolute error of any tensor. */
  maxError: number;
}

const INPUTS = ['query', 'key', 'value', 'outputGradient'] as const;
const RESULTS = ['output', 'queryGradient', 'keyGradient', 'valueGradient'] as const;

/** Attention over one document with random queries, keys, values and output gradients, ready to be timed and checked. */
export class AttentionContender {
  private readonly attention: Attention;
  private readonly host: Record<(typeof INPUTS)[number], Float32Array>;
  private readonly buffers: Record<
    (typeof INPUTS)[number] | (typeof RESULTS)[number] | 'logSumExp',
    GPUBuffer
  >;

  constructor(
    private readonly device: Device,
    private readonly shape: AttentionCase,
    seed: number,
  ) {
    const { tags, strategy, heads, headDim } = shape;
    const rules = withTags(shape.rules, [...new Set(tags)]);
    const tokens = tags.length;
    const numbers = tokens * heads * headDim;
    const random = hostRandom(seed);
    const draw = () => Float32Array.from({ length: numbers }, () => 2 * random() - 1);
    this.host = { query: draw(), key: draw(), value: draw(), outputGradient: draw() };
    this.attention = new Attention(device, { tags, rules, strategy });
    const inputs = INPUTS.map((name) => [name, upload(device, this.sorted(this.host[name]), name)]);
    const results = RESULTS.map((name) => [name, createStorage(device, 4 * numbers, name)]);
    const logSumExp = createStorage(device, 4 * tokens * heads, 'logSumExp');
    this.buffers = Object.fromEntries([...inputs, ...results, ['logSumExp', logSumExp]]);
  }

  get ledger() {
    return this.attention.ledger;
  }

  forward(): Contender {
    return { name: `${this.shape.strategy} forward`, run: () => this.run(false) };
  }

  forwardAndBackward(): Contender {
    return { name: `${this.shape.strategy} forward and backward`, run: () => this.run(true) };
  }

  /** Compares what the last `forwardAndBackward` run left in the buffers with float64, every number of it. */
  async gate(): Promise<GateResult> {
    const { tags, rules, strategy, heads, headDim } = this.shape;
    const input: ReferenceInput = {
      q: this.host.query,
      k: this.host.key,
      v: this.host.value,
      outputGradient: this.host.outputGradient,
      heads,
      headDim,
      lengths: [tags.length],
      scale: 1 / Math.sqrt(headDim),
      bias: referenceTokenBias(rules, strategy, tags),
    };
    const exact = referenceAttention(input);
    const plain = referenceAttention(input, 'float32');
    const pick = (result: ReferenceResult) => [result.output, result.dq, result.dk, result.dv];
    const scales = [1, exact.dqScale, exact.dkScale, largest(exact.dv)];
    let maxError = 0;
    let shareOfBound = 0;
    for (const [index, name] of RESULTS.entries()) {
      const numbers = await readFloats(this.device, this.buffers[name], this.host.query.length);
      const error = largestError(numbers, this.sorted(pick(exact)[index]));
      maxError = Math.max(maxError, error);
      shareOfBound = Math.max(
        shareOfBound,
        error / errorBound(pick(exact)[index], pick(plain)[index], scales[index]),
      );
    }
    return { passed: shareOfBound <= 1, shareOfBound, maxError };
  }

  release(): void {
    for (const buffer of Object.values(this.buffers)) this.device.release(buffer);
    this.attention.release();
  }

  private async run(backward: boolean): Promise<void> {
    const encoder = this.device.gpu.createCommandEncoder();
    this.attention.encodeForward(encoder, this.shape, this.buffers);
    if (backward) this.attention.encodeBackward(encoder, this.shape, this.buffers);
    this.device.submit([encoder.finish()]);
    await this.device.finish();
  }

  /** Rows in the plan's order. */
  private sorted<T extends Float32Array | Float64Array>(rows: T): T {
    const width = this.shape.heads * this.shape.headDim;
    const sorted = rows.slice() as T;
    this.attention.order.forEach((from, to) => {
      sorted.set(rows.subarray(from * width, (from + 1) * width), to * width);
    });
    return sorted;
  }
}
