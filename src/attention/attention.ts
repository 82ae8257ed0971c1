import type { Device } from '../gpu/device.js';
import { CallerError } from '../gpu/errors.js';
import { Recorder } from '../gpu/recorder.js';
import { pairTable } from '../grammar/pair-table.js';
import { presetRules } from '../grammar/presets.js';
import { type RuleSet, STRATEGIES, type Strategy, type Tag, tagIndexes } from '../grammar/rules.js';
import type { Ledger } from '../plan/ledger.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';
import { inverseOf } from '../plan/runs.js';
import type { TileShape } from '../plan/tiles.js';
import { kernelFamily } from './kernel-family.js';
import { PlanBuffers } from './plan-buffers.js';
import {
  type AttentionShape,
  type BackwardBuffers,
  type ForwardBuffers,
  recordBackward,
  recordBiasGradient,
  recordForward,
} from './record.js';

/** Who may look at whom in a packed batch. */
export interface PlanOptions {
  /** Tokens of each sequence; one sequence of all tokens where left out. */
  lengths?: ArrayLike<number>;
  /** [tokens], by name or integer (see `tagIndexes`). Strategy `none` needs none, if there are `lengths`. */
  tags?: ArrayLike<Tag>;
  /** A preset's name or a rule set; `paper` where left out. */
  rules?: string | RuleSet;
  /** `none` where left out. */
  strategy?: Strategy;
  /** What soft pairs add to their score; the rule set's own β where left out. */
  beta?: number;
}

/** Heads and head dimension, with the scale of the scores: 1 / √headDim where left out. */
export interface ShapeOptions {
  heads: number;
  headDim: number;
  scale?: number;
}

/** A rule set by name, or as it is. @throws CallerError for an unknown name. */
export function resolveRules(rules: string | RuleSet = 'paper'): RuleSet {
  return typeof rules === 'string' ? presetRules(rules) : rules;
}

/** @throws CallerError for a strategy that does not exist. */
export function checkedStrategy(strategy: string, where?: string): Strategy {
  const known = STRATEGIES.find((candidate) => candidate === strategy);
  if (known) return known;
  throw new CallerError({
    what: `unknown strategy "${strategy}"`,
    where,
    expected: `one of: ${STRATEGIES.join(', ')}`,
  });
}

/** The plan for some options. @throws CallerError where tags, lengths, rules or strategy do not fit together. */
export function planFor(options: PlanOptions, shape: TileShape): Plan {
  const { tags, lengths, rules, strategy = 'none', beta } = options;
  const checked = checkedStrategy(strategy);
  if (checked === 'none') {
    const known = lengths ?? (tags && [tags.length]);
    if (!known)
      throw new CallerError({
        what: 'neither lengths nor tags were given',
        expected: 'the lengths of the sequences',
      });
    return planDense(known, shape);
  }
  if (!tags)
    throw new CallerError({ what: `strategy "${checked}" without tags`, expected: 'a tag for every token' });
  const ruleSet = resolveRules(rules);
  const indexes = tagIndexes(ruleSet, tags);
  return planSparse(indexes, lengths ?? [indexes.length], pairTable(ruleSet, checked, beta), shape);
}

/** @throws CallerError where the kernels do not support a shape. */
export function checkedShape({ heads, headDim, scale }: ShapeOptions): AttentionShape {
  if (!Number.isInteger(heads) || heads < 1)
    throw new CallerError({ what: `${heads} heads`, expected: 'a positive integer' });
  if (!Number.isInteger(headDim) || headDim < 16 || headDim > 128 || headDim % 4 !== 0) {
    throw new CallerError({ what: `head dimension ${headDim}`, expected: 'a multiple of 4 from 16 to 128' });
  }
  if (scale !== undefined && !Number.isFinite(scale)) {
    throw new CallerError({ what: `scale ${scale}`, expected: 'a finite number' });
  }
  return { heads, headDim, scale: scale ?? 1 / Math.sqrt(headDim) };
}

function checkBuffers(buffers: object, plan: Plan, { heads, headDim }: AttentionShape): void {
  const perToken: Record<string, number> = { logSumExp: heads, biasGradient: 0 };
  for (const [name, buffer] of Object.entries(buffers) as [string, GPUBuffer][]) {
    const bytes = 4 * plan.tokens * (perToken[name] ?? heads * headDim);
    if (buffer && buffer.size < bytes) {
      throw new CallerError({
        what: `${buffer.size} bytes`,
        where: `buffer ${name}`,
        expected: `at least ${bytes}`,
      });
    }
  }
}

/**
 * Attention over one packed batch, on the caller's buffers and in the caller's command encoder. Nothing is read back.
 *
 * Tokens stand in the plan's order: `order[i]` says which of the caller's tokens is the i-th. A model sorts its token ids
 * once by it; nothing is permuted afterwards.
 */
export class Attention {
  private readonly plan: PlanBuffers;

  /**
   * @param options Who may look at whom, or a plan that was made for this device's tiles.
   * @throws CallerError where tags, lengths, rules or strategy do not fit together.
   */
  constructor(
    private readonly device: Device,
    options: PlanOptions | Plan,
  ) {
    this.plan = new PlanBuffers(device);
    this.plan.write('queryTiles' in options ? options : planFor(options, kernelFamily(device).tile));
  }

  get tokens(): number {
    return this.plan.plan.tokens;
  }

  /** For each token in the plan's order, its index in the caller's order. */
  get order(): Uint32Array {
    return this.plan.plan.order;
  }

  /** For each token in the caller's order, its index in the plan's order. */
  get inverseOrder(): Uint32Array {
    return inverseOf(this.order);
  }

  /** Useful, executed and dense pairs, per head. */
  get ledger(): Ledger {
    return this.plan.plan.ledger;
  }

  /**
   * Encodes the forward pass: writes `output` and `logSumExp`.
   * @throws CallerError where the shape is not supported or a buffer is too small.
   */
  encodeForward(encoder: GPUCommandEncoder, options: ShapeOptions, buffers: ForwardBuffers): void {
    const shape = checkedShape(options);
    checkBuffers(buffers, this.plan.plan, shape);
    const recorder = new Recorder(this.device);
    recordForward(recorder, this.plan, shape, buffers);
    recorder.encodeInto(encoder);
  }

  /**
   * Encodes the backward pass, after the forward pass: writes the gradients of query, key and value, and, where a
   * buffer is given for it and the strategy is not `none`, that of the bias table, [heads, tags, tags].
   * @throws CallerError where the shape is not supported or a buffer is too small.
   */
  encodeBackward(
    encoder: GPUCommandEncoder,
    options: ShapeOptions,
    buffers: BackwardBuffers & { biasGradient?: GPUBuffer },
  ): void {
    const shape = checkedShape(options);
    const { biasGradient, ...others } = buffers;
    checkBuffers(others, this.plan.plan, shape);
    const recorder = new Recorder(this.device);
    recordBackward(recorder, this.plan, shape, others);
    if (biasGradient && this.plan.plan.table) {
      const bytes = 4 * shape.heads * this.plan.plan.table.size ** 2;
      if (biasGradient.size < bytes) {
        throw new CallerError({
          what: `${biasGradient.size} bytes`,
          where: 'buffer biasGradient',
          expected: `at least ${bytes}`,
        });
      }
      recordBiasGradient(recorder, this.plan, shape, { ...others, biasGradient });
    }
    recorder.encodeInto(encoder);
  }

  /** Destroys what the plan holds on the GPU. */
  release(): void {
    this.plan.release();
  }
}
