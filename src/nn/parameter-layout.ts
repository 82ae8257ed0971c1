import { EngineError } from '../base/errors.js';
import { OFFSET_ALIGNMENT } from '../gpu/pipelines.js';
import type { ModelConfig } from './model-config.js';
import { isOfEmbeddings, type ParameterSpec } from './parameter-specs.js';
import { tensorNames } from './tensor-names.js';

const ALIGNMENT = OFFSET_ALIGNMENT / 4;

/** A run of the layout, in numbers. */
export interface Run {
  offset: number;
  length: number;
}

/** The parameters that a step updates, as one run of the layout. */
export interface UpdatedPart extends Run {
  /** How many of them, from the front of the part, decay. */
  decayedLength: number;
}

/** A run that one buffer holds. */
export interface Stretch extends Run {
  /** Which of the buffers. */
  piece: number;
  /** Where in that buffer it begins, in numbers. */
  at: number;
}

/** What each buffer holds of a run, in the layout's order. */
export function stretchesOf(pieces: readonly Run[], run: Run): Stretch[] {
  return pieces.flatMap((piece, index) => {
    const offset = Math.max(piece.offset, run.offset);
    const length = Math.min(piece.offset + piece.length, run.offset + run.length) - offset;
    return length > 0 ? [{ piece: index, at: offset - piece.offset, offset, length }] : [];
  });
}

/**
 * Where each parameter of a model stands. Those that decay stand in front, and those of the embeddings at both ends: without
 * them, what is left is one run, too. So are learned biases, first among those that do not decay. The whole is one piece where
 * a buffer may be as long; else it is cut between tensors into as few as follow each other.
 */
export class ParameterLayout {
  /** What each buffer holds. */
  readonly pieces: readonly Run[];
  /** All parameters. */
  readonly all: UpdatedPart;
  /** All but the embeddings' tables and their norm. */
  readonly withoutEmbeddings: UpdatedPart;
  /** The bias tables of all layers. */
  readonly learnedBiases: Run;
  private readonly places = new Map<string, Stretch>();
  private readonly cut: Run[] = [];

  /**
   * @param mostBytes Of a buffer.
   * @throws EngineError where a tensor alone is longer.
   */
  constructor(
    private readonly specs: readonly ParameterSpec[],
    config: ModelConfig,
    private readonly mostBytes: number,
  ) {
    const { layer: layerNames } = tensorNames(config.family);
    const tables = this.layOut(0, (spec) => spec.decays && isOfEmbeddings(spec));
    const decayed = this.layOut(tables, (spec) => spec.decays && !isOfEmbeddings(spec));
    const tagBiases = new Set(Array.from({ length: config.layers }, (_, index) => layerNames(index).tagBias));
    const isBiasTable = ({ name }: ParameterSpec) => tagBiases.has(name);
    const biases = this.layOut(decayed, isBiasTable);
    const norm = this.layOut(biases, (spec) => !spec.decays && !isBiasTable(spec) && !isOfEmbeddings(spec));
    const length = this.layOut(norm, (spec) => !spec.decays && isOfEmbeddings(spec));
    this.pieces = this.cut;
    this.all = { offset: 0, length, decayedLength: decayed };
    this.withoutEmbeddings = { offset: tables, length: norm - tables, decayedLength: decayed - tables };
    this.learnedBiases = { offset: decayed, length: biases - decayed };
  }

  /** Where a tensor stands, with as many numbers as the kernels address. */
  placeOf(name: string): Stretch | undefined {
    return this.places.get(name);
  }

  private layOut(from: number, stands: (spec: ParameterSpec) => boolean): number {
    let offset = from;
    for (const spec of this.specs) {
      if (!stands(spec)) continue;
      const aligned = Math.ceil(spec.room / ALIGNMENT) * ALIGNMENT;
      const piece = this.pieceFor(spec, offset, aligned);
      this.places.set(spec.name, { piece, at: offset - this.cut[piece].offset, offset, length: spec.room });
      offset += aligned;
    }
    return offset;
  }

  /** The piece that the next tensor joins: the last one, or where that would be too long, a new one. */
  private pieceFor({ name, shape }: ParameterSpec, offset: number, length: number): number {
    const last = this.cut.at(-1);
    if (last && 4 * (last.length + length) <= this.mostBytes) {
      last.length += length;
    } else if (4 * length <= this.mostBytes) {
      this.cut.push({ offset, length });
    } else {
      throw new EngineError({
        what: `tensor "${name}" of ${shape.join(' x ')} takes ${4 * length} bytes`,
        expected: `at most ${this.mostBytes}, the adapter's limit for one buffer`,
        remedy: 'use a smaller vocabulary or hidden size, or another adapter',
      });
    }
    return this.cut.length - 1;
  }
}
