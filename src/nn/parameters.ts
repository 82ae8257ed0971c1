import { createStorage, readFloats, readManyFloats, write } from '../gpu/buffers.js';
import type { Device } from '../gpu/device.js';
import { CallerError } from '../gpu/errors.js';
import { type BufferSlice, OFFSET_ALIGNMENT } from '../gpu/pipelines.js';
import { type ModelConfig, paddedClasses } from './config.js';
import { tensorNames } from './tensor-names.js';

export type InitialValue = 'normal' | 'normal, first row zero' | 'one' | 'zero';

/** A parameter tensor by its name in Hugging Face's checkpoints. */
export interface ParameterSpec {
  name: string;
  shape: readonly number[];
  /** AdamW's weight decay spares biases and norms. */
  decays: boolean;
  initial: InitialValue;
  /** Numbers that the kernels address: more than the shape has where its rows are padded. */
  room: number;
}

function tensor(
  name: string,
  shape: readonly number[],
  decays: boolean,
  initial: InitialValue,
): ParameterSpec {
  return { name, shape, decays, initial, room: sizeOf(shape) };
}

function linear(name: string, outputs: number, inputs: number, paddedOutputs = outputs): ParameterSpec[] {
  const weight = tensor(`${name}.weight`, [outputs, inputs], true, 'normal');
  const bias = tensor(`${name}.bias`, [outputs], false, 'zero');
  return [
    { ...weight, room: paddedOutputs * inputs },
    { ...bias, room: paddedOutputs },
  ];
}

function norm(name: string, hidden: number): ParameterSpec[] {
  return [tensor(`${name}.weight`, [hidden], false, 'one'), tensor(`${name}.bias`, [hidden], false, 'zero')];
}

/** The bias tables of a layer's heads, [heads, tags, tags]; none where the model learns none. */
function biasTables(name: string, { heads, biasTags }: ModelConfig): ParameterSpec[] {
  if (biasTags === 0) return [];
  const table = tensor(name, [heads, biasTags, biasTags], false, 'zero');
  return [{ ...table, room: Math.ceil(table.room / 4) * 4 }];
}

export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/**
 * All parameters of a classifier, in the order of Hugging Face's `BertForSequenceClassification` or
 * `DistilBertForSequenceClassification`, with the bias tables that Hugging Face does not have.
 */
export function parameterSpecs(config: ModelConfig): ParameterSpec[] {
  const { hidden, feedForward } = config;
  const names = tensorNames(config.family);
  const layers = Array.from({ length: config.layers }, (_, index) => {
    const layer = names.layer(index);
    return [
      ...[layer.query, layer.key, layer.value].flatMap((name) => linear(name, hidden, hidden)),
      ...biasTables(layer.tagBias, config),
      ...linear(layer.attentionOutput, hidden, hidden),
      ...norm(layer.attentionNorm, hidden),
      ...linear(layer.widening, feedForward, hidden),
      ...linear(layer.narrowing, hidden, feedForward),
      ...norm(layer.feedForwardNorm, hidden),
    ];
  });
  return [
    tensor(names.wordTable, [config.vocabulary, hidden], true, 'normal, first row zero'),
    tensor(names.positionTable, [config.positions, hidden], true, 'normal'),
    ...(names.typeTable ? [tensor(names.typeTable, [config.types, hidden], true, 'normal')] : []),
    ...norm(names.embeddingNorm, hidden),
    ...layers.flat(),
    ...linear(names.pooler, hidden, hidden),
    ...linear(names.classifier, config.classes, hidden, paddedClasses(config)),
  ];
}

function isOfEmbeddings({ name }: ParameterSpec): boolean {
  return name.includes('.embeddings.');
}

const ALIGNMENT = OFFSET_ALIGNMENT / 4;

/** The parameters that a step updates, as one piece of the layout, in numbers. */
export interface UpdatedPart {
  offset: number;
  length: number;
  /** How many of them, from the front of the part, decay. */
  decayedLength: number;
}

/** A part of one of the four buffers. */
export function partOf(buffer: GPUBuffer, { offset, length }: UpdatedPart): BufferSlice {
  return { buffer, offset: 4 * offset, size: 4 * length };
}

/** Flat arrays by the tensors' names. */
export type TensorValues = ReadonlyMap<string, Float32Array>;

/** All that training changes on the GPU. */
export interface TrainingState {
  values: TensorValues;
  firstMoment: TensorValues;
  secondMoment: TensorValues;
}

/**
 * All parameters of a model in one buffer, and their gradients and moments in three more of the same layout: one dispatch
 * updates them all. Those that decay stand in front, and those of the embeddings at both ends: without them, what is left is
 * one piece, too. So are learned biases, first among those that do not decay.
 */
export class Parameters {
  readonly specs: readonly ParameterSpec[];
  /** Numbers in each of the four buffers. */
  readonly length: number;
  /** All parameters. */
  readonly all: UpdatedPart;
  /** All but the embeddings' tables and their norm. */
  readonly withoutEmbeddings: UpdatedPart;
  /** The bias tables of all layers, in numbers. */
  readonly learnedBiases: Pick<UpdatedPart, 'offset' | 'length'>;
  readonly values: GPUBuffer;
  private gradients: GPUBuffer | undefined;
  private moments: { firstMoment: GPUBuffer; secondMoment: GPUBuffer } | undefined;
  private readonly places = new Map<string, { offset: number; room: number }>();

