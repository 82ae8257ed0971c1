import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { ModelConfig } from '../../../src/nn/model-config.js';
import { loadWeights } from '../../../src/train/model-weights.js';
import { formatSafetensors, type Tensor } from '../../../src/train/safetensors.js';
import { startFrom } from '../../../src/train/starting-point.js';
import { bitsOfAll } from '../../support/bits.js';
import {
  huggingFaceConfig,
  type Tensors,
  tensorsOf,
  VOCABULARY_TOKENS,
  WRITERS,
  writeCheckpoint,
} from '../../support/checkpoint-folder.js';
import { randomWeights, SMALL_DISTILBERT, SMALL_MODEL } from '../../support/model-cases.js';
import { fileOf } from '../../support/safetensors-file.js';
import { temporaryFolder } from '../../support/temporary-folder.js';

const SMALL = {
  vocabulary: VOCABULARY_TOKENS.length,
  hidden: 16,
  heads: 1,
  feedForward: 16,
  positions: 4,
  layers: 1,
};
const BERT: ModelConfig = { ...SMALL_MODEL, ...SMALL };
const DISTILBERT: ModelConfig = { ...SMALL_DISTILBERT, ...SMALL };
const folder = join(temporaryFolder(), 'checkpoint');
const weights = randomWeights(BERT, 90);

/** Writes BERT's tensors after a change. @returns The result or error of `loadWeights`. */
async function loaded(
  change: (tensors: Map<string, Tensor>) => unknown,
  format: keyof typeof WRITERS = 'safetensors',
) {
  const tensors = tensorsOf(BERT, weights);
  const changed = change(tensors);
  writeCheckpoint(folder, huggingFaceConfig(BERT), changed instanceof Map ? changed : tensors, format);
  return outcome();
}

function outcome(): Promise<Map<string, Float32Array> | string> {
  return loadWeights(folder, BERT).catch((error: Error) => error.message);
}

function renamed(tensors: Tensors, rename: (name: string) => string): Tensors {
  return new Map([...tensors].map(([name, tensor]) => [rename(name), tensor]));
}

