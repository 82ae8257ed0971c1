import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import type { Computed } from '../../bench/gate.js';
import { randomInputs } from '../../bench/inputs.js';
import { checkPeer, expectedOfPeer } from '../../bench/peers/peer-case.js';
import type { TorchAttention } from '../../bench/peers/peer-list.js';
import { openTorch } from '../../bench/peers/torch.js';
import type { Precision } from '../../src/base/precision.js';
import { PAPER_RULES } from '../../src/grammar/presets.js';
import { temporaryFolder } from '../support/temporary-folder.js';

const WORKLOAD = {
  tags: ['[CLS]', 'NOUN', 'DET', 'ADJ', 'NOUN', 'VERB', 'DET', 'NOUN', '[SEP]'],
  lengths: [9],
  heads: 2,
  headDim: 16,
};
const TASK = {
  workload: WORKLOAD,
  inputs: randomInputs(WORKLOAD, 1),
  rules: PAPER_RULES,
  mask: true,
  backward: false,
  seed: 1,
};

/** A python3 that answers with the query that it got, or with an error where its card is another. */
const FAKE = `
let bytes = Buffer.alloc(0);
let task;
process.stdin.on('data', (chunk) => {
  bytes = Buffer.concat([bytes, chunk]);
  for (;;) {
    const end = bytes.indexOf('\\n') + 1;
    if (end === 0) return;
    const request = JSON.parse(bytes.subarray(0, end).toString());
    const sizes = request.tensors.map(([, size]) => size);
    const size = sizes.reduce((a, b) => a + b, 0);
    if (bytes.length < end + size) return;
    const payload = bytes.subarray(end, end + (sizes[0] ?? 0));
    bytes = bytes.subarray(end + size);
    const answer = (value, query) => {
      const tensors = query ? [['output', query.length]] : [];
      process.stdout.write(JSON.stringify({ ...value, tensors }) + '\\n');
      if (query) process.stdout.write(query);
    };
    if (request.kind === 'open' && request.card !== 'nvidia-fake') answer({ error: 'another\\n card' });
    else if (request.kind === 'prepare') {
      task = { ...request, query: Buffer.from(payload) };
      answer({ handle: 0, planMs: request.tags.filter((tag, at) => tag !== request.tags[at - 1]).length });
    } else if (request.kind === 'check') answer({}, task.query);
    else answer({ adapter: 'fake', hasClock: true, milliseconds: request.clock === 'gpu' ? 1 : 2 });
  }
});
`;

function open(card: string, torch: Partial<TorchAttention> = {}, precision: Precision = 'f32') {
  const attention: TorchAttention = { device: 'cuda', flex: true, sorted: false, ...torch };
  const load = () => Promise.reject(new Error('no package is needed'));
  return openTorch(attention, precision)({ adapter: 'auto', card, load });
}

describe('the process of PyTorch', () => {
  const folder = temporaryFolder();
  afterEach(() => vi.unstubAllEnvs());

  it.skipIf(process.platform === 'win32')(
    'gets tokens sorted by tag if it asks for that, and its results are in the order of the text',
    async () => {
      writeFileSync(join(folder, 'python3'), `#!${process.execPath}\n${FAKE}`, { mode: 0o755 });
      vi.stubEnv('PATH', folder + delimiter + process.env.PATH);
      // The tag runs of the text, and those of a text sorted by tag: one of each tag.
      for (const [sorted, tagRuns] of [
        [false, 9],
        [true, 6],
      ] as const) {
        const peer = await open('nvidia-fake', { sorted });
        const prepared = await peer.prepare(TASK);
        expect(prepared.planMs).toBe(tagRuns);
        expect(((await prepared.check()) as Computed).output).toEqual(TASK.inputs.query);
        expect([await prepared.wallMs!(), await prepared.gpuMs!()]).toEqual([2, 1]);
        await peer.release!();
      }
      await expect(open('nvidia-h200')).rejects.toThrow(/^another card$/);
    },
  );

  it('is reported in one line where python3 is missing', async () => {
    vi.stubEnv('PATH', join(folder, 'nothing'));
    await expect(open('nvidia-h200')).rejects.toThrow(/^python3 cannot be run \(.*ENOENT\)$/);
  });

  const { status } = spawnSync('python3', ['-c', 'import torch.nn.attention.flex_attention']);

  it.skipIf(status !== 0).each(['f32', 'f16'] as const)(
    'computes attention in %s, where python3 has PyTorch',
    async (precision) => {
      const peer = await open('', { device: 'cpu', flex: false, sorted: true }, precision);
      for (const mask of [false, true]) {
        const task = { ...TASK, mask, backward: true };
        const results = (await (await peer.prepare(task)).check()) as Computed;
        const expected = expectedOfPeer(WORKLOAD, TASK.inputs, new Uint8Array(18).fill(1), task);
        expect(checkPeer(expected, results, precision).complaint).toBeUndefined();
      }
    },
  );
});
