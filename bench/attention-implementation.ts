import { median } from 'simple-statistics';
import { Attention } from '../src/attention/attention.js';
import { tilesOn } from '../src/attention/kernel-choices.js';
import type { BackwardBuffers } from '../src/attention/record.js';
import type { Precision } from '../src/base/precision.js';
import { createStorage, readFloats, upload, write } from '../src/gpu/buffers.js';
import type { Device } from '../src/gpu/device.js';
import type { PairTable } from '../src/grammar/pair-table.js';
import type { RuleSet, Strategy } from '../src/grammar/rules.js';
import type { Layout } from '../src/plan/layout.js';
import { AttentionMask } from '../src/plan/mask.js';
import { sentencesFor } from '../src/plan/sentence-numbers.js';
import { sortedBatch } from '../src/plan/sorting.js';
import { rankOfTag } from '../src/plan/tag-order.js';
import type { TileChooser } from '../src/plan/tiles.js';
import type { Pass } from './attention-settings.js';
import { type CountedPairs, countedPairs } from './counted-pairs.js';
import {
  both,
  type ComputedWithBiases,
  checkCounts,
  checkNumbers,
  checkPairCounts,
  type GateResult,
  onlySampled,
  referenceInput,
  sampledRows,
} from './gate.js';
import { ImplementationBuffers } from './implementation-buffers.js';
import type { Inputs, Workload } from './inputs.js';
import { randomBiases, referenceOfBiases } from './learned-biases.js';
import { readingOrderLayout } from './reading-order.js';
import { referenceTokenBias } from './reference-pairs.js';
import type { Implementation } from './timing.js';

/** The order of the tokens in an implementation's plan. All but `tags` are controls. */
export type TokenOrder = 'tags' | 'reading' | 'reading, 32x32 blocks';

export interface Variant {
  strategy: Strategy;
  rules: RuleSet;
  order: TokenOrder;
  /** f32 by default. The tiles of the plan must be of its kernels. */
  precision?: Precision;
  /** The tiles of the plan, which choose the kernels; by default, those that are expected to be the fastest. */
  tiles?: TileChooser;
}

const BLOCK = 32;
/** Plans that are made to time the planner. The first also compiles it. */
const PLANNINGS = 3;

/** An implementation of attention, ready to be timed and checked. */
export class AttentionImplementation {
  readonly layout: Layout;
  /** Milliseconds that sorting and planning took. */
  readonly planMs: number;
  private readonly rules: RuleSet;
  private readonly attention: Attention;
  private readonly operands: ImplementationBuffers;
  private readonly buffers: BackwardBuffers;
  /** The biases of strategy `learned`, [heads, tags, tags]. */
  private readonly biasTable: Float32Array | undefined;
  private counted: CountedPairs | undefined;

  constructor(
    private readonly device: Device,
    private readonly workload: Workload,
    readonly variant: Variant,
    private readonly inputs: Inputs,
  ) {
    const { tags, heads } = workload;
    this.rules = { ...variant.rules, tags: [...new Set([...variant.rules.tags, ...tags])] };
    const planned = Array.from({ length: PLANNINGS }, () => {
      const began = performance.now();
      return { layout: this.makeLayout(), milliseconds: performance.now() - began };
    });
    this.layout = planned[0].layout;
    this.planMs = median(planned.map(({ milliseconds }) => milliseconds));
    this.attention = new Attention(device, this.layout, heads);
    this.biasTable = variant.strategy === 'learned' ? randomBiases(this.rules, heads) : undefined;
    this.operands = new ImplementationBuffers(device, inputs, heads * workload.headDim, this.layout.order);
    this.buffers = {
      ...this.operands.tensors,
      logSumExp: createStorage(device, 4 * tags.length * heads, 'logSumExp'),
      ...(this.biasTable && {
        biasTable: upload(device, this.biasTable, 'biasTable'),
        biasGradient: createStorage(device, this.biasTable.byteLength, 'biasGradient'),
      }),
    };
  }

  /** The pairs that the kernels counted on the device. Call `gate` first. */
  get countedPairs(): CountedPairs {
    return this.counted!;
  }

  timed(pass: Pass): Implementation {
    // The gate's counting kernels leave no output that a backward pass could use.
    let isReady = pass !== 'backward';
    return {
      name: `${this.variant.strategy}, ${this.variant.order}`,
      run: async (times) => {
        if (!isReady) await this.run('forward');
        isReady = true;
        await this.run(pass, times);
      },
    };
  }

