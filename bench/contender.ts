import * as v from 'valibot';
import { checkArgument, objectWith, options, string } from '../src/base/argument-schemas.js';
import type { RuleSet, Strategy, Tag } from '../src/grammar/rules.js';

/** The tensors of an attention, f32, [tokens, heads, headDim] in reading order. */
export interface ContenderBuffers {
  /** Read, as are the next three. */
  query: GPUBuffer;
  key: GPUBuffer;
  value: GPUBuffer;
  /** The gradient of the loss with respect to the output. */
  outputGradient: GPUBuffer;
  /** Written by the forward pass. */
  output: GPUBuffer;
  /** Written by the backward pass, as are the next two. */
  queryGradient: GPUBuffer;
  keyGradient: GPUBuffer;
  valueGradient: GPUBuffer;
}

/** One attention that a contender computes: softmax(scale · q·k + bias) · v over the pairs that exist. */
export interface AttentionProblem {
  heads: number;
  /** 16 to 128, a multiple of 4. */
  headDim: number;
  /** The factor of the scores: 1 / √headDim. */
  scale: number;
  /** Tokens of each sequence, one after the other in the buffers. Sequences never attend to each other. */
  lengths: readonly number[];
  /** [tokens], the label of each, an index into `labelNames`. */
  labels: Uint8Array;
  /** The tags, or labels of a layout, that occur among the tokens. */
  labelNames: readonly Tag[];
  /**
   * [labels, labels] by query, then key: what is added to the scores of their pairs, -1e30 where these do not exist. Undefined where
   * pairs also depend on positions: `causal`, or rules with a scope.
   */
  biases: Float32Array | undefined;
  /** Whether a query attends to no key after it. */
  causal: boolean;
  /**
   * The bias of a pair of tokens of one sequence; undefined where the pair does not exist.
   * @param query Index of the query's token in the buffers, counted over all sequences. @param key The same of the key's.
   */
  bias(query: number, key: number): number | undefined;
  /** Any but `learned`. */
  strategy: Strategy;
  rules: RuleSet;
  /** The tensors, which every problem has of its own. */
  buffers: ContenderBuffers;
}

/** A contender that has planned a problem and made its pipelines. Each pass writes all of its results, every time. */
export interface PreparedContender {
  /** Encodes the forward pass, which writes `output`; the caller submits. */
  encodeForward(encoder: GPUCommandEncoder): void;
  /** The backward pass, after a forward pass of the same inputs; left out by one that has none. */
  encodeBackward?(encoder: GPUCommandEncoder): void;
  /** Called once, after the last run. */
  release?(): void;
}

/** An implementation of attention that a user compares with ours: the default export of the module of `--contender`. */
export interface Contender {
  /** Its name in tables. */
  name: string;
  /** Prepares a problem. Undefined for one that it does not compute: it is then left out there. */
  prepare(
    device: GPUDevice,
    problem: AttentionProblem,
  ): PreparedContender | undefined | Promise<PreparedContender | undefined>;
}

const CONTENDER = v.intersect([
  objectWith<Contender>('an object with name and prepare', 'prepare'),
  options({ name: v.pipe(string, v.minLength(1, 'a text with characters')) }),
]);
const anyFunction = v.custom((value) => typeof value === 'function', 'a function');
const PREPARED = v.intersect([
  objectWith<PreparedContender>('an object with encodeForward', 'encodeForward'),
  options({ encodeBackward: v.optional(anyFunction), release: v.optional(anyFunction) }),
]);

/** @throws CallerError for a value that is not a contender. @param where Its module, or its place in a list. */
export function checkedContender(value: unknown, where: string): Contender {
  checkArgument(CONTENDER, value, where);
  return value as Contender;
}

/** @throws CallerError for a value that `prepare` must not return. */
export function checkPrepared(value: unknown, contender: string): asserts value is PreparedContender {
  checkArgument(PREPARED, value, `what prepare of contender "${contender}" returned`);
}
