import { CallerError } from '../base/errors.js';
import { shown } from '../base/shown.js';
import type { Device } from '../gpu/device.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import { Recorder } from '../gpu/recorder.js';
import { ruleSetOf } from '../grammar/grammar-arguments.js';
import { EVERYBODY, type PairTable, pairTable } from '../grammar/pair-table.js';
import { type RuleSet, STRATEGIES, type Strategy, type Tag, tagIndexes } from '../grammar/rules.js';
import type { Ledger } from '../plan/ledger.js';
import { type Plan, planDense, planSparse } from '../plan/plan.js';
import { inverseOf } from '../plan/runs.js';
import { checkAttention, checkEncoding } from './attention-arguments.js';
import { type KernelChoices, tilesOn } from './kernel-choices.js';
import { PlanBuffers } from './plan-buffers.js';
import {
  type AttentionShape,
  type BackwardBuffers,
  type ForwardBuffers,
  recordBackward,
  recordForward,
} from './record.js';

/** Who may look at whom in a packed batch. */
export interface PlanOptions {
  /** Tokens of each sequence; one sequence of all tokens where left out. */
  lengths?: ArrayLike<number>;
  /** [tokens], by name or integer (see `tagIndexes`). Strategy `none` needs none, if there are `lengths`. */
  tags?: ArrayLike<Tag>;
  /**
   * A preset's name or a rule set; `paper` where left out. A list gives each head rules of its own, over the same tags.
   */
  rules?: string | RuleSet | readonly (string | RuleSet)[];
  /** `none` where left out. */
  strategy?: Strategy;
  /** What soft pairs add to their score; the rule set's own β where left out. */
  beta?: number;
  /**
   * [tokens], the sentence of each, for rules whose scope is a sentence: numbers that ascend within a sequence, or
   * NO_SENTENCE for tokens that belong to the document. Each sequence is one sentence where left out.
   */
  sentences?: ArrayLike<number>;
  /** Whether a query sees only keys that do not stand behind it. */
  causal?: boolean;
  /** Variants of the kernels that were measured to be the fastest here, for the head dimension that will be used. */
  kernels?: KernelChoices;
}

/** Heads and head dimension, with the scale of the scores: 1 / √headDim where left out. */
export interface ShapeOptions {
  heads: number;
  headDim: number;
  scale?: number;
}

/** A rule set by name, or as it is. @throws CallerError for an unknown name. */
export function resolveRules(rules: string | RuleSet = 'paper'): RuleSet {
  return ruleSetOf(rules);
}

/** @throws CallerError for a strategy that does not exist. */
export function checkedStrategy(strategy: string, where?: string): Strategy {
  const known = STRATEGIES.find((candidate) => candidate === strategy);
  if (known) return known;
  throw new CallerError({
    what: `unknown strategy ${shown(strategy)}`,
    where,
    expected: `one of: ${STRATEGIES.join(', ')}`,
  });
}

/** The pair tables of all heads: one, or a list of one for each. */
function tablesFor({ rules, beta }: PlanOptions, strategy: Strategy): PairTable | PairTable[] {
  if (!isList(rules)) return pairTable(resolveRules(rules), strategy, beta);
  const tables = new Map<string | RuleSet, PairTable>();
  return rules.map((each) => {
    const table = tables.get(each) ?? pairTable(resolveRules(each), strategy, beta);
    tables.set(each, table);
    return table;
  });
}

function isList(rules: PlanOptions['rules']): rules is readonly (string | RuleSet)[] {
  return Array.isArray(rules);
}

/** The first head's rules: all heads' have the same tags. */
export function firstRules(rules: PlanOptions['rules']): RuleSet {
  if (!isList(rules)) return resolveRules(rules);
  if (rules.length > 0) return resolveRules(rules[0]);
  throw new CallerError({ what: 'an empty list of rules', expected: 'rules for every head' });
}

/** The plan for some options. @throws CallerError where tags, lengths, rules or strategy do not fit together. */
export function planFor(options: PlanOptions, device: Device): Plan {
  const { tags, lengths, strategy = 'none', sentences, causal } = options;
  const tilesFor = tilesOn(device, options.kernels);
  const checked = checkedStrategy(strategy);
  if (checked === 'none') {
    const known = lengths ?? (tags && [tags.length]);
    if (!known)
      throw new CallerError({
        what: 'neither lengths nor tags were given',
        expected: 'the lengths of the sequences',
      });
    if (!causal) return planDense(known, tilesFor('dense', known));
    const tokens = Array.from(known).reduce((total, length) => total + length, 0);
    const input = { tags: new Uint8Array(tokens), lengths: known, tables: EVERYBODY, causal };
    return planSparse(input, tilesFor('sparse', known));
  }
  if (!tags)
    throw new CallerError({ what: `strategy "${checked}" without tags`, expected: 'a tag for every token' });
  const indexes = tagIndexes(firstRules(options.rules), tags);
  const tables = tablesFor(options, checked);
  const input = { tags: indexes, lengths: lengths ?? [indexes.length], tables, sentences, causal };
  return planSparse(input, tilesFor('sparse', input.lengths));
}

