import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AttentionImplementation } from '../../bench/attention-implementation.js';
import { GREEN } from '../../bench/gate.js';
import { quickCheck } from '../../bench/quick-check.js';
import { tune } from '../../bench/tuner.js';
import { tuningProblem } from '../../src/cli/kernel-cache.js';
import type { Device } from '../../src/gpu/device.js';
import type { KernelName } from '../../src/gpu/kernel.js';
import { kernelSources } from '../../src/gpu/kernel-sources.generated.js';
import { openDevice } from '../../src/gpu/open-device.js';
import { testDevice } from '../support/device.js';
import { quickTurns } from '../support/quick-turns.js';

const sources = kernelSources as Record<KernelName, string>;
const original = { ...sources };
const opened: Device[] = [];

afterEach(() => {
  vi.restoreAllMocks();
  Object.assign(sources, original);
  for (const device of opened.splice(0)) device.close();
});

/** Makes kernels return at once, so that they write nothing, like a kernel that a driver miscompiles or skips. */
function breakKernels(which: (name: string) => boolean): void {
  for (const name of Object.keys(sources) as KernelName[]) {
    if (!which(name)) continue;
    const code = original[name];
    const body = code.indexOf(') {', code.indexOf('fn main(')) + 3;
    sources[name] = `${code.slice(0, body)}\n  if (true) { return; }${code.slice(body)}`;
  }
}

/** A device that compiles the kernels as they are now. */
async function ownDevice(): Promise<Device> {
  const { gpu } = await testDevice();
  const device = await openDevice({ device: gpu });
  opened.push(device);
  return device;
}

describe('the quick check', () => {
  it('passes where the kernels are right', async () => {
    await quickCheck(await ownDevice(), ['dense', 'sparse'], 16);
  });

  it.each([
    ['attention/dense_forward', /attention \(dense\): output is off/],
    ['attention/sparse_backward_key_value', /attention \(sparse\): key gradient is off/],
    ['attention/sparse_backward_query', /attention \(sparse\): query gradient is off/],
    ['linear/forward', /linear layer \(f32\): output is off by Infinity/],
    ['linear/input_gradient', /linear layer \(f32\): inputGradient is off by Infinity/],
    ['linear/weight_gradient', /linear layer \(f32\): weightGradient is off by Infinity/],
  ])('finds that %s writes nothing', async (name, says) => {
    breakKernels((each) => each.replace(/\/(wide|subgroup)\//, '/').startsWith(name));
    const device = await ownDevice();
    await expect(quickCheck(device, ['dense', 'sparse'], 16)).rejects.toThrow(says);
  });
});

describe('tuning', () => {
  beforeEach(() => {
    quickTurns();
  });

  it('ends where every variant writes nothing, chooses none, and names a wrong one', async () => {
    breakKernels((name) => /^attention\/\w+\/sparse/.test(name));
    const { choices, rows } = await tune(await ownDevice(), { headDim: 16, longest: 64, kinds: ['sparse'] });
    expect(choices.variants).toEqual({});
    expect(rows.every(({ gate, isChosen }) => gate && !gate.passed && !isChosen)).toBe(true);
    const complaint = tuningProblem(rows)!;
    expect(complaint.isUsable).toBe(false);
    expect(complaint.error.message).toMatch(
      /^no variant of the kernels is right for sparse, up to 64 tokens: "subgroup.*" is wrong here: output is off by Infinity.*--adapter/,
    );
  });

  it('continues where one is right, and names the wrong one', async () => {
    // Where no adapter runs two families, all variants are the same kernels: none of them is wrong alone.
    const wrongOne = { ...GREEN, passed: false, complaints: ['output is off'] };
    vi.spyOn(AttentionImplementation.prototype, 'gate').mockResolvedValueOnce(wrongOne);
    const { choices, rows } = await tune(await ownDevice(), { headDim: 16, longest: 64, kinds: ['sparse'] });
    const wrong = rows.filter(({ gate }) => gate && !gate.passed);
    const chosen = rows.filter(({ isChosen }) => isChosen);
    expect([wrong.length, chosen.length]).toEqual([1, 1]);
    expect(choices.variants).toEqual({ 'sparse, up to 64': chosen[0].variant });
    expect(tuningProblem(rows)).toMatchObject({ isUsable: true });
  });
});
