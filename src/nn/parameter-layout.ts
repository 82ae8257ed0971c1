import { CallerError, EngineError } from '../base/errors.js';
import { OFFSET_ALIGNMENT } from '../gpu/pipelines.js';
import type { ModelConfig } from './model-config.js';
import { isOfEmbeddings, type ParameterSpec, parameterSpecs } from './parameter-specs.js';
import { tensorNames } from './tensor-names.js';

const ALIGNMENT = OFFSET_ALIGNMENT / 4;

/** A range of the layout, in numbers. */
export interface ParameterRange {
  offset: number;
  length: number;
}

/** The parameters that a step updates: one range of the layout. */
export interface UpdatedRange extends ParameterRange {
  /** The length of the decayed part at its start. */
  decayedLength: number;
}

/** A range inside one shard (buffer). */
export interface ShardRange extends ParameterRange {
  /** The index of the shard. */
  shard: number;
  /** The start in that shard, in numbers. */
  at: number;
}

/** Splits a range by shards, in the layout's order. */
export function rangesInShards(shards: readonly ParameterRange[], range: ParameterRange): ShardRange[] {
  return shards.flatMap((shard, index) => {
    const offset = Math.max(shard.offset, range.offset);
    const length = Math.min(shard.offset + shard.length, range.offset + range.length) - offset;
    return length > 0 ? [{ shard: index, at: offset - shard.offset, offset, length }] : [];
  });
}

/**
 * The order of a model's parameters in memory. Decayed parameters come first. Parameters of the embeddings are at both ends, so
 * that all others are one range. Learned biases are one range too, the first that does not decay. The layout is one shard where
 * a buffer can have its length; else it is cut between tensors into as few shards as possible.
 */
export class ParameterLayout {
  /** The range of each buffer. */
  readonly shards: ParameterRange[] = [];
  /** All parameters. */
  readonly all: UpdatedRange;
  /** All but the embeddings' tables and their norm. */
  readonly withoutEmbeddings: UpdatedRange;
  /** The bias tables of all layers. */
  readonly learnedBiases: ParameterRange;
  readonly specs: readonly ParameterSpec[];
  private readonly ranges = new Map<string, ShardRange>();

  /**
   * @param mostBytes The longest buffer.
   * @throws EngineError where a tensor is longer.
   */
  constructor(
    config: ModelConfig,
    private readonly mostBytes: number,
  ) {
    this.specs = parameterSpecs(config);
    const { layer: layerNames } = tensorNames(config.family);
    const tables = this.layOut(0, (spec) => spec.decays && isOfEmbeddings(spec));
    const decayed = this.layOut(tables, (spec) => spec.decays && !isOfEmbeddings(spec));
    const tagBiases = new Set(Array.from({ length: config.layers }, (_, index) => layerNames(index).tagBias));
    const isBiasTable = ({ name }: ParameterSpec) => tagBiases.has(name);
    const biases = this.layOut(decayed, isBiasTable);
    const norm = this.layOut(biases, (spec) => !spec.decays && !isBiasTable(spec) && !isOfEmbeddings(spec));
    const length = this.layOut(norm, (spec) => !spec.decays && isOfEmbeddings(spec));
    this.all = { offset: 0, length, decayedLength: decayed };
    this.withoutEmbeddings = { offset: tables, length: norm - tables, decayedLength: decayed - tables };
    this.learnedBiases = { offset: decayed, length: biases - decayed };
  }

  /** The range of a tensor, padding included. @throws CallerError for an unknown tensor. */
  rangeOf(name: string): ShardRange {
    const range = this.ranges.get(name);
    if (!range) throw new CallerError({ what: `the model has no tensor "${name}"` });
    return range;
  }

  private layOut(from: number, isIncluded: (spec: ParameterSpec) => boolean): number {
    let offset = from;
    for (const spec of this.specs) {
      if (!isIncluded(spec)) continue;
      const aligned = Math.ceil(spec.paddedSize / ALIGNMENT) * ALIGNMENT;
      const shard = this.shardFor(spec, offset, aligned);
      const at = offset - this.shards[shard].offset;
      this.ranges.set(spec.name, { shard, at, offset, length: spec.paddedSize });
      offset += aligned;
    }
    return offset;
  }

  /** The shard of the next tensor: the last one, or a new one where the last would become too long. */
  private shardFor({ name, shape }: ParameterSpec, offset: number, length: number): number {
    const last = this.shards.at(-1);
    if (last && 4 * (last.length + length) <= this.mostBytes) {
      last.length += length;
    } else if (4 * length <= this.mostBytes) {
      this.shards.push({ offset, length });
    } else {
      throw new EngineError({
        what: `tensor "${name}" of ${shape.join(' x ')} takes ${4 * length} bytes`,
        expected: `at most ${this.mostBytes}, the adapter's limit for one buffer`,
        remedy: 'use a smaller vocabulary or hidden size, or another adapter',
      });
    }
    return this.shards.length - 1;
  }
}
