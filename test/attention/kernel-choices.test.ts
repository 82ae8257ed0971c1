import { beforeAll, describe, expect, it } from 'vitest';
import { attend } from '../../src/attention/attend.js';
import { familyOfTiles } from '../../src/attention/families/families.js';
import {
  adapterKey,
  checkedChoices,
  choiceKey,
  type KernelChoices,
  kernelVariants,
  LENGTH_CLASSES,
  tilesOn,
} from '../../src/attention/kernel-choices.js';
import { CallerError } from '../../src/base/errors.js';
import { hostRandom } from '../../src/base/random.js';
import type { Device } from '../../src/gpu/device.js';
import { presetRules } from '../../src/grammar/presets.js';
import type { Strategy } from '../../src/grammar/rules.js';
import { UNIVERSAL_TAGS } from '../../src/grammar/tags.js';
import { TYPICAL_GPU } from '../../src/plan/machine.js';
import { AttentionMask } from '../../src/plan/mask.js';
import { testDevice } from '../support/device.js';

let device: Device;

beforeAll(async () => {
  device = await testDevice();
});

function choices(variants: Record<string, string>, adapter = adapterKey(device)): KernelChoices {
  return { adapter, headDim: 32, variants };
}

/** The test device, as if it were a GPU without subgroups. */
function gpuLike(): Device {
  return Object.create(device, { isSoftware: { value: false }, lanes: { value: undefined } });
}

