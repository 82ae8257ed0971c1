import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Precision } from '../../src/base/precision.js';
import { allows, type PairTable } from '../../src/grammar/pair-table.js';
import { AttentionMask } from '../../src/plan/mask.js';
import type { Computed } from '../gate.js';
import { type Clock, type OpenPeer, oneLine, type PeerTask } from './peer.js';
import type { TorchAttention } from './peer-list.js';

const SCRIPT = fileURLToPath(new URL('./torch_attention.py', import.meta.url));

type Tensors = Record<string, Float32Array>;

interface Answer {
  error?: string;
  adapter: string;
  hasClock: boolean;
  handle: number;
  planMs: number;
  milliseconds: number;
}

/** The python3 of the path with `torch_attention.py`, which answers one request after the other. */
class Python {
  private readonly child: ChildProcessWithoutNullStreams;
  private received: Buffer[] = [];
  private size = 0;
  private stderr = '';
  private failure: Error | undefined;
  private wake: () => void = () => {};

  constructor() {
    this.child = spawn('python3', [SCRIPT]);
    this.child.stdout.on('data', (chunk) => {
      this.received.push(chunk);
      this.size += chunk.length;
      this.wake();
    });
    this.child.stderr.setEncoding('utf8').on('data', (text) => {
      this.stderr = (this.stderr + text).slice(-4_000);
    });
    // A pipe to a process that ended; why it ended is said below.
    this.child.stdin.on('error', () => {});
    this.child.on('error', ({ message }) => this.fail(`python3 cannot be run (${message})`));
    this.child.on('close', (code, signal) => {
      const last = this.stderr.trim().split('\n').at(-1);
      this.fail(`python3 ended with ${signal ?? `exit code ${code}`}${last ? `: ${oneLine(last)}` : ''}`);
    });
  }

  /** @throws Error in one line: what PyTorch threw, or how python3 ended. */
  async ask(request: object, tensors: Tensors = {}): Promise<{ answer: Answer; tensors: Tensors }> {
    const sizes = Object.entries(tensors).map(([name, { byteLength }]) => [name, byteLength]);
    this.child.stdin.write(`${JSON.stringify({ ...request, tensors: sizes })}\n`);
    for (const { buffer, byteOffset, byteLength } of Object.values(tensors)) {
      this.child.stdin.write(new Uint8Array(buffer, byteOffset, byteLength));
    }
    while (!this.received.some((chunk) => chunk.includes('\n'))) await this.more();
    const answer = JSON.parse((await this.take(this.all().indexOf('\n') + 1)).toString());
    if (answer.error !== undefined) throw new Error(oneLine(answer.error));
    const results: Tensors = {};
    for (const [name, size] of answer.tensors) {
      // A copy, whose numbers are aligned.
      results[name] = new Float32Array(new Uint8Array(await this.take(size)).buffer);
    }
    return { answer, tensors: results };
  }

  private fail(reason: string): void {
    this.failure ??= new Error(reason);
    this.wake();
  }

  private async more(): Promise<void> {
    if (this.failure) throw this.failure;
    await new Promise<void>((resolve) => {
      this.wake = resolve;
    });
  }

  private all(): Buffer {
    this.received = [Buffer.concat(this.received)];
    return this.received[0];
  }

  private async take(count: number): Promise<Buffer> {
    while (this.size < count) await this.more();
    const bytes = this.all();
    this.received = [bytes.subarray(count)];
    this.size -= count;
    return bytes.subarray(0, count);
  }
}

/** Rows in another order: row i of the result is row `rowOf(i)`. */
function reordered(rows: Float32Array, order: Uint32Array, isBack = false): Float32Array {
  const width = rows.length / order.length;
  const result = new Float32Array(rows.length);
  order.forEach((callers, sorted) => {
    const [from, to] = isBack ? [sorted, callers] : [callers, sorted];
    result.set(rows.subarray(from * width, (from + 1) * width), to * width);
  });
  return result;
}

async function prepare(
  python: Python,
  attention: TorchAttention & { precision: Precision; hasClock: boolean },
  task: PeerTask,
) {
  const { workload, inputs, rules, mask, backward } = task;
  const { heads, headDim } = workload;
  const attentionMask = AttentionMask.fromRules(rules).withTags(workload.tags);
  const { tags, tables } = attentionMask.input(workload);
  const table = tables as PairTable;
  const order = attention.sorted ? attentionMask.layout(workload).order : Uint32Array.from(tags.keys());
  const names = Array.from({ length: Math.max(...tags) + 1 }, (_, tag) => tag);
  const request = {
    ...attention,
    kind: 'prepare',
    tokens: tags.length,
    heads,
    headDim,
    backward,
    mask,
    tags: Array.from(order, (token) => tags[token]),
    table: names.map((query) => names.map((key) => allows(table, query, key))),
  };
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, rows]) => [name, reordered(rows, order)]),
  );
  const { handle, planMs } = (await python.ask(request, tensors)).answer;
  const time = async (clock: Clock) => {
    return (await python.ask({ kind: 'time', handle, clock })).answer.milliseconds;
  };
  return {
    planMs,
    run: async () => {
      await time('wall');
    },
    wallMs: () => time('wall'),
    gpuMs: attention.hasClock ? () => time('gpu') : undefined,
    check: async () => {
      const results = (await python.ask({ kind: 'check', handle })).tensors;
      return Object.fromEntries(
        Object.entries(results).map(([name, rows]) => [name, reordered(rows, order, true)]),
      ) as unknown as Computed;
    },
    release: () => {},
  };
}

/** PyTorch of python3, where it has it: on the CUDA card that is the benchmark's adapter, or on the CPU. */
export function openTorch(torch: TorchAttention, precision: Precision): OpenPeer {
  return async ({ card }) => {
    const python = new Python();
    const { adapter, hasClock } = (await python.ask({ kind: 'open', device: torch.device, card })).answer;
    return {
      adapter: () => adapter,
      prepare: (task) => prepare(python, { ...torch, precision, hasClock }, task),
      release: async () => {
        await python.ask({ kind: 'release' });
      },
    };
  };
}