describe("a wrapper's names are read", () => {
  const bare = (name: string) => name.replace(/^bert\./, '');
  it.each<[string, (name: string) => string]>([
    ['DataParallel', (name) => `module.${name}`],
    ['DataParallel, twice', (name) => `module.module.${name}`],
    ['torch.compile', (name) => `_orig_mod.${name}`],
    ['torch.compile of a part', (name) => name.replace('bert.encoder', 'bert._orig_mod.encoder')],
    ['both', (name) => `module._orig_mod.${name}`],
    ['a framework', (name) => `model.${name}`],
    ['a bare encoder in DataParallel', (name) => `module.${bare(name)}`],
    ['an encoder of an encoder', (name) => name.replace(/^bert\./, 'bert.bert.')],
    ['FSDP', (name) => name.replace('layer.0.', 'layer.0._fsdp_wrapped_module.')],
    [
      'DataParallel, from TensorFlow',
      (name) => `module.${name.replace('Norm.weight', 'Norm.gamma').replace('Norm.bias', 'Norm.beta')}`,
    ],
  ])('of %s', async (_, rename) => {
    const read = await loaded((tensors) => renamed(tensors, rename));
    expect(bitsOfAll(read as Map<string, Float32Array>)).toEqual(bitsOfAll(weights));
  });

  it('with buffers and heads of other tasks, of DistilBERT', async () => {
    const distilled = randomWeights(DISTILBERT, 91);
    const one = { shape: [1], values: Float32Array.of(Number.NaN) };
    const tensors = new Map([
      ...renamed(tensorsOf(DISTILBERT, distilled), (name) => `module.${name}`),
      ...['module.distilbert.embeddings.position_ids', 'module.vocab_projector.bias'].map(
        (name) => [name, one] as const,
      ),
    ]);
    writeCheckpoint(folder, huggingFaceConfig(DISTILBERT), tensors);
    expect(bitsOfAll(await loadWeights(folder, DISTILBERT))).toEqual(bitsOfAll(distilled));
    const { notes } = await startFrom(folder, { maxLength: 4 });
    expect(notes).toEqual(['not used: module.vocab_projector.bias']);
  });

  it('but not where two tensors get the same name', async () => {
    const message = await loaded((tensors) =>
      tensors.set('module.classifier.bias', { shape: [2], values: new Float32Array(2) }),
    );
    expect(message).toMatch(
      /tensor "classifier\.bias" appears twice, as "classifier\.bias" and "module\.classifier\.bias"$/,
    );
  });

  it('and other names are reported', async () => {
    const message = await loaded((tensors) => renamed(tensors, (name) => `net/${name}`));
    expect(message).toMatch(
      /model\.safetensors: tensor "bert\.embeddings\.word_embeddings\.weight" is missing \(and \d+ more: /,
    );
    expect(message).toContain('the file has "net/bert.embeddings.word_embeddings.weight", ');
  });
});

describe('weights that are not finite are refused', () => {
  const name = 'bert.encoder.layer.0.output.dense.weight';
  it.each<[keyof typeof WRITERS, number, string]>([
    ['safetensors', Number.NaN, 'NaN'],
    ['safetensors in two files', Number.POSITIVE_INFINITY, 'Infinity'],
    ['bin, zip', Number.NEGATIVE_INFINITY, '-Infinity'],
    ['bin before 1.6', Number.NaN, 'NaN'],
  ])('in %s: %d', async (format, value, says) => {
    const message = await loaded((tensors) => {
      tensors.get(name)!.values[2 * BERT.feedForward + 5] = value;
      tensors.get(name)!.values[3 * BERT.feedForward] = value;
    }, format);
    expect(message).toContain(`: tensor "${name}" is ${says} at [2, 5]; expected finite numbers`);
    // The same array serves every case.
    for (const at of [2 * BERT.feedForward + 5, 3 * BERT.feedForward]) weights.get(name)![at] = 0.25;
  });

  it('also in a checkpoint to start from; in a tensor of another head they are ignored', async () => {
    const tensors = tensorsOf(BERT, weights);
    const broken = { shape: [1], values: Float32Array.of(Number.NaN) };
    writeCheckpoint(folder, huggingFaceConfig(BERT), new Map([...tensors, ['cls.predictions.bias', broken]]));
    await startFrom(folder, { maxLength: 4 });
    const bias = {
      shape: [16],
      values: Float32Array.from({ length: 16 }, (_, i) => (i === 7 ? Number.NaN : 0)),
    };
    writeCheckpoint(folder, huggingFaceConfig(BERT), new Map([...tensors, ['bert.pooler.dense.bias', bias]]));
    await expect(startFrom(folder, { maxLength: 4 })).rejects.toThrow(
      'tensor "bert.pooler.dense.bias" is NaN at [7]',
    );
  });
});

describe('weights of f64', () => {
  const asDoubles = (doubles: ReadonlyMap<string, Float64Array>): Uint8Array => {
    const [header, data]: [Record<string, unknown>, Uint8Array[]] = [{}, []];
    let at = 0;
    for (const [name, { shape }] of tensorsOf(BERT, weights)) {
      const bytes = new Uint8Array(doubles.get(name)!.buffer);
      header[name] = { dtype: 'F64', shape, data_offsets: [at, at + bytes.length] };
      at += bytes.length;
      data.push(bytes);
    }
    return fileOf(JSON.stringify(header), Buffer.concat(data) as unknown as number[]);
  };
  const doubles = () =>
    new Map(
      [...weights].map(([name, values]) => [name, Float64Array.from(values, (x) => x * (1 + 2 ** -30))]),
    );

  it('are rounded to the nearest f32', async () => {
    writeCheckpoint(folder, huggingFaceConfig(BERT), new Map());
    writeFileSync(join(folder, 'model.safetensors'), asDoubles(doubles()));
    const expected = new Map(
      [...doubles()].map(([name, values]) => [name, Float32Array.from(values, Math.fround)]),
    );
    expect(bitsOfAll((await outcome()) as Map<string, Float32Array>)).toEqual(bitsOfAll(expected));
  });

  it('are refused where f32 cannot hold them', async () => {
    const all = doubles();
    all.get('classifier.weight')![17] = 1e300;
    writeCheckpoint(folder, huggingFaceConfig(BERT), new Map());
    writeFileSync(join(folder, 'model.safetensors'), asDoubles(all));
    expect(await outcome()).toMatch(/"classifier\.weight" is Infinity at \[1, 1\]; expected .* range of f32/);
  });
});

describe('weights in several files are refused', () => {
  const [first, second] = ['model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors'];
  const index = 'model.safetensors.index.json';
  const tensors = tensorsOf(BERT, weights);
  const files = WRITERS['safetensors in two files'](tensors) as Record<string, string | Uint8Array>;
  const write = (changes: Record<string, string | Uint8Array>) => {
    writeCheckpoint(folder, huggingFaceConfig(BERT), tensors, 'safetensors in two files');
    for (const [file, content] of Object.entries(changes)) writeFileSync(join(folder, file), content);
  };

  it('where one is missing', async () => {
    write({});
    rmSync(join(folder, second));
    expect(await outcome()).toMatch(
      /00002-of-00002\.safetensors: cannot be read \(ENOENT\); expected it, as .*index/,
    );
  });

  it('where a tensor is in two', async () => {
    const names = [...tensors.keys()];
    const both = new Map(
      names.filter((_, at) => at % 2 === 1 || at === 0).map((name) => [name, tensors.get(name)!]),
    );
    write({ [second]: formatSafetensors(both) });
    expect(await outcome()).toMatch(
      new RegExp(`${second}: tensor "${names[0]}" is here and in ${first}; expected each tensor in one file`),
    );
  });

  it.each([
    [
      'lacks a tensor that its index names',
      { [second]: formatSafetensors(new Map()) },
      /is missing; expected what/,
    ],
    [
      'names a file elsewhere',
      { [index]: '{"weight_map":{"a":"model.safetensors","b":"../b.safetensors"}}' },
      /index\.json: it does not name the file of each tensor \("b": "\.\.\/b\.safetensors"\)/,
    ],
    ['names a list', { [index]: '{"weight_map":{"a":[[]]}}' }, /\("a": a list\)/],
    [
      'names two files of a tensor',
      { [index]: `{"weight_map":{"a":"${first}","a":"${second}"}}` },
      /index\.json: "a" is there twice; expected one file/,
    ],
  ])('where it %s', async (_, changes, says) => {
    write(changes as Record<string, string>);
    expect(await outcome()).toMatch(says);
    expect(Object.keys(files)).toContain(index);
  });
});