  /**
   * Runs once with NaN in all results, and compares them with float64. Then the kernels count the pairs that they multiply. The
   * output gradient is 0 outside the checked rows, so that the reference evaluates only these.
   */
  async gate(backward: boolean, seed: number): Promise<GateResult> {
    const { heads, headDim } = this.workload;
    const scale = 1 / Math.sqrt(headDim);
    const sampled = sampledRows(this.layout, heads, seed);
    const outputGradient = onlySampled(this.inputs.outputGradient, sampled, headDim);
    this.operands.writeOutputGradient(outputGradient);
    const computed = await this.computed(backward);
    this.operands.writeOutputGradient(this.inputs.outputGradient);
    const { precision } = this.variant;
    const shape = { heads, headDim, scale };
    this.counted = await countedPairs(this.device, this.layout, shape, this.buffers, backward);
    const bias = this.biasTable
      ? referenceOfBiases(this.biasTable, this.rules, heads, this.workload)
      : referenceTokenBias(this.rules, this.variant.strategy, this.workload.tags, this.workload);
    const numbers = checkNumbers(
      referenceInput(this.workload, { ...this.inputs, outputGradient }, backward, bias),
      sampled,
      computed,
      this.biasTable && {
        count: this.rules.tags.length,
        indexes: this.mask().tagIndexes(this.workload.tags),
      },
      precision,
    );
    const recounted = checkPairCounts(this.layout, this.workload, this.rules, this.variant.strategy);
    return [recounted, checkCounts(this.layout, this.counted)].reduce(both, numbers);
  }

  /** Milliseconds of sorting the tokens by tag, a part of planning. */
  sortMs(): number {
    const { tags, lengths, tables, sentences } = this.mask().input(this.workload);
    const table = tables as PairTable;
    const ownLengths = Uint32Array.from(lengths);
    const ownSentences = sentencesFor([table], tags.length, sentences, ownLengths);
    const keys = { tags, sentences: ownSentences, rankOfTag: rankOfTag([table]) };
    return median(
      Array.from({ length: PLANNINGS }, () => {
        const began = performance.now();
        sortedBatch(keys, ownLengths, [table]);
        return performance.now() - began;
      }),
    );
  }

  release(): void {
    for (const buffer of Object.values(this.buffers) as GPUBuffer[]) this.device.release(buffer);
    this.attention.release();
  }

  private makeLayout(): Layout {
    const { order, precision, tiles = tilesOn(this.device, undefined, precision) } = this.variant;
    const mask = this.mask();
    if (order === 'tags') return mask.layout(this.workload, tiles);
    const { tags, lengths, tables } = mask.input(this.workload);
    const block = order === 'reading' ? 1 : BLOCK;
    return readingOrderLayout(tags, lengths, tables as PairTable, tiles('sparse', lengths), block);
  }

  private mask(): AttentionMask {
    const mask = AttentionMask.fromRules(this.rules, this.variant.strategy);
    return this.workload.causal ? mask.and(AttentionMask.causal()) : mask;
  }

  /** The results of one run, which are NaN where the kernels write nothing. */
  private async computed(backward: boolean): Promise<ComputedWithBiases> {
    const { buffers, biasTable } = this;
    this.operands.poison();
    if (buffers.biasGradient) {
      write(
        this.device,
        buffers.biasGradient,
        biasTable!.map(() => Number.NaN),
      );
    }
    await this.run(backward ? 'forward+backward' : 'forward');
    const computed: ComputedWithBiases = await this.operands.read(backward);
    if (backward && buffers.biasGradient) {
      const { biasGradient } = buffers;
      computed.biasGradient = await readFloats(this.device, biasGradient, biasTable!.length);
    }
    return computed;
  }

  private async run(pass: Pass, times = 1): Promise<void> {
    const encoder = this.device.gpu.createCommandEncoder();
    for (let time = 0; time < times; time++) {
      if (pass !== 'backward') this.attention.encodeForward(encoder, this.workload, this.buffers);
      if (pass !== 'forward') this.attention.encodeBackward(encoder, this.workload, this.buffers);
    }
    this.device.submit(encoder);
    await this.device.finish();
  }
}
