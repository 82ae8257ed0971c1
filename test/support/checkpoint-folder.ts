import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SPECIAL_TOKENS } from '../../src/grammar/vocabulary.js';
import type { ModelConfig } from '../../src/nn/model-config.js';
import { parameterSpecs } from '../../src/nn/parameter-specs.js';
import { formatSafetensors, type Tensor } from '../../src/train/safetensors.js';
import { legacyTorchFile, type TorchTensor, torchFile } from './torch-file.js';

const WORDS = 'the film hero is funny dull and it likes brilliant story play ##ing ##s .'.split(' ');

export const VOCABULARY_TOKENS = [...SPECIAL_TOKENS, ...WORDS];

/** A configuration as Hugging Face's `save_pretrained` writes it; fields that have their default values are left out. */
export function huggingFaceConfig(config: ModelConfig): Record<string, unknown> {
  if (config.family === 'distilbert') {
    return {
      architectures: ['DistilBertForSequenceClassification'],
      model_type: 'distilbert',
      activation: 'gelu',
      dim: config.hidden,
      n_layers: config.layers,
      n_heads: config.heads,
      hidden_dim: config.feedForward,
      max_position_embeddings: config.positions,
      vocab_size: config.vocabulary,
      sinusoidal_pos_embds: false,
      tie_weights_: true,
    };
  }
  return {
    architectures: ['BertForSequenceClassification'],
    model_type: 'bert',
    hidden_act: 'gelu',
    hidden_size: config.hidden,
    num_hidden_layers: config.layers,
    num_attention_heads: config.heads,
    intermediate_size: config.feedForward,
    max_position_embeddings: config.positions,
    vocab_size: config.vocabulary,
    classifier_dropout: null,
  };
}

export type Tensors = ReadonlyMap<string, Tensor>;

/** A model's weights with their shapes. */
export function tensorsOf(
  config: ModelConfig,
  weights: ReadonlyMap<string, Float32Array>,
): Map<string, Tensor> {
  return new Map(
    parameterSpecs(config).map(({ name, shape }) => [name, { shape, values: weights.get(name)! }]),
  );
}

/** The bits of 0 or of a normal f16 number. */
function halfBits(value: number): number {
  if (value === 0) return Object.is(value, -0) ? 0x8000 : 0;
  const exponent = Math.floor(Math.log2(Math.abs(value)));
  const fraction = (Math.abs(value) / 2 ** exponent - 1) * 1024;
  return (value < 0 ? 0x8000 : 0) + (exponent + 15) * 1024 + fraction;
}

/** The nearest number with 10 binary places, which f16 holds where it is below 2. */
export function rounded(values: Float32Array): Float32Array {
  return values.map((value) => Math.round(Math.max(-1.99, Math.min(1.99, value)) * 512) / 512);
}

/** f32 for PyTorch's files: all tensors are views of one storage, in sequence. */
function asFloats(tensors: Tensors): Map<string, TorchTensor> {
  const all = Float32Array.from([...tensors.values()].flatMap(({ values }) => [...values]));
  const storage = { key: '0', type: 'Float' as const, bytes: new Uint8Array(all.buffer) };
  let offset = 0;
  return new Map(
    [...tensors].map(([name, { shape, values }]) => {
      offset += values.length;
      return [name, { storage, offset: offset - values.length, shape }];
    }),
  );
}

function asHalves(tensors: Tensors): Map<string, TorchTensor> {
  const entries = [...tensors].map(([name, { shape, values }], index): [string, TorchTensor] => {
    const bytes = new Uint8Array(Uint16Array.from(values, halfBits).buffer);
    return [name, { storage: { key: `${index}`, type: 'Half', bytes }, shape }];
  });
  return new Map(entries);
}

/** The files of weights that a folder may have. */
export const WRITERS = {
  safetensors: (tensors) => ({ 'model.safetensors': formatSafetensors(tensors) }),
  'safetensors in two files': (tensors) => inTwo(tensors, 'model', 'safetensors', formatSafetensors),
  'bin, zip': (tensors) => ({ 'pytorch_model.bin': torchFile(asFloats(tensors)) }),
  'bin, zip, f16': (tensors) => ({ 'pytorch_model.bin': torchFile(asHalves(tensors)) }),
  'bin before 1.6': (tensors) => ({ 'pytorch_model.bin': legacyTorchFile(asFloats(tensors)) }),
  'bin in two files': (tensors) =>
    inTwo(tensors, 'pytorch_model', 'bin', (half) => torchFile(asFloats(half))),
} satisfies Record<string, (tensors: Tensors) => Record<string, Uint8Array | string>>;

function inTwo(tensors: Tensors, stem: string, ending: string, write: (half: Tensors) => Uint8Array) {
  const files = [1, 2].map((number) => `${stem}-0000${number}-of-00002.${ending}`);
  const fileOf = (index: number) => files[index % 2];
  const half = (file: string) => new Map([...tensors].filter((_, index) => fileOf(index) === file));
  const map = Object.fromEntries([...tensors.keys()].map((name, index) => [name, fileOf(index)]));
  return {
    [`${stem}.${ending}.index.json`]: JSON.stringify({ metadata: { total_size: 0 }, weight_map: map }),
    ...Object.fromEntries(files.map((file) => [file, write(half(file))])),
  };
}

/** Writes a folder in Hugging Face's layout of a model. */
export function writeCheckpoint(
  folder: string,
  config: Record<string, unknown>,
  tensors: Tensors,
  format: keyof typeof WRITERS = 'safetensors',
): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'vocab.txt'), `${VOCABULARY_TOKENS.join('\n')}\n`);
  writeFileSync(join(folder, 'tokenizer_config.json'), '{"do_lower_case": true, "model_max_length": 1e30}');
  for (const [file, content] of Object.entries(WRITERS[format](tensors)))
    writeFileSync(join(folder, file), content);
}
