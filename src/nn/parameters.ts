import { CallerError } from '../base/errors.js';
import { createStorage, readManyFloats, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import type { BufferSlice } from '../gpu/pipelines.js';
import type { ModelConfig } from './model-config.js';
import { ParameterLayout, type ShardRange } from './parameter-layout.js';
import { sizeOf } from './parameter-specs.js';

/** One buffer for each shard of the layout. */
export type Buffers = readonly GPUBuffer[];

/** Flat arrays by the tensors' names. */
export type TensorValues = ReadonlyMap<string, Float32Array>;

/** All state of training on the GPU. */
export interface TrainingState {
  /** The parameters. */
  values: TensorValues;
  /** AdamW's running means of the gradients, one number for each parameter. */
  firstMoment: TensorValues;
  /** AdamW's running means of the squared gradients, one number for each parameter. */
  secondMoment: TensorValues;
}

/** The tensors of a linear layer or a norm. */
export interface Affine {
  weight: BufferSlice;
  bias: BufferSlice;
}

/** A range as a slice of its buffer. */
export function sliceOf(buffers: Buffers, { shard, at, length }: Omit<ShardRange, 'offset'>): BufferSlice {
  return { buffer: buffers[shard], offset: 4 * at, size: 4 * length };
}

/** Parts of a buffer as one part, where each follows the one before. */
function joinedSlices(slices: readonly BufferSlice[]): BufferSlice | undefined {
  const [{ buffer, offset = 0 }] = slices;
  let size = 0;
  for (const slice of slices) {
    if (slice.buffer !== buffer || slice.offset !== offset + size) return undefined;
    size += slice.size!;
  }
  return { buffer, offset, size };
}

function joined(affines: readonly Affine[]): Affine | undefined {
  if (affines.length === 1) return affines[0];
  const weight = joinedSlices(affines.map((each) => each.weight));
  const bias = joinedSlices(affines.map((each) => each.bias));
  return weight && bias && { weight, bias };
}

/**
 * All parameters of a model, and their gradients and moments in buffers of the same layout: one buffer each where the adapter's
 * limit allows it, so that one dispatch updates all; else as few as possible.
 */
export class Parameters {
  readonly layout: ParameterLayout;
  readonly values: Buffers;
  private gradients: Buffers | undefined;
  /** By the names of layers: every step looks them up. */
  private readonly affines = new Map<string, Affine>();
  private readonly affineGradients = new Map<string, Affine>();
  private moments: { firstMoment: Buffers; secondMoment: Buffers } | undefined;

  /** @throws EngineError where a tensor is longer than the adapter's longest buffer. */
  constructor(
    private readonly device: Device,
    config: ModelConfig,
  ) {
    this.layout = new ParameterLayout(config, device.largestBuffer);
    this.values = this.create('parameters');
  }

  /** The values of a tensor. */
  slice(name: string): BufferSlice {
    return sliceOf(this.values, this.layout.rangeOf(name));
  }

  /** The gradient of a tensor. */
  gradient(name: string): BufferSlice {
    return sliceOf(this.allGradients, this.layout.rangeOf(name));
  }

  /** The values of `name`.weight and `name`.bias. */
  affine(name: string): Affine {
    let affine = this.affines.get(name);
    if (!affine) {
      affine = { weight: this.slice(`${name}.weight`), bias: this.slice(`${name}.bias`) };
      this.affines.set(name, affine);
    }
    return affine;
  }

  /** The gradients of `name`.weight and `name`.bias. */
  affineGradient(name: string): Affine {
    let affine = this.affineGradients.get(name);
    if (!affine) {
      affine = { weight: this.gradient(`${name}.weight`), bias: this.gradient(`${name}.bias`) };
      this.affineGradients.set(name, affine);
    }
    return affine;
  }

  /** The values of several linear layers as those of one, where each follows the one before in memory. */
  joinedAffine(names: readonly string[]): Affine | undefined {
    return joined(names.map((name) => this.affine(name)));
  }

  /** The gradients of several linear layers as those of one, as `joinedAffine`. */
  joinedAffineGradient(names: readonly string[]): Affine | undefined {
    return joined(names.map((name) => this.affineGradient(name)));
  }

  /** Gradients and moments, zero at first. They are allocated at the first call: prediction does not need them. */
  get trainingBuffers(): { gradients: Buffers; firstMoment: Buffers; secondMoment: Buffers } {
    this.moments ??= {
      firstMoment: this.create('first moment'),
      secondMoment: this.create('second moment'),
    };
    return { gradients: this.allGradients, ...this.moments };
  }

  /** Reads values, or other buffers of the same layout, back to the host: a flat array for each tensor. */
  async read(buffers = this.values): Promise<Map<string, Float32Array>> {
    return this.tensorsOf(await readManyFloats(this.device, buffers, this.lengths));
  }

  /**
   * Reads back values and moments as they are after all work submitted before this call. More work may be submitted before they
   * arrive.
   */
  async readState(): Promise<TrainingState> {
    const { firstMoment, secondMoment } = this.trainingBuffers;
    const kinds = [this.values, firstMoment, secondMoment];
    const lengths = kinds.flatMap(() => this.lengths);
    const all = await readManyFloats(this.device, kinds.flat(), lengths);
    const [values, first, second] = kinds.map(() => this.tensorsOf(all.splice(0, this.lengths.length)));
    return { values, firstMoment: first, secondMoment: second };
  }

  /** Writes values and moments. @throws CallerError as `write` does. */
  writeState({ values, firstMoment, secondMoment }: TrainingState, where = 'training state'): void {
    this.write(values, where);
    this.write(firstMoment, `${where}, first moment`, this.trainingBuffers.firstMoment);
    this.write(secondMoment, `${where}, second moment`, this.trainingBuffers.secondMoment);
  }

  /**
   * Writes all values, or other buffers of the same layout.
   * @throws CallerError where a tensor is missing or has another size. Nothing is written then.
   */
  write(tensors: TensorValues, where = 'weights', buffers = this.values): void {
    for (const { name, shape } of this.layout.specs) {
      const values = tensors.get(name);
      if (!values) throw new CallerError({ what: `tensor "${name}" is missing`, where });
      if (values.length !== sizeOf(shape)) {
        throw new CallerError({
          what: `tensor "${name}" has ${values.length} numbers`,
          where,
          expected: `${sizeOf(shape)} (${shape.join(' x ')})`,
        });
      }
    }
    this.lengths.forEach((length, index) => {
      const numbers = new Float32Array(length);
      for (const { name } of this.layout.specs) {
        const { shard, at } = this.layout.rangeOf(name);
        if (shard === index) numbers.set(tensors.get(name)!, at);
      }
      write(this.device, buffers[index], numbers);
    });
  }

  release(): void {
    const moments = Object.values(this.moments ?? {}).flat();
    for (const buffer of [...this.values, ...(this.gradients ?? []), ...moments]) this.device.release(buffer);
    this.gradients = undefined;
    this.moments = undefined;
  }

  private get allGradients(): Buffers {
    this.gradients ??= this.create('gradients');
    return this.gradients;
  }

  private get lengths(): number[] {
    return this.layout.shards.map(({ length }) => length);
  }

  private create(label: string): Buffers {
    return this.lengths.map((length) => createStorage(this.device, 4 * length, label));
  }

  private tensorsOf(shards: readonly Float32Array[]): Map<string, Float32Array> {
    return new Map(
      this.layout.specs.map(({ name, shape }) => {
        const { shard, at } = this.layout.rangeOf(name);
        return [name, shards[shard].slice(at, at + sizeOf(shape))];
      }),
    );
  }
}