  /** @throws EngineError where the adapter has no room for a buffer of this size. */
  constructor(
    private readonly device: Device,
    config: ModelConfig,
  ) {
    this.specs = parameterSpecs(config);
    const { layer: layerNames } = tensorNames(config.family);
    const tables = this.layOut(0, (spec) => spec.decays && isOfEmbeddings(spec));
    const decayed = this.layOut(tables, (spec) => spec.decays && !isOfEmbeddings(spec));
    const tagBiases = new Set(Array.from({ length: config.layers }, (_, index) => layerNames(index).tagBias));
    const isBiasTable = ({ name }: ParameterSpec) => tagBiases.has(name);
    const biases = this.layOut(decayed, isBiasTable);
    const norm = this.layOut(biases, (spec) => !spec.decays && !isBiasTable(spec) && !isOfEmbeddings(spec));
    this.length = this.layOut(norm, (spec) => !spec.decays && isOfEmbeddings(spec));
    this.all = { offset: 0, length: this.length, decayedLength: decayed };
    this.withoutEmbeddings = { offset: tables, length: norm - tables, decayedLength: decayed - tables };
    this.learnedBiases = { offset: decayed, length: biases - decayed };
    this.values = createStorage(device, 4 * this.length, 'parameters');
  }

  /** The values of a tensor. */
  slice(name: string): BufferSlice {
    return this.sliceOf(this.values, name);
  }

  /** The gradient of a tensor. */
  gradient(name: string): BufferSlice {
    return this.sliceOf(this.allGradients, name);
  }

  /** Gradients and moments, all zero when first asked for: a model that only predicts never allocates them. */
  get trainingBuffers(): { gradients: GPUBuffer; firstMoment: GPUBuffer; secondMoment: GPUBuffer } {
    this.moments ??= {
      firstMoment: createStorage(this.device, 4 * this.length, 'first moment'),
      secondMoment: createStorage(this.device, 4 * this.length, 'second moment'),
    };
    return { gradients: this.allGradients, ...this.moments };
  }

  /** Where a tensor begins, in numbers. */
  offsetOf(name: string): number {
    return this.placeOf(name).offset;
  }

  /** Reads values, or the same layout from another buffer, back to the host: a flat array for each tensor's name. */
  async read(buffer = this.values): Promise<Map<string, Float32Array>> {
    return this.tensorsOf(await readFloats(this.device, buffer, this.length));
  }

  /**
   * Reads values and moments back, as they are after all that was submitted before this call; more may be submitted
   * before they arrive.
   */
  async readState(): Promise<TrainingState> {
    const { firstMoment, secondMoment } = this.trainingBuffers;
    const buffers = [this.values, firstMoment, secondMoment];
    const [values, first, second] = await readManyFloats(this.device, buffers, this.length);
    return {
      values: this.tensorsOf(values),
      firstMoment: this.tensorsOf(first),
      secondMoment: this.tensorsOf(second),
    };
  }

  /** Writes values and moments. @throws CallerError as `write` does. */
  writeState({ values, firstMoment, secondMoment }: TrainingState, where = 'training state'): void {
    this.write(values, where);
    this.write(firstMoment, `${where}, first moment`, this.trainingBuffers.firstMoment);
    this.write(secondMoment, `${where}, second moment`, this.trainingBuffers.secondMoment);
  }

  /**
   * Writes all values, or another buffer of the same layout.
   * @throws CallerError where a tensor is missing or has not the model's size.
   */
  write(tensors: TensorValues, where = 'weights', buffer = this.values): void {
    const all = new Float32Array(this.length);
    for (const { name, shape } of this.specs) {
      const values = tensors.get(name);
      if (!values) throw new CallerError({ what: `tensor "${name}" is missing`, where });
      if (values.length !== sizeOf(shape)) {
        throw new CallerError({
          what: `tensor "${name}" has ${values.length} numbers`,
          where,
          expected: `${sizeOf(shape)} (${shape.join(' x ')})`,
        });
      }
      all.set(values, this.offsetOf(name));
    }
    write(this.device, buffer, all);
  }

  release(): void {
    this.device.release(this.values);
    if (this.gradients) this.device.release(this.gradients);
    for (const buffer of Object.values(this.moments ?? {})) this.device.release(buffer);
    this.gradients = undefined;
    this.moments = undefined;
  }

  private get allGradients(): GPUBuffer {
    this.gradients ??= createStorage(this.device, 4 * this.length, 'gradients');
    return this.gradients;
  }

  private tensorsOf(all: Float32Array): Map<string, Float32Array> {
    return new Map(
      this.specs.map(({ name, shape }) => {
        const offset = this.offsetOf(name);
        return [name, all.slice(offset, offset + sizeOf(shape))];
      }),
    );
  }

  private layOut(from: number, stands: (spec: ParameterSpec) => boolean): number {
    let offset = from;
    for (const spec of this.specs) {
      if (!stands(spec)) continue;
      this.places.set(spec.name, { offset, room: spec.room });
      offset += Math.ceil(spec.room / ALIGNMENT) * ALIGNMENT;
    }
    return offset;
  }

  private sliceOf(buffer: GPUBuffer, name: string): BufferSlice {
    const { offset, room } = this.placeOf(name);
    return { buffer, offset: 4 * offset, size: 4 * room };
  }

  private placeOf(name: string): { offset: number; room: number } {
    const place = this.places.get(name);
    if (!place) throw new CallerError({ what: `the model has no tensor "${name}"` });
    return place;
  }
}