describe('choices of kernels', () => {
  it('have one key for each kind of plan and length class', () => {
    const names = LENGTH_CLASSES.map((most) => choiceKey('sparse', most));
    expect(new Set(names).size).toBe(LENGTH_CLASSES.length);
    for (const most of LENGTH_CLASSES) {
      expect(choiceKey('sparse', most - 1)).toBe(choiceKey('sparse', most));
      expect(names).not.toContain(choiceKey('dense', most));
    }
    expect(choiceKey('sparse', 65)).toBe(names[1]);
  });

  it('take effect only for their kind of plan and length class', () => {
    const variants = kernelVariants(device, 'sparse');
    const last = variants[variants.length - 1];
    const tiles = tilesOn(device, choices({ [choiceKey('sparse', 100)]: last.name }));
    expect(tiles('sparse', [3, 100, 7])).toEqual(last.tile);
    expect(tiles('sparse', [3, 7])).toEqual(variants[0].tile);
    expect(tiles('dense', [100])).toEqual(kernelVariants(device, 'dense')[0].tile);
  });

  it('that are missing mean tiles of few rows for short texts on a GPU, and under dense attention for shorter texts only', () => {
    const tiles = tilesOn(gpuLike());
    expect([[512], [128, 128, 128, 128], [1024]].map((lengths) => tiles('sparse', lengths).rows)).toEqual([
      16, 16, 32,
    ]);
    expect([[512], [128, 128, 128, 128], [1024]].map((lengths) => tiles('dense', lengths).rows)).toEqual([
      32, 16, 32,
    ]);
    const tokens = { tags: Array<string>(512).fill('NOUN') };
    const rowsOf = (strategy: Strategy) =>
      AttentionMask.fromRules(presetRules('paper'), strategy).layout(tokens, tiles).tileConfig.rows;
    expect(rowsOf('hard')).toBe(16);
    expect(rowsOf('soft'), 'every pair, some with a bias').toBe(32);
  });

  it('may be planned for the GPU as it was measured', () => {
    const gpu = gpuLike();
    const machine = { ...TYPICAL_GPU, multiprocessors: 40 };
    const variants = kernelVariants(gpu, 'sparse', 0, machine);
    const typical = kernelVariants(gpu, 'sparse');
    expect(variants.slice(0, typical.length)).toEqual(typical);
    const { name } = variants[typical.length];
    const chosen = {
      adapter: adapterKey(gpu),
      headDim: 32,
      variants: { [choiceKey('sparse', 9)]: name },
      machine,
    };
    const read = checkedChoices(JSON.parse(JSON.stringify(chosen)), 'choices.json');
    expect(tilesOn(gpu, read)('sparse', [9])).toEqual({ ...typical[0].tile, machine });
    expect(kernelVariants(device, 'sparse', 0, machine), 'a software adapter').toEqual(
      kernelVariants(device, 'sparse'),
    );
  });

  it('have no effect on another adapter, and where they name no variant', () => {
    const [expected, other] = kernelVariants(device, 'sparse');
    const key = choiceKey('sparse', 10);
    expect(tilesOn(device, choices({ [key]: other.name }, 'another'))('sparse', [10])).toEqual(expected.tile);
    for (const name of ['no such variant', 'workgroup, 32 rows, cost 256'])
      expect(tilesOn(device, choices({ [key]: name }))('sparse', [10])).toEqual(expected.tile);
    expect(tilesOn(device)('sparse', [10])).toEqual(expected.tile);
  });

  it('name each variant once, and only variants that the device runs', () => {
    for (const kind of ['dense', 'sparse'] as const) {
      const variants = kernelVariants(device, kind, 100);
      expect(new Set(variants.map(({ name }) => name)).size).toBe(variants.length);
      for (const { tile } of variants) expect(() => familyOfTiles(device, tile, 100)).not.toThrow();
      for (const { tile } of variants) {
        for (const other of [{ rows: 33 }, { rowBlock: 4 }, { steps: [24] }])
          expect(() => familyOfTiles(device, { ...tile, ...other }, 100)).toThrow(/^a plan for /);
      }
    }
  });

  it('are of the kernels for GPUs on GPUs, and on software adapters where no others run', async () => {
    const families = (on: Device) =>
      new Set(kernelVariants(on, 'sparse', 100).map(({ tile }) => tile.family));
    expect(families(await testDevice('wide'))).toEqual(new Set(['wide']));
    if (!device.lanes) return;
    const onGpu = Object.create(device, { isSoftware: { value: false } });
    expect(families(onGpu)).toEqual(new Set(['subgroup', 'wide']));
    const onSoftware = Object.create(device, { isSoftware: { value: true } });
    expect(families(onSoftware)).toEqual(new Set(['subgroup']));
  });

  it('give the same attention for every choice', async () => {
    const devices = [device, await testDevice('wide')];
    const [tokens, heads, headDim] = [75, 2, 32];
    const random = hostRandom(5);
    const draw = () => Float32Array.from({ length: tokens * heads * headDim }, () => 2 * random() - 1);
    const tags = Array.from(
      { length: tokens },
      () => UNIVERSAL_TAGS[Math.floor(random() * UNIVERSAL_TAGS.length)],
    );
    const [q, k, v] = [draw(), draw(), draw()];
    for (const [kind, strategy] of [
      ['dense', 'none'],
      ['sparse', 'hard'],
    ] as const) {
      const outputs: Float32Array[] = [];
      for (const each of devices) {
        for (const { name } of kernelVariants(each, kind, tokens)) {
          const kernels = choices({ [choiceKey(kind, tokens)]: name }, adapterKey(each));
          const mask = AttentionMask.fromRules('paper', strategy);
          outputs.push((await attend(each, { q, k, v, heads, headDim, tags, mask, kernels })).output);
        }
      }
      expect(outputs.length).toBeGreaterThan(3);
      for (const output of outputs) {
        output.forEach((value, at) => {
          expect(Math.abs(value - outputs[0][at])).toBeLessThan(2e-6);
        });
      }
    }
  });
});

describe('choices in a file', () => {
  it('are read as they were written', () => {
    const written = choices({ 'sparse, up to 64': 'x' });
    expect(checkedChoices(JSON.parse(JSON.stringify(written)), 'f')).toEqual(written);
  });

  it.each([null, 3, {}, { adapter: 'a', headDim: 64 }, { adapter: 'a', headDim: 'x', variants: {} }])(
    'are refused where they are %j',
    (json) => {
      expect(() => checkedChoices(json, 'kernels.json')).toThrow(CallerError);
    },
  );
});