/** A dimension of a grid counts them, and that of every adapter holds this many. */
const MOST_HEADS = 65_535;

/** @throws CallerError where the kernels do not support a shape. */
export function checkedShape({ heads, headDim, scale }: ShapeOptions): AttentionShape {
  if (!Number.isInteger(heads) || heads < 1)
    throw new CallerError({ what: `${shown(heads)} heads`, expected: 'a positive integer' });
  if (heads > MOST_HEADS)
    throw new CallerError({ what: `${heads} heads`, expected: `at most ${MOST_HEADS}` });
  if (!Number.isInteger(headDim) || headDim < 16 || headDim > 128 || headDim % 4 !== 0) {
    throw new CallerError({
      what: `head dimension ${shown(headDim)}`,
      expected: 'a multiple of 4 from 16 to 128',
    });
  }
  if (scale !== undefined && !Number.isFinite(scale)) {
    throw new CallerError({ what: `scale ${shown(scale)}`, expected: 'a finite number' });
  }
  return { heads, headDim, scale: scale ?? 1 / Math.sqrt(headDim) };
}

function checkBuffers(
  buffers: object,
  { tokens, heads: plans }: Plan,
  { heads, headDim }: AttentionShape,
): void {
  const { table } = plans[0];
  const entries = heads * (table ? table.size ** 2 : 0);
  const numbers: Record<string, number> = {
    logSumExp: tokens * heads,
    softmaxStatistics: 2 * tokens * heads,
    biasTable: entries,
    biasGradient: entries,
  };
  for (const [name, buffer] of Object.entries(buffers) as [string, GPUBuffer | BufferSlice | undefined][]) {
    const size = buffer && ('buffer' in buffer ? (buffer.size ?? buffer.buffer.size) : buffer.size);
    const bytes = 4 * (numbers[name] ?? tokens * heads * headDim);
    if (size !== undefined && size < bytes) {
      throw new CallerError({
        what: `${size} bytes`,
        where: `buffer ${name}`,
        expected: `at least ${bytes}`,
      });
    }
  }
  if (table?.learned && !('biasTable' in buffers && buffers.biasTable)) {
    throw new CallerError({
      what: 'strategy "learned" without a buffer "biasTable"',
      expected: 'its biases',
    });
  }
  const listed = plans.flatMap((each) => each.heads ?? []);
  if (listed.length > 0 && listed.length !== heads) {
    throw new CallerError({ what: `rules for ${listed.length} heads`, expected: `${heads}` });
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
   * @param heads Heads for which strategy `learned` has tables; the others need not know.
   * @throws CallerError where tags, lengths, rules or strategy do not fit together.
   */
  constructor(
    private readonly device: Device,
    options: PlanOptions | Plan,
    heads = 1,
  ) {
    checkAttention(device, options, heads);
    this.plan = new PlanBuffers(device);
    this.plan.write('kind' in options ? options : planFor(options, device), heads);
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
    this.encode(encoder, options, buffers, (recorder, shape) =>
      recordForward(recorder, this.plan, shape, buffers),
    );
  }

  /**
   * Encodes the backward pass, after the forward pass: writes the gradients of query, key and value, and, where a
   * buffer is given for it and the strategy is not `none`, that of the bias table, [heads, tags, tags].
   * @throws CallerError where the shape is not supported or a buffer is too small.
   */
  encodeBackward(encoder: GPUCommandEncoder, options: ShapeOptions, buffers: BackwardBuffers): void {
    this.encode(encoder, options, buffers, (recorder, shape) =>
      recordBackward(recorder, this.plan, shape, buffers),
    );
  }

  private encode(
    encoder: GPUCommandEncoder,
    options: ShapeOptions,
    buffers: ForwardBuffers,
    record: (recorder: Recorder, shape: AttentionShape) => void,
  ): void {
    checkEncoding(encoder, options, buffers);
    const shape = checkedShape(options);
    checkBuffers(buffers, this.plan.plan, shape);
    const recorder = new Recorder(this.device);
    record(recorder, shape);
    recorder.encodeInto(encoder);
  }

  /** Destroys what the plan holds on the GPU. */
  release(): void {
    this.plan.release();
  }
}
